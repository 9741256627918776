package audit

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Hold gives a listener whose connections hold answers back until the journal has what they tell of, so that no goroutine waits
// for that: to be woken for each answer costs more than to write it.
//
//	request ─► Handler: the entry joins the journal's group ─► the answer is written ─► its connection keeps it ─┐
//	                                             the next request of the connection is read                      ▼
//	Journal: the group is on disk ───────────────────────────────────────────────────► the answers of the group leave
//
// ConnContext lets the Handler find them. They stand below TLS: what they keep is encrypted already.
func Hold(l net.Listener) net.Listener { return holdingListener{l} }

type holdingListener struct{ net.Listener }

// Accept implements net.Listener.
func (l holdingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newHeldConn(c), nil
}

type connKey struct{}

// ConnContext is for http.Server.ConnContext of a server that listens on what Hold gave.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if h, ok := c.(*heldConn); ok {
		return context.WithValue(ctx, connKey{}, h)
	}
	return ctx
}

// heldConnOf gives the connection that can hold the answer to r; nil where r's goroutine has to wait. That of a held answer is gone
// when the journal fails, so the connection ends in place of a 503: a client may ask again by itself what changes nothing
// (RFC 9110, 9.2.2), but nothing else. And with HTTP/2 a connection has answers of many requests at once.
func heldConnOf(r *http.Request) *heldConn {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ProtoMajor != 1 {
		return nil
	}
	c, _ := r.Context().Value(connKey{}).(*heldConn)
	return c
}

// maxHeld is how many bytes a connection keeps. Who writes more waits.
const maxHeld = 16 << 10

// heldConn is a connection from which nothing leaves before the groups of the journal that it was told of are on disk.
// As with any connection of net/http, one goroutine at a time writes.
type heldConn struct {
	net.Conn
	raw     syscall.RawConn       // nil = there is none
	attempt func(fd uintptr) bool // writes of bytes what the client's system takes at once; under mu

	mu      sync.Mutex // never held while a client is waited for
	moved   sync.Cond  // bytes left, or never will
	waits   *group     // the newest group that bytes wait for; nil = none
	older   []*group   // that they wait for too: of requests that came before the answers of others had left
	bytes   []byte
	taken   int  // of bytes, by attempt
	leaving bool // rest waits for the client
	closing bool // by rest, once bytes have left
	failed  error
}

func newHeldConn(c net.Conn) *heldConn {
	h := &heldConn{Conn: c}
	h.moved.L = &h.mu
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			h.raw, h.attempt = raw, func(fd uintptr) bool {
				h.taken = writeAtOnce(fd, h.bytes)
				return true
			}
		}
	}
	return h
}

// heldBytes keeps the memory of answers that have left.
var heldBytes = sync.Pool{New: func() any { return new([maxHeld]byte) }}

// hold keeps what is written from now on until g is on disk, and what is kept already as well: answers leave in their order.
func (c *heldConn) hold(g *group) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits != nil && c.waits != g {
		c.older = append(c.older, c.waits)
	}
	c.waits = g
}

// Write implements net.Conn.
func (c *heldConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	for c.keeps() && len(c.bytes)+len(b) > maxHeld {
		c.moved.Wait()
	}
	if err := c.failed; err != nil {
		c.mu.Unlock()
		return 0, err
	}
	if !c.keeps() {
		c.mu.Unlock()
		return c.Conn.Write(b)
	}
	if c.bytes == nil {
		c.bytes = heldBytes.Get().(*[maxHeld]byte)[:0]
	}
	c.bytes = append(c.bytes, b...)
	c.mu.Unlock()
	return len(b), nil
}

// keeps says whether what is written now has to stay. c.mu is held.
func (c *heldConn) keeps() bool { return c.failed == nil && (c.waits != nil || c.leaving) }

// release lets go of what waits for g, which is on disk or never will be. It does not wait for the client.
func (c *heldConn) release(g *group) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits != g {
		return // somebody was here, or a newer group is waited for
	}
	err := g.err
	for _, o := range c.older { // groups end in their order
		err = cmp.Or(err, o.err)
	}
	c.waits, c.older = nil, nil
	switch {
	case err != nil:
		c.fail(err)
	case len(c.bytes) > 0 && !c.leaving:
		c.taken = 0
		if c.raw != nil {
			_ = c.raw.Write(c.attempt) // rest meets the error, if there is one
		}
		if c.taken == len(c.bytes) {
			c.reuse(c.bytes)
			c.bytes = nil
		} else {
			c.leaving = true
			go c.rest() // ends with the client's patience, or the connection's deadline
		}
	}
	c.moved.Broadcast()
}

// rest sends what attempt could not.
func (c *heldConn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.failed == nil && c.waits == nil && len(c.bytes) > 0 {
		b, taken := c.bytes, c.taken
		c.bytes, c.taken = nil, 0
		c.mu.Unlock()
		_, err := c.Conn.Write(b[taken:])
		c.mu.Lock()
		c.reuse(b)
		if err != nil {
			c.fail(err)
		}
		c.moved.Broadcast()
	}
	c.leaving = false
	if c.closing && c.waits == nil {
		_ = c.Conn.Close()
	}
	c.moved.Broadcast()
}

func (c *heldConn) reuse(b []byte) { heldBytes.Put((*[maxHeld]byte)(b[:maxHeld])) }

// fail ends the connection: what it keeps never leaves. c.mu is held.
func (c *heldConn) fail(err error) {
	c.failed, c.bytes = err, nil
	_ = c.Conn.Close() // the client sees an answer cut off, which is all that can be told
}

// settled waits until nothing waits for the journal; false if a slow client still has to take what it was sent.
func (c *heldConn) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.failed == nil && c.waits != nil {
		g := c.waits
		c.mu.Unlock()
		<-g.done
		c.release(g)
		c.mu.Lock()
	}
	return !c.leaving
}

// Close implements net.Conn. What is kept leaves first; a slow client is not waited for, the connection then closes behind it.
func (c *heldConn) Close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if !c.settled() {
		return nil
	}
	return c.Conn.Close()
}

// CloseWrite says that no more is written, once what is kept has left.
func (c *heldConn) CloseWrite() error {
	if t, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.settled() {
		return t.CloseWrite()
	}
	return nil
}
