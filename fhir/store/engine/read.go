package engine

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// Head implements store.Store.
func (e *Engine) Head(ctx context.Context) (fhir.T, error) {
	if e.o.Log == nil {
		return e.published.t(), nil
	}
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	err := e.confirm(ctx)
	return e.published.t(), err
}

// WaitHead implements store.Store.
func (e *Engine) WaitHead(ctx context.Context, beyond fhir.T) (fhir.T, error) {
	t, err := e.published.wait(ctx, beyond, nil)
	if halted := e.broken.Load(); err != nil && ctx.Err() == nil && halted != nil {
		err = *halted // says more
	}
	return t, err
}

// asOf checks the t of a read: 0 is the head; one beyond the head is nobody's. Another server may have given out one that
// is not here yet.
func (e *Engine) asOf(ctx context.Context, t fhir.T) (fhir.T, error) {
	head := e.published.t()
	if t == 0 || t > head {
		if err := e.confirm(ctx); err != nil {
			return 0, err
		}
		head = e.published.t()
	}
	if t == 0 {
		return head, nil
	}
	if t > head {
		return 0, fhir.Errorf(fhir.Invalid, "as-of-unknown", "", uint64(t))
	}
	return t, nil
}

func errNotFound(key fhir.Key) error {
	return fhir.Errorf(fhir.NotFound, "not-found", "", key.String())
}

func errGone(key fhir.Key) error { return fhir.Errorf(fhir.Gone, "gone", "", key.String()) }

// stateOf gives the newest version of key, durable or not; number 0 if it never existed.
func (e *Engine) stateOf(key fhir.Key) (state, error) {
	var s state
	code := e.types.Load().code[key.Type]
	if code == 0 {
		return s, nil
	}
	_, err := e.kept.get(e.db, appendIDKey(make([]byte, 0, 80), code, key.ID), nil, func(v []byte) (err error) { s, err = decodeState(v); return err })
	return s, err
}

// Read implements store.Store. t = 0 is the head.
func (e *Engine) Read(ctx context.Context, key fhir.Key, t fhir.T) (store.Found, error) {
	if err := e.gate.enter(); err != nil {
		return store.Found{}, err
	}
	defer e.gate.leave()
	t, err := e.asOf(ctx, t)
	if err != nil {
		return store.Found{}, err
	}
	now := e.published.t()
	s, err := e.stateOf(key)
	if err != nil {
		return store.Found{}, err
	}
	if s.number == 0 {
		return store.Found{}, e.absent(ctx, key)
	}
	if s.t > t {
		r := e.run(ctx, t)
		defer r.close()
		_, version, found := r.versions().at(s.number)
		if r.err != nil {
			return store.Found{}, r.err
		}
		if !found {
			return store.Found{}, e.absent(ctx, key)
		}
		return e.versionOf(ctx, key, s.number, version, t)
	}
	return e.newestOf(ctx, key, s, now)
}

// newestOf gives the version of a state, which is the newest as of now.
func (e *Engine) newestOf(ctx context.Context, key fhir.Key, s state, now fhir.T) (store.Found, error) {
	grant := store.FenceOf(ctx).Grant(key.Type, store.ActionRead)
	if grant.None() {
		return store.Found{}, errDenied(key.Type, store.ActionRead)
	}
	v, kept := e.recent.of(s.number, s.version)
	byKey, told := subjectsFor(ctx, key)
	if needs := v.row.typ == 0 && !(grant.All && told); needs || v.document.Form == 0 {
		if kept { // it lacks what others did not need
			more := *v
			v, kept = &more, false
		}
		v.subjects = byKey
		if needs {
			row, found, err := rowOfVersion(e.db, s.number, s.version)
			if err == nil && !found {
				err = errNoRow(s.version)
			}
			if err != nil {
				return store.Found{}, err
			}
			v.row = row
		}
		if v.row.typ != 0 {
			v.subjects = v.row.subjects(key.Type)
		}
	}
	if !grant.All {
		if v.row.alive() && (v.settled == nil || !sameGrant(v.settled.grant, grant)) {
			if kept {
				more := *v
				v, kept = &more, false
			}
			v.settled = &settled{grant: grant, rest: settle(grant.Condition(), key, &v.row)}
		}
		shown, err := e.showsNewest(ctx, key, v, now)
		if err == nil && !shown {
			err = errNotFound(key)
		}
		if err != nil {
			return store.Found{}, err
		}
	}
	f := store.Found{Key: key, Version: s.version, At: s.at, T: s.t, Method: s.method, Subjects: v.subjects}
	if !s.alive() {
		return f, errGone(key)
	}
	if v.document.Form == 0 {
		doc, err := e.document(s.place)
		if err != nil {
			return store.Found{}, err
		}
		v.document = doc
	}
	if !kept {
		e.recent.keep(v)
	}
	f.Stored = v.document
	return f, nil
}

func errNoRow(v fhir.Version) error {
	return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("no row of version %d", v))
}

