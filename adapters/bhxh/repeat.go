package bhxh

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/lienthong/lienthong/fhir"
)

// repeat makes a call that changes nothing, again if the portal is out of reach or talks nonsense; at most three
// times, with waits that grow from first.
// An account or a facility that the portal refuses is refused again, so that is final.
func repeat[T any](ctx context.Context, first time.Duration, call func() (T, error)) (T, error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = first, 10*first
	return backoff.Retry(ctx, func() (T, error) {
		v, err := call()
		if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind != fhir.Unavailable {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(3))
}
