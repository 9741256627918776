package engine

import (
	"bytes"
	"context"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// run is one evaluation of queries as of t. It owns its iterators and keeps its first error; after an error all it gives
// is empty. It belongs to one goroutine.
type run struct {
	ctx   context.Context
	db    pebble.Reader
	kept  *kept  // of db; nil where it is more than the database
	noted *noted // of a judgement that may be made again; nil = nothing is noted
	types *types
	t     fhir.T
	err   error

	// total gives the number of current resources of a type, roughly: it only weighs plans.
	total func(typ fhir.Type) int64
	// countAll gives that number exactly, where it is known as of t.
	countAll func(typ fhir.Type) (int64, bool)

	iters   []*pebble.Iterator
	within  []*run    // of its fence; closed with it
	work    int       // rows read or passed
	maxWork int       // beyond, the run ends with TooCostly; 0 = no bound
	trace   *trace    // of the next plan; nil: nobody asked
	cursor  *versions // for candidates; nested checks use their own

	outside *versions // of resources around contained ones

	collected map[collecting]collected // sets of conditions, as of t; nil = none yet

	sight    store.Sight // of what it finds
	subjects []fhir.ID   // whom the last match was about; whoever gets them must not change them

	alike  *alike  // nil: a fence's conditions are like any others
	recent *recent // of the same engine
}

func newRun(ctx context.Context, db pebble.Reader, ts *types, t fhir.T) *run {
	return &run{ctx: ctx, err: ctx.Err(), db: db, types: ts, t: t, total: func(fhir.Type) int64 { return 1 << 20 },
		countAll: func(fhir.Type) (int64, bool) { return 0, false }}
}

func (e *Engine) run(ctx context.Context, t fhir.T) *run {
	r := newRun(ctx, e.db, e.types.Load(), t)
	r.kept = e.kept
	r.maxWork = e.o.MaxWork
	r.total = func(typ fhir.Type) int64 { n, _ := e.published.count(typ, t); return n }
	r.countAll = func(typ fhir.Type) (int64, bool) { return e.published.count(typ, t) }
	return r
}

// limit bounds the work by what a caller asks for, 0 = as the store is configured.
func (r *run) limit(maxWork int) {
	if maxWork > 0 {
		r.maxWork = maxWork
	}
}

func (r *run) close() {
	for _, it := range r.iters {
		r.fail(errDisk(it.Close()))
	}
	r.iters = nil
	for _, one := range r.within {
		one.close()
		r.fail(one.err)
	}
	r.within = nil
}

func (r *run) fail(err error) {
	if err != nil && r.err == nil {
		r.err = err
	}
}

// tick is called in every loop that may be long; false says that it must end.
func (r *run) tick() bool {
	if r.work++; r.work&1023 == 0 {
		r.fail(r.ctx.Err())
		if r.maxWork > 0 && r.work > r.maxWork {
			r.fail(fhir.Errorf(fhir.TooCostly, "search-too-costly", "", r.maxWork))
		}
	}
	return r.err == nil
}

// iter opens an iterator that lives as long as the run; nil after an error.
func (r *run) iter(low, high []byte) *pebble.Iterator {
	if r.err != nil {
		return nil
	}
	it, err := r.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		r.fail(errDisk(err))
		return nil
	}
	r.iters = append(r.iters, it)
	return it
}

// done takes note of an iterator that came to its end.
func (r *run) done(it *pebble.Iterator) {
	if err := it.Error(); err != nil {
		r.fail(errDisk(err))
	}
}

// value gives the value at it.
func (r *run) value(it *pebble.Iterator) []byte {
	v, err := it.ValueAndErr()
	if err != nil {
		r.fail(errDisk(err))
	}
	return v
}

// state gives the row i of a resource, as of now; the caller looks at its t.
func (r *run) state(code typeCode, id fhir.ID) state {
	var s state
	_, err := r.kept.get(r.db, appendIDKey(make([]byte, 0, 80), code, id), r.noted, func(v []byte) (err error) { s, err = decodeState(v); return err })
	r.fail(err)
	return s
}

// versions finds the version of a resource as of the run's t.
type versions struct {
	r   *run
	it  *pebble.Iterator
	key []byte
	on  number // the iterator stands at a row of it; 0 = nowhere

	// What the last call found: a candidate that passed its checks is asked for again to be shown.
	n       number
	row     versionRow
	version fhir.Version
}

// versions gives the cursor for candidates.
func (r *run) versions() *versions {
	if r.cursor == nil {
		r.cursor = r.newVersions()
	}
	return r.cursor
}

// newVersions gives a cursor of its own. It costs nothing until it is asked.
func (r *run) newVersions() *versions { return &versions{r: r} }

// at gives the version of n as of t; its bytes are valid until the next call. found is false if n was not yet created.
func (v *versions) at(n number) (row versionRow, version fhir.Version, found bool) {
	if v.it == nil {
		v.it = v.r.iter([]byte{rowVersion}, []byte{rowVersion + 1})
	}
	if v.it == nil || v.r.err != nil {
		return row, 0, false
	}
	if n == v.n {
		return v.row, v.version, true
	}
	v.n = 0
	v.key = appendVersionKey(v.key[:0], n, fhir.Version(maxNumber))
	ok := seekFrom(v.it, v.key, v.on != 0 && n > v.on && int(n-v.on) <= tune.nearby)
	v.on = 0
	for ; ok && bytes.HasPrefix(v.it.Key(), v.key[:1+numberLen]); ok = v.it.Next() {
		row, err := decodeVersion(v.r.value(v.it))
		if err != nil {
			v.r.fail(err)
			return row, 0, false
		}
		if row.t <= v.r.t {
			v.n, v.on, v.row = n, n, row
			_, v.version = versionKey(v.it.Key())
			return row, v.version, v.r.err == nil
		}
		if !v.r.tick() {
			return row, 0, false
		}
	}
	v.r.done(v.it)
	return row, 0, false
}

// seekFrom moves it to the first row at or after key. near says that it stands a few rows before: steps cost less than a seek
// then.
func seekFrom(it *pebble.Iterator, key []byte, near bool) bool {
	for n := 0; near && n < tune.nearby; n++ {
		if !it.Next() {
			return false
		}
		if bytes.Compare(it.Key(), key) >= 0 {
			return true
		}
	}
	return it.SeekGE(key)
}

func (v *versionRow) alive() bool { return v.method != store.MethodDelete }

func (r *run) keyOf(v *versionRow) fhir.Key {
	if int(v.typ) >= len(r.types.name) {
		r.fail(fhir.Wrap(fhir.Internal, "store-damaged", errCorrupt))
		return fhir.Key{}
	}
	return fhir.Key{Type: r.types.name[v.typ], ID: fhir.ID(v.id)}
}

// values yields the values of a parameter that a version can be found by, in order.
func (v *versionRow) values(p search.ParamID, yield func(value []byte) bool) {
	if !v.alive() {
		return
	}
	switch p {
	case search.ParamExists:
		yield(nil)
	case search.ParamLastUpdated:
		yield(search.InstantValue(v.at))
	default:
		for e := (packed{b: v.entries}); e.next() && e.param <= p; {
			if e.param == p && !yield(e.value()) {
				return
			}
		}
	}
}