// absent is what is said of a resource that never was: to a caller who may read none of its type, the same as of any.
func (e *Engine) absent(ctx context.Context, key fhir.Key) error {
	if store.FenceOf(ctx).Grant(key.Type, store.ActionRead).None() {
		return errDenied(key.Type, store.ActionRead)
	}
	return errNotFound(key)
}

// foundFor gives a version if the fence of ctx shows it, else says that it never was.
func (e *Engine) foundFor(ctx context.Context, key fhir.Key, version fhir.Version, p place, subjects []fhir.ID) (store.Found, error) {
	shown, err := e.shows(ctx, key, version)
	if err == nil && !shown {
		err = errNotFound(key)
	}
	if err != nil {
		return store.Found{}, err
	}
	return e.found(key, version, p, subjects)
}

// found gives a version with its document; a deleted one as Gone.
func (e *Engine) found(key fhir.Key, version fhir.Version, p place, subjects []fhir.ID) (store.Found, error) {
	f := store.Found{Key: key, Version: version, At: p.at, T: p.t, Method: p.method, Subjects: subjects}
	if p.method == store.MethodDelete {
		return f, errGone(key)
	}
	var err error
	f.Stored, err = e.document(p)
	return f, err
}

// document reads the document of a write.
func (e *Engine) document(p place) (resource.Stored, error) {
	var s resource.Stored
	key := embedded.AppendDocumentKey(make([]byte, 0, 16), p.t, p.write)
	found, err := get(e.db, key, func(v []byte) (err error) { s, err = resource.DecodeStored(bytes.Clone(v)); return err })
	if err == nil && !found {
		err = errNoDocument(p)
	}
	return s, err
}

// ReadVersion implements store.Store.
func (e *Engine) ReadVersion(ctx context.Context, key fhir.Key, version fhir.Version) (store.Found, error) {
	if err := e.gate.enter(); err != nil {
		return store.Found{}, err
	}
	defer e.gate.leave()
	t, err := e.asOf(ctx, 0)
	if err != nil {
		return store.Found{}, err
	}
	s, err := e.stateOf(key)
	if err != nil {
		return store.Found{}, err
	}
	if s.number == 0 || version == 0 || version > s.version {
		return store.Found{}, e.absent(ctx, key)
	}
	if subjects, told := subjectsFor(ctx, key); told && version == s.version && s.t <= t {
		return e.foundFor(ctx, key, version, s.place, subjects)
	}
	return e.versionOf(ctx, key, s.number, version, t)
}

// versionOf gives one version that is not younger than t.
func (e *Engine) versionOf(ctx context.Context, key fhir.Key, n number, version fhir.Version, t fhir.T) (store.Found, error) {
	var p place
	var subjects []fhir.ID
	found, err := get(e.db, appendVersionKey(make([]byte, 0, 16), n, version), func(b []byte) error {
		v, err := decodeVersion(b)
		p, subjects = v.place, v.subjects(key.Type)
		return err
	})
	if err != nil {
		return store.Found{}, err
	}
	if !found || p.t > t {
		return store.Found{}, e.absent(ctx, key)
	}
	return e.foundFor(ctx, key, version, p, subjects)
}

// Record implements store.Store. It never gives what is not on disk: where a commit with records is on its way there,
// it waits for it.
func (e *Engine) Record(ctx context.Context, space store.Space, key string) (value []byte, found bool, err error) {
	if err := e.gate.enter(); err != nil {
		return nil, false, err
	}
	defer e.gate.leave()
	if err := e.confirm(ctx); err != nil {
		return nil, false, err
	}
	row := appendRecordKey(nil, string(space), key)
	found, err = e.kept.get(e.db, row, nil, func(b []byte) error {
		v, err := recordValue(e.db, row, b)
		value = append([]byte{}, v...)
		return err
	})
	if err == nil {
		_, err = e.recordsDurable(ctx, space)
	}
	return value, found, err
}

// Records implements store.Store. The rows are those of one moment.
func (e *Engine) Records(ctx context.Context, space store.Space, from, to string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		if err := e.gate.enter(); err != nil {
			yield(store.Record{}, err)
			return
		}
		defer e.gate.leave()
		if err := e.confirm(ctx); err != nil {
			yield(store.Record{}, err)
			return
		}
		low := appendRecordKey(nil, string(space), from)
		prefix := len(low) - len(from)
		high := after(low[:prefix])
		if to != "" {
			high = appendRecordKey(nil, string(space), to)
		}
		if bytes.Compare(low, high) >= 0 {
			return
		}
		it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
		if err == nil {
			defer it.Close()
			_, err = e.recordsDurable(ctx, space)
		}
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		for it.First(); it.Valid(); it.Next() {
			v, err := recordValue(e.db, it.Key(), it.Value())
			if err == nil {
				err = ctx.Err()
			}
			r := store.Record{Space: space, Key: string(it.Key()[prefix:]), Value: append([]byte{}, v...)}
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(store.Record{}, errDisk(err))
		}
	}
}
