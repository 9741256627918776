package bhxh

import (
	"context"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// pace spaces calls evenly, so that a full outbox does not fall upon the portal at once.
type pace struct {
	gap time.Duration // 0 = no bound

	mu   sync.Mutex // guards next; nothing is waited for under it
	next time.Time
}

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{gap: time.Duration(float64(time.Second) / perSecond)}
}

// wait returns when the caller's turn has come, or with ctx's error.
func (p *pace) wait(ctx context.Context) error {
	if p.gap == 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.gap)
	p.mu.Unlock()
	if !fhir.Pause(ctx, at.Sub(now)) {
		return ctx.Err()
	}
	return nil
}
