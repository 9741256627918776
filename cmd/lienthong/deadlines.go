package main

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// sparing gives a listener whose connections are told of a deadline only where it makes a difference. net/http sets seven for each
// request, most of them later than the one before; each goes through the runtime's poller and its timers.
//
//	SetReadDeadline ─► is noted; the connection is told if somebody reads and has to be woken earlier
//	Read            ─► the connection is told, unless it wakes early enough as it is
//	a timeout       ─► if it came before the deadline that was noted, the connection is told that one, and is read again
func sparing(l net.Listener) net.Listener { return sparingListener{l} }

type sparingListener struct{ net.Listener }

// Accept implements net.Listener.
func (l sparingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newSparingConn(c), nil
}

type sparingConn struct {
	net.Conn
	read, write deadline
}

func newSparingConn(c net.Conn) *sparingConn {
	return &sparingConn{Conn: c, read: deadline{tell: c.SetReadDeadline}, write: deadline{tell: c.SetWriteDeadline}}
}

// Read implements net.Conn.
func (c *sparingConn) Read(b []byte) (int, error) {
	for {
		if err := c.read.begin(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(b)
		if again := c.read.end(err); !again || n > 0 {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *sparingConn) Write(b []byte) (written int, err error) {
	for {
		if err := c.write.begin(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(b[written:])
		written += n
		if again := c.write.end(err); !again {
			return written, err
		}
	}
}

// SetDeadline implements net.Conn.
func (c *sparingConn) SetDeadline(t time.Time) error {
	return errors.Join(c.read.want(t), c.write.want(t))
}

// SetReadDeadline implements net.Conn.
func (c *sparingConn) SetReadDeadline(t time.Time) error { return c.read.want(t) }

// SetWriteDeadline implements net.Conn.
func (c *sparingConn) SetWriteDeadline(t time.Time) error { return c.write.want(t) }

// SyscallConn implements syscall.Conn. What it writes at once needs no deadline.
func (c *sparingConn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite says that no more is written.
func (c *sparingConn) CloseWrite() error {
	if t, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return t.CloseWrite()
	}
	return errors.ErrUnsupported
}

// deadline is what one direction of a connection is to keep.
type deadline struct {
	tell func(time.Time) error // the connection; it does not wait

	// mu guards what follows; tell is called under it, nothing else.
	mu     sync.Mutex
	wanted time.Time // zero = none
	told   time.Time // zero = none
	inside int       // calls that wait by what was told
}

// longAgo is after every deadline that is meant to have passed when it is set: net/http ends a read by one of 1970.
var longAgo = time.Unix(1<<20, 0)

// want sets the deadline.
func (d *deadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.inside > 0 && !t.IsZero() && (d.told.IsZero() || t.Before(d.told)) {
		return d.set()
	}
	return nil
}

func (d *deadline) set() error {
	d.told = d.wanted
	return d.tell(d.told)
}

// begin comes before a call that may wait; end follows unless it gives an error.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	has := !d.wanted.IsZero()
	if has && d.wanted.Before(longAgo) {
		return os.ErrDeadlineExceeded
	}
	if late := has && (d.told.IsZero() || d.wanted.Before(d.told)); late || !d.told.IsZero() && d.told.Before(longAgo) {
		if err := d.set(); err != nil {
			return err
		}
	}
	d.inside++
	return nil
}

// end says whether the call is to be made again: it ended by a deadline that is not wanted any more.
func (d *deadline) end(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !d.wanted.IsZero() && !d.wanted.After(time.Now()) {
		return false
	}
	return d.set() == nil
}
