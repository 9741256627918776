package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// Verify proves that the state follows from the log: it replays the log into a second database, in a temporary folder,
// and compares all derived rows. It then checks, by other means than the writing code, that the postings that are open
// are those that the version rows ask for, and that the counters count. The store serves meanwhile; what is committed
// later is not looked at. Errors: Internal store-damaged with the first difference as its cause; store-definition when
// Options.Index is missing.
func (e *Engine) Verify(ctx context.Context) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	snapshot, reg, err := e.builtSnapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	var h head
	if _, err := get(snapshot, metaHead, func(v []byte) (err error) { h, err = decodeHead(v); return err }); err != nil {
		return err
	}
	if h.t == 0 {
		return nil
	}
	if _, err := e.published.wait(ctx, h.t-1, e.o.Room.waiting()); err != nil {
		return err
	}
	if err := e.verifyReplay(ctx, snapshot, h, reg); err != nil {
		return err
	}
	for _, t := range []fhir.T{h.t, h.t/2 + 1} {
		if err := e.verifyPostings(ctx, snapshot, t); err != nil {
			return err
		}
	}
	return e.verifyCounts(ctx, snapshot, h)
}

// builtSnapshot waits until no parameter is being built, and gives the database of such a moment with the parameters that
// it has.
func (e *Engine) builtSnapshot(ctx context.Context) (*pebble.Snapshot, *r4.Registry, error) {
	for {
		snapshot := e.db.NewSnapshot()
		defined, row, err := loadBuilding(snapshot)
		if err == nil && (e.o.IndexWith == nil || row.Job == nil && nextJob(defined, row) == nil) {
			var reg *r4.Registry
			if reg, err = search.InForce(slices.Collect(maps.Values(defined))); err == nil {
				return snapshot, reg, nil
			}
		}
		if err = errors.Join(err, snapshot.Close()); err != nil {
			return nil, nil, err
		}
		if !fhir.Pause(ctx, 10*time.Millisecond) {
			return nil, nil, ctx.Err()
		}
		if err := e.closing(); err != nil {
			return nil, nil, err
		}
	}
}

func damaged(format string, args ...any) error {
	return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf(format, args...))
}

