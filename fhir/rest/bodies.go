package rest

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/lienthong/lienthong/fhir"
)

// bodies bounds the memory that request bodies hold, all of them together, from their first byte until the request is
// answered. What a client announces costs nothing; what came is paid for in steps, and who cannot pay waits a little, then
// is refused (Kind Busy, code "bodies-busy") and gives back what it held.
//
//	small   the first 64 KiB of each body: single resources pass while large uploads have used up the rest
//	large   what is more, up to half of it for one body
//	giant   one body at a time may be larger than that; what it has beyond is not counted
//
// So there are never more bytes than small + large + the longest body that is taken. Semaphores serve in the order of
// asking, so that small steps of others do not hold up a large one for ever.
type bodies struct {
	small, large, giant *semaphore.Weighted
	most                int64 // of large, for one body
	wait                time.Duration
}

const (
	firstStep = 64 << 10
	laterStep = 256 << 10
	// expansion is what a byte of a body costs in memory: the text, the tape beside it, the document as it is stored, and
	// what the collector has not taken away yet. Measured with Synthea's bundles.
	expansion = 4
)

func newBodies(memory int64, wait time.Duration) *bodies {
	small := max(memory/expansion/4, firstStep)
	large := max(memory/expansion-small, 2*laterStep)
	return &bodies{
		small: semaphore.NewWeighted(small), large: semaphore.NewWeighted(large), giant: semaphore.NewWeighted(1),
		most: large / 2, wait: wait,
	}
}

// share is what one body has paid for.
type share struct {
	of           *bodies
	small, large int64
	giant        bool
}

// cover pays for a body of which n bytes came.
func (s *share) cover(ctx context.Context, n int64) error {
	if s.small == 0 {
		if err := s.of.pay(ctx, s.of.small, firstStep); err != nil {
			return err
		}
		s.small = firstStep
	}
	for s.small+s.large < n && !s.giant {
		if s.large+laterStep > s.of.most {
			if err := s.of.pay(ctx, s.of.giant, 1); err != nil {
				return err
			}
			s.giant = true
			return nil
		}
		if err := s.of.pay(ctx, s.of.large, laterStep); err != nil {
			return err
		}
		s.large += laterStep
	}
	return nil
}

// pay takes n of what, waiting for it at most as long as may be waited.
func (b *bodies) pay(ctx context.Context, what *semaphore.Weighted, n int64) error {
	if what.TryAcquire(n) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	if err := what.Acquire(ctx, n); err != nil {
		return fhir.Wrap(fhir.Busy, "bodies-busy", err)
	}
	return nil
}

// release gives everything back; the share may be used again.
func (s *share) release() {
	if s.small > 0 {
		s.of.small.Release(s.small)
	}
	if s.large > 0 {
		s.of.large.Release(s.large)
	}
	if s.giant {
		s.of.giant.Release(1)
	}
	*s = share{of: s.of}
}
