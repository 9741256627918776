package engine

import "sync"

// gate lets Close wait until the last reader has left: Pebble must not be closed under an open iterator.
// mu guards the fields. A reader may enter again while it is inside (a search whose consumer fetches documents).
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed by the last one to leave after close
}

// enter must be followed by leave unless it gives an error.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed()
	}
	g.inside++
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.closed {
		close(g.empty)
	}
}

// close lets nobody in any more and waits until all have left; false if it was closed before.
func (g *gate) close() bool {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false
	}
	g.closed = true
	g.empty = make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	<-g.empty
	return true
}
