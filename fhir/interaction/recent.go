package interaction

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// recent is what was read of the records last. It stays as it is as long as no commit comes, and to ask for the head costs next to
// nothing: every search needs some such answers.
type recent[V any] struct {
	mu    sync.Mutex // guards what follows; the store is not asked under it
	known bool
	asOf  fhir.T // value is as of this commit or of one that came while it was read, after which asOf is no head any more
	value V
}

// get gives the value as of now.
func (r *recent[V]) get(ctx context.Context, st store.Store, read func() (V, error)) (V, error) {
	head, err := st.Head(ctx)
	if err != nil {
		var none V
		return none, err
	}
	r.mu.Lock()
	value, fresh := r.value, r.known && r.asOf == head
	r.mu.Unlock()
	if fresh {
		return value, nil
	}
	if value, err = read(); err != nil {
		return value, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.asOf, r.value = true, head, value
	return value, nil
}
