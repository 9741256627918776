package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// countedConn is an end of a pipe that counts how often it is told of a deadline.
type countedConn struct {
	net.Conn
	mu   sync.Mutex
	told int
}

func (c *countedConn) note() { c.mu.Lock(); c.told++; c.mu.Unlock() }

func (c *countedConn) SetReadDeadline(t time.Time) error {
	c.note()
	return c.Conn.SetReadDeadline(t)
}

func (c *countedConn) SetWriteDeadline(t time.Time) error {
	c.note()
	return c.Conn.SetWriteDeadline(t)
}

// A read ends at the deadline that was set last, whichever were set before and whether or not it had begun, as that of a
// connection of the system does.
func TestDeadlinesAreKept(t *testing.T) {
	type step struct {
		at, deadline time.Duration // from the beginning of the test; deadline 0 = none, < 0 = long ago
	}
	for name, c := range map[string]struct {
		steps  []step        // before the read, at 0, and while it waits
		ends   time.Duration // of the first read; 0 = the peer's byte ends it, after an hour
		byPeer bool
	}{
		"none":                                 {nil, time.Hour, true},
		"set before":                           {[]step{{0, time.Minute}}, time.Minute, false},
		"put off before":                       {[]step{{0, time.Minute}, {0, 2 * time.Minute}}, 2 * time.Minute, false},
		"put off while it waits":               {[]step{{0, time.Minute}, {30 * time.Second, 2 * time.Minute}}, 2 * time.Minute, false},
		"put off twice":                        {[]step{{0, time.Minute}, {30 * time.Second, 2 * time.Minute}, {90 * time.Second, 3 * time.Minute}}, 3 * time.Minute, false},
		"brought forward before":               {[]step{{0, 2 * time.Minute}, {0, time.Minute}}, time.Minute, false},
		"brought forward while it waits":       {[]step{{0, 2 * time.Minute}, {30 * time.Second, time.Minute}}, time.Minute, false},
		"put off and brought forward":          {[]step{{0, time.Minute}, {10 * time.Second, 3 * time.Minute}, {20 * time.Second, 2 * time.Minute}}, 2 * time.Minute, false},
		"taken away before":                    {[]step{{0, time.Minute}, {0, 0}}, time.Hour, true},
		"taken away while it waits":            {[]step{{0, time.Minute}, {30 * time.Second, 0}}, time.Hour, true},
		"first set while it waits":             {[]step{{30 * time.Second, time.Minute}}, time.Minute, false},
		"ended before":                         {[]step{{0, -1}}, 0, false},
		"ended while it waits":                 {[]step{{0, 2 * time.Minute}, {30 * time.Second, -1}}, 30 * time.Second, false},
		"passed before":                        {[]step{{0, time.Nanosecond}}, time.Nanosecond, false},
		"taken away and set while it waits":    {[]step{{0, time.Minute}, {30 * time.Second, 0}, {90 * time.Second, 2 * time.Minute}}, 2 * time.Minute, false},
		"put off beyond what the peer answers": {[]step{{0, time.Minute}, {30 * time.Second, 2 * time.Hour}}, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, conn, peer := sparingPipe(t)
				set := func(s step) {
					d := time.Time{}
					switch {
					case s.deadline < 0:
						d = time.Unix(1, 0) // as net/http ends a read
					case s.deadline > 0:
						d = began.Add(s.deadline)
					}
					if err := conn.SetReadDeadline(d); err != nil {
						t.Error(err)
					}
				}
				for _, s := range c.steps {
					if s.at == 0 {
						set(s)
						continue
					}
					time.AfterFunc(s.at, func() { set(s) })
				}
				time.AfterFunc(time.Hour, func() { _, _ = peer.Write([]byte{'x'}) })
				var b [1]byte
				n, err := conn.Read(b[:])
				if took := time.Since(began); took != c.ends || (n == 1) != c.byPeer {
					t.Fatalf("the read ended after %v with %d bytes, %v; want %v", took, n, err, c.ends)
				}
				if !c.byPeer {
					var timeout net.Error
					if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
						t.Fatalf("%v is no timeout", err)
					}
					if _, err := conn.Read(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Fatalf("a second read gives %v", err)
					}
					set(step{deadline: 0})
					if n, err := conn.Read(b[:]); n != 1 || err != nil {
						t.Fatalf("a read without a deadline gives %d, %v", n, err)
					}
				}
			})
		})
	}
}

// sparingPipe gives a connection under test, its peer, and the time.
func sparingPipe(t *testing.T) (began time.Time, conn *sparingConn, peer net.Conn) {
	ours, peer := net.Pipe()
	conn = newSparingConn(ours)
	t.Cleanup(func() { _, _ = conn.Close(), peer.Close() })
	return time.Now(), conn, peer
}

// A long answer ends at its deadline too, and one that was put off comes whole.
func TestWriteDeadlinesAreKept(t *testing.T) {
	for name, last := range map[string]time.Duration{"kept": time.Minute, "put off": 3 * time.Minute, "taken away": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, conn, peer := sparingPipe(t)
				if err := conn.SetDeadline(began.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(30*time.Second, func() {
					d := time.Time{}
					if last > 0 {
						d = began.Add(last)
					}
					if err := conn.SetWriteDeadline(d); err != nil {
						t.Error(err)
					}
				})
				got := make(chan int, 1)
				go func() { // takes a part at once, the rest after two minutes
					b := make([]byte, 10)
					n, _ := io.ReadFull(peer, b[:3])
					time.Sleep(2 * time.Minute)
					_ = peer.SetReadDeadline(time.Now().Add(time.Minute))
					m, _ := io.ReadFull(peer, b[n:])
					got <- n + m
				}()
				n, err := conn.Write([]byte("0123456789"))
				if whole := last != time.Minute; whole != (err == nil) || whole && n != 10 || !whole && n != 3 {
					t.Fatalf("%d bytes written, %v", n, err)
				}
				if all := <-got; all != n {
					t.Fatalf("%d bytes came, %d were written", all, n)
				}
			})
		})
	}
}

// What net/http sets for one request after the other is told to the connection once.
func TestDeadlinesOfManyRequestsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, peer := net.Pipe()
		defer peer.Close()
		below := &countedConn{Conn: ours}
		conn := newSparingConn(below)
		defer conn.Close()
		go func() { _, _ = io.Copy(peer, peer) }() // says what it hears
		for range 100 {
			for _, d := range []time.Duration{2 * time.Minute, 10 * time.Second} {
				_ = conn.SetReadDeadline(time.Now().Add(d))
			}
			_ = conn.SetReadDeadline(time.Time{})
			_ = conn.SetWriteDeadline(time.Now().Add(30 * time.Minute))
			if _, err := conn.Write([]byte{'x'}); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetWriteDeadline(time.Time{})
			_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
			var b [1]byte
			if _, err := conn.Read(b[:]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if below.told != 2 {
			t.Fatalf("the connection was told %d times", below.told)
		}
	})
}
