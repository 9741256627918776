package bhxh

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/delivery"
)

// remembered holds what was claimed with the versions that were sent last, until their results are here: mostly that is a few seconds, and
// then the claim need not be read and parsed again. A version never changes, so what is not here is read, by whatever server asks.
type remembered struct {
	mu   sync.Mutex // guards what follows; nothing else is done under it
	of   map[delivery.Key]mapping.Claimed
	last []delivery.Key // a ring of all that came, those of them that are gone too
	next int
}

// maxRemembered claims of ten lines each are 8 MiB.
const maxRemembered = 4096

// keep takes note of a version, in place of the oldest one.
func (r *remembered) keep(k delivery.Key, c mapping.Claimed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of, r.last = map[delivery.Key]mapping.Claimed{}, make([]delivery.Key, maxRemembered)
	}
	delete(r.of, r.last[r.next])
	r.of[k], r.last[r.next] = c, k
	r.next = (r.next + 1) % len(r.last)
}

// take gives what was claimed and forgets it.
func (r *remembered) take(k delivery.Key) (mapping.Claimed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.of[k]
	delete(r.of, k)
	return c, ok
}

// claimed gives what was claimed with an item.
func (s *Sync) claimed(ctx context.Context, it delivery.Item) (mapping.Claimed, error) {
	if c, ok := s.remembered.take(it.Key()); ok {
		return c, nil
	}
	claim, err := s.claim(ctx, it)
	if err != nil {
		return mapping.Claimed{}, err
	}
	return mapping.ClaimedIn(claim.Root(), s.Systems), nil
}
