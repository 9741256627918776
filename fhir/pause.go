package fhir

import (
	"context"
	"time"
)

// Pause waits for d, which may be zero or less, and says whether it did: false if ctx ended first.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
