package engine

import (
	"context"
	"maps"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

// published is the state as readers see it: the newest commit on disk and what was counted up to it.
// mu guards all fields; nothing is done under it but to read and change them.
type published struct {
	mu      sync.Mutex
	head    head
	counts  map[fhir.Type]int64
	closed  bool
	waiting []chan struct{} // each is closed when the head moves or the engine closes
}

// move publishes a commit and wakes those who wait for it.
func (p *published) move(h head, counts []count) {
	p.mu.Lock()
	p.head = h
	for _, c := range counts {
		p.counts[c.typ] = c.n
	}
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, w := range waiting {
		close(w)
	}
}

func (p *published) close() {
	p.mu.Lock()
	p.closed = true
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, w := range waiting {
		close(w)
	}
}

func (p *published) t() fhir.T { return p.now().t }

// now gives the head.
func (p *published) now() head {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.head
}

// count gives the number of current resources of a type, if t is the published head.
func (p *published) count(typ fhir.Type, t fhir.T) (n int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[typ], t == p.head.t
}

// all gives the head with a copy of the counts.
func (p *published) all() (head, map[fhir.Type]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.head, maps.Clone(p.counts)
}

// wait returns the head as soon as it is beyond t. Errors: ctx's, Unavailable "store-closed"; "store-full" once full is closed.
func (p *published) wait(ctx context.Context, beyond fhir.T, full <-chan struct{}) (fhir.T, error) {
	for {
		p.mu.Lock()
		if t := p.head.t; t > beyond {
			p.mu.Unlock()
			return t, nil
		}
		if p.closed {
			p.mu.Unlock()
			return 0, errClosed()
		}
		moved := make(chan struct{})
		p.waiting = append(p.waiting, moved)
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			p.forget(moved)
			return 0, ctx.Err()
		case <-full:
			p.forget(moved)
			return 0, errFull(nil)
		}
	}
}

// forget takes a waiter off the list whose context ended, so that a quiet store does not collect them.
func (p *published) forget(w chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range p.waiting {
		if c == w {
			last := len(p.waiting) - 1
			p.waiting[i] = p.waiting[last]
			p.waiting = p.waiting[:last]
			return
		}
	}
}
