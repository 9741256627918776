package interaction

import (
	"context"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// recent is what was read of the records of a space last. It stays as it is as long as no commit changes any of them, and to ask for that
// costs next to nothing: every search and every write needs some such answers.
type recent[V any] struct {
	mu    sync.Mutex // guards what follows; the store is not asked under it
	known bool
	asOf  fhir.T // value is as of this commit or of one that came while it was read, which has then changed the space after asOf
	value V
}

// get gives the value as of now, which read reads from the space.
func (r *recent[V]) get(ctx context.Context, st store.Store, space store.Space, read func() (V, error)) (V, error) {
	changed, err := st.RecordsChanged(ctx, space)
	if err != nil {
		var none V
		return none, err
	}
	r.mu.Lock()
	value, fresh := r.value, r.known && r.asOf >= changed
	r.mu.Unlock()
	if fresh {
		return value, nil
	}
	if value, err = read(); err != nil {
		return value, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.asOf, r.value = true, changed, value
	return value, nil
}
