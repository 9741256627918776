package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// Fetch implements store.Store.
func (e *Engine) Fetch(ctx context.Context, m store.Match) (store.Found, error) {
	if m.Number == 0 {
		return e.ReadVersion(ctx, m.Key, m.Version)
	}
	if err := e.gate.enter(); err != nil {
		return store.Found{}, err
	}
	defer e.gate.leave()
	t := e.published.t()
	if knowsPlace(&m, t) {
		return e.foundFor(ctx, m.Key, m.Version, placeOf(m.Place), m.Subjects)
	}
	return e.versionOf(ctx, m.Key, number(m.Number), m.Version, t)
}

// knowsPlace says whether a match tells where its document is, as of the head.
func knowsPlace(m *store.Match, head fhir.T) bool {
	return m.Number != 0 && m.Place.T != 0 && m.Place.T <= head
}

func placeOf(w store.Place) place { return place{t: w.T, at: w.At, write: w.Index, method: w.Method} }

// FetchAll implements store.Store: one iterator passes over the documents in the order in which they lie, and one guard judges
// them all.
func (e *Engine) FetchAll(ctx context.Context, page []store.Match) ([]store.Found, error) {
	if len(page) == 0 {
		return nil, nil
	}
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	now := e.published.t()
	r := e.run(ctx, now)
	defer r.close()
	docs := documents{r: r, left: len(page)}
	fence := store.FenceOf(ctx)
	var g *guard
	found := make([]store.Found, len(page))
	for _, i := range asTheyLie(page) {
		m := &page[i]
		if len(page) == 1 || !knowsPlace(m, now) { // for one document an iterator does not pay
			f, err := e.Fetch(ctx, *m)
			if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.NotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			found[i] = f
			continue
		}
		if grant := fence.Grant(m.Key.Type, store.ActionRead); grant.None() {
			return nil, errDenied(m.Key.Type, store.ActionRead)
		} else if !grant.All && !fence.Saw(m.Sight, m.Key.Type, now) {
			if g == nil {
				g = r.guard(fence, now)
			}
			if !g.shows(m.Key, m.Version) {
				continue
			}
		}
		w := m.Place
		f := store.Found{Key: m.Key, Version: m.Version, At: w.At, T: w.T, Method: w.Method, Subjects: m.Subjects}
		if f.Deleted() {
			return nil, errGone(m.Key)
		}
		f.Stored = docs.at(placeOf(w))
		found[i] = f
		if !r.tick() {
			break
		}
	}
	return found, r.err
}

// asTheyLie gives the order of the documents of a page on the disk, which mostly is its own.
func asTheyLie(page []store.Match) []int {
	order := make([]int, len(page))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := &page[a].Place, &page[b].Place
		return cmp.Or(cmp.Compare(p.T, q.T), cmp.Compare(p.Index, q.Index))
	})
	return order
}

// documents reads documents by an iterator of a run.
type documents struct {
	r    *run
	it   *pebble.Iterator
	key  []byte
	on   place  // of the document at which the iterator stands
	left int    // how many are still to come, about
	room []byte // of usual documents several share a piece of memory
}

// at gives the document of a write; nothing after an error of the run.
func (d *documents) at(p place) (s resource.Stored) {
	if d.it == nil {
		d.it = d.r.iter([]byte{embedded.DocumentPrefix}, []byte{embedded.DocumentPrefix + 1})
	}
	if d.it == nil || d.r.err != nil {
		return s
	}
	d.key = embedded.AppendDocumentKey(d.key[:0], p.t, p.write)
	next := p.t == d.on.t && p.write > d.on.write && int(p.write-d.on.write) <= tune.nearby
	d.on = p
	if !seekFrom(d.it, d.key, next) || !bytes.Equal(d.it.Key(), d.key) {
		d.r.done(d.it)
		d.r.fail(errNoDocument(p))
		return s
	}
	s, err := resource.DecodeStored(d.copied(d.r.value(d.it)))
	d.r.fail(err)
	return s
}

// copied gives a copy of a document's row.
func (d *documents) copied(row []byte) []byte {
	const piece = 32 << 10
	d.left--
	if len(row) > piece/4 {
		return bytes.Clone(row)
	}
	if len(row) > cap(d.room)-len(d.room) {
		usual := len(row) + len(row)/8 // the documents of a page are of one kind
		d.room = make([]byte, 0, max(len(row), min(piece, usual*(d.left+1))))
	}
	start := len(d.room)
	d.room = append(d.room, row...)
	return d.room[start:len(d.room):len(d.room)]
}

func errNoDocument(p place) error {
	return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("no document for write %d of commit %d", p.write, p.t))
}