// verifyReplay compares the derived rows with those of a replay.
func (e *Engine) verifyReplay(ctx context.Context, snapshot *pebble.Snapshot, h head, reg *r4.Registry) (err error) {
	o, dir := e.o, "verify"
	if vfs.Root(o.FS) == vfs.Default { // encrypted, if the store is
		if dir, err = os.MkdirTemp("", "lienthong-verify-"); err != nil {
			return errDisk(err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else {
		o.FS = vfs.NewMem()
	}
	po := pebbleOptions(&o)
	po.DisableWAL = true
	db, err := pebble.Open(dir, po)
	if err != nil {
		return errDisk(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := loadSequence(db)
	if err != nil {
		return err
	}
	index := e.o.Index
	if reg != nil {
		index = e.o.IndexWith(reg)
	}
	for c, err := range e.log.Read(ctx, 0) {
		if err != nil {
			return errDamage(err)
		}
		if c.T > h.t {
			break
		}
		if err := s.replay(db, &c, index); err != nil {
			return err
		}
	}
	if s.head != h {
		return damaged("replay ends as %+v, the state as %+v", s.head, h)
	}
	for _, prefix := range derived {
		if err := sameRows(ctx, prefix, snapshot, db); err != nil {
			return err
		}
	}
	return nil
}

func sameRows(ctx context.Context, prefix byte, have, want pebble.Reader) error {
	bounds := &pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}}
	a, err := have.NewIter(bounds)
	if err != nil {
		return errDisk(err)
	}
	defer a.Close()
	b, err := want.NewIter(bounds)
	if err != nil {
		return errDisk(err)
	}
	defer b.Close()
	a.First()
	b.First()
	for ; a.Valid() && b.Valid(); a.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !bytes.Equal(a.Key(), b.Key()) {
			return damaged("row %q where the replay has %q", a.Key(), b.Key())
		}
		if !bytes.Equal(a.Value(), b.Value()) {
			same, err := sameRecord(have, a.Key(), a.Value(), b.Value())
			if err != nil {
				return err
			}
			if !same {
				return damaged("row %q is %x, after replay %x", a.Key(), a.Value(), b.Value())
			}
		}
		b.Next()
	}
	if err := errors.Join(a.Error(), b.Error()); err != nil {
		return errDisk(err)
	}
	if a.Valid() {
		return damaged("row %q is not in the replay", a.Key())
	}
	if b.Valid() {
		return damaged("row %q of the replay is missing", b.Key())
	}
	return nil
}

// verifyPostings checks that the postings open as of t are those of the versions as of t: their hashes, combined in any
// order, are the same.
func (e *Engine) verifyPostings(ctx context.Context, snapshot *pebble.Snapshot, t fhir.T) error {
	seed := maphash.MakeSeed()
	var open, wanted, count uint64
	r := newRun(ctx, snapshot, e.types.Load(), t)
	defer r.close()
	if it := r.iter([]byte{rowPosting}, []byte{rowPosting + 1}); it != nil {
		for ok := it.First(); ok && r.tick(); ok = it.Next() {
			if openAt(r.value(it), t) {
				open += maphash.Bytes(seed, it.Key())
				count++
			}
		}
		r.done(it)
	}
	var key []byte
	last := number(0)
	if it := r.iter([]byte{rowVersion}, []byte{rowVersion + 1}); it != nil {
		for ok := it.First(); ok && r.tick(); ok = it.Next() {
			n, _ := versionKey(it.Key())
			v, err := decodeVersion(r.value(it))
			r.fail(err)
			if n == last || v.t > t || r.err != nil {
				continue
			}
			last = n
			post := func(p search.ParamID, value []byte) {
				key = appendNumber(appendValueKey(key[:0], p, v.typ, value), n)
				wanted += maphash.Bytes(seed, key)
				count--
			}
			if !v.alive() {
				continue
			}
			post(search.ParamExists, nil)
			post(search.ParamLastUpdated, search.InstantValue(v.at))
			for e := (packed{b: v.entries}); e.next(); {
				post(e.param, e.value())
			}
		}
		r.done(it)
	}
	if r.err != nil {
		return r.err
	}
	if open != wanted || count != 0 {
		return damaged("as of %d the open postings are not those of the versions (%d too many)", t, int64(count))
	}
	return nil
}

// verifyCounts counts the resources and versions that the counters claim.
func (e *Engine) verifyCounts(ctx context.Context, snapshot *pebble.Snapshot, h head) error {
	counts := map[typeCode]int64{}
	r := newRun(ctx, snapshot, e.types.Load(), h.t)
	defer r.close()
	if it := r.iter([]byte{rowID}, []byte{rowID + 1}); it != nil {
		for ok := it.First(); ok && r.tick(); ok = it.Next() {
			s, err := decodeState(r.value(it))
			r.fail(err)
			if s.alive() {
				counts[typeCode(it.Key()[1])<<8|typeCode(it.Key()[2])]++
			}
		}
		r.done(it)
	}
	versions, last := uint64(0), number(0)
	if it := r.iter([]byte{rowVersion}, []byte{rowVersion + 1}); it != nil {
		for ok := it.First(); ok && r.tick(); ok = it.Next() {
			v, err := decodeVersion(r.value(it))
			r.fail(err)
			n, _ := versionKey(it.Key())
			if !r.types.contained(v.typ) {
				versions++
			} else if n != last && v.alive() { // the newest comes first
				counts[v.typ]++
			}
			last = n
		}
		r.done(it)
	}
	if it := r.iter([]byte{rowCount}, []byte{rowCount + 1}); it != nil {
		for ok := it.First(); ok && r.tick(); ok = it.Next() {
			d := rowDecoder{b: r.value(it)}
			code := typeCode(it.Key()[1])<<8 | typeCode(it.Key()[2])
			if n := int64(d.uvarint()); n != counts[code] {
				r.fail(damaged("counter of %s says %d, there are %d", r.types.name[code], n, counts[code]))
			}
			delete(counts, code)
		}
		r.done(it)
	}
	for code, n := range counts {
		if n != 0 {
			r.fail(damaged("no counter for %d of %s", n, r.types.name[code]))
		}
	}
	if versions != h.versions {
		r.fail(damaged("%d versions counted, there are %d", h.versions, versions))
	}
	return r.err
}
