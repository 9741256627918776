package importing

import (
	"context"
	"sync"
)

// turns lets the parcels of one episode go out in the order in which they were read: a corrected file after the one that it corrects. Two
// at once would both find no Claim of the episode, and the second be refused; or the older one would be what counts.
type turns struct {
	mu   sync.Mutex               // guards last
	last map[string]chan struct{} // by episode: closed when the parcel that was read last has been answered
}

// turn is the place of a parcel.
type turn struct {
	before <-chan struct{} // nil: nobody is before it
	over   chan struct{}
}

// take gives the parcel its place behind those of its episode that were read before.
func (t *turns) take(p *parcel) {
	if p.episode == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p.turn = turn{before: t.last[p.episode], over: make(chan struct{})}
	t.last[p.episode] = p.turn.over
}

// wait returns when it is the parcel's turn. The one before it was taken by a sender earlier, since parcels are taken in the order in which
// they were read, so that there is always one that need not wait.
func (t *turns) wait(ctx context.Context, p *parcel) error {
	if p.turn.before == nil {
		return nil
	}
	select {
	case <-p.turn.before:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done lets the next one go.
func (t *turns) done(p *parcel) {
	if p.turn.over == nil {
		return
	}
	close(p.turn.over)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last[p.episode] == p.turn.over {
		delete(t.last, p.episode)
	}
}
