package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// sequence is the state that each commit is decided on and applied to: the database with everything applied so far,
// durable or not. It belongs to one goroutine, the sequencer or a replay.
type sequence struct {
	db     pebble.Reader // the database; for a group on a shared log, with what was decided before
	kept   *kept         // of the database; nil where db is more than that, and before anybody reads
	log    *embedded.Log // rows of the log go along; nil when they are there already (rebuild, verify)
	last   commitlog.ID  // of commit head.t, on a shared log
	head   head
	types  *types
	counts map[typeCode]int64    // current resources; contained ones by types of their own
	moved  map[typeCode]struct{} // counts that the commit staged last changed
	asked  asked

	key []byte // scratch
}

// loadSequence reads the sequence as the last applied commit left it.
func loadSequence(db *pebble.DB) (*sequence, error) {
	s := &sequence{db: db, head: head{next: 1}, counts: map[typeCode]int64{}}
	if _, err := get(db, metaHead, func(v []byte) (err error) { s.head, err = decodeHead(v); return err }); err != nil {
		return nil, err
	}
	var err error
	if s.types, err = loadTypes(db); err != nil {
		return nil, err
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{rowCount}, UpperBound: []byte{rowCount + 1}})
	if err != nil {
		return nil, errDisk(err)
	}
	for it.First(); it.Valid(); it.Next() {
		d := rowDecoder{b: it.Value()}
		s.counts[typeCode(it.Key()[1])<<8|typeCode(it.Key()[2])] = int64(d.uvarint())
	}
	return s, errDisk(it.Close())
}

// get hands the row at key to use while it is valid; found is false if there is none.
func get(r pebble.Reader, key []byte, use func(value []byte) error) (found bool, err error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, errDisk(err)
	}
	err = use(v)
	return true, errors.Join(err, closer.Close())
}

// resolve looks up what w meets.
func (s *sequence) resolve(w *write) error {
	w.typ = s.types.code[w.key.Type]
	if w.typ == 0 {
		return nil
	}
	s.key = appendIDKey(s.key[:0], w.typ, w.key.ID)
	if _, err := s.kept.get(s.db, s.key, nil, func(v []byte) (err error) { w.old, err = decodeState(v); return err }); err != nil {
		return err
	}
	w.number = w.old.number
	return nil
}

// resolveOld reads what the version before w can be found by: it has to be closed. A put keeps the sender of that version;
// one that creates gets the given one.
func (s *sequence) resolveOld(w *write, sender string) error {
	if !w.old.alive() {
		if w.doc != nil {
			w.setSender(sender)
		}
		return nil
	}
	s.key = appendVersionKey(s.key[:0], w.old.number, w.old.version)
	found, err := get(s.db, s.key, func(b []byte) error {
		v, err := decodeVersion(b)
		if err != nil {
			return err
		}
		w.oldValues = bytes.Clone(v.entries)
		w.oldUnique, err = unpackTexts(v.unique)
		if err == nil && len(v.links) > 0 {
			w.oldLinks, err = unpackNumbers(v.links)
		}
		return err
	})
	if err == nil && !found {
		err = fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("no version row %d of %s", w.old.version, w.key))
	}
	if err == nil && w.doc != nil {
		w.setSender(senderOf(w.oldValues))
	}
	return err
}

// stage puts commit c into batch b: rows of the log and all derived rows. writes belong to c.Writes, resolved, with
// their versions. It moves the sequence to c; after an error the sequence is of no use any more.
func (s *sequence) stage(b *pebble.Batch, c *commitlog.Commit, writes []*write) error {
	st := stager{s: s, b: b, c: c}
	st.event = binary.AppendUvarint(st.event[:0], uint64(c.T))
	s.moved = map[typeCode]struct{}{}
	for _, w := range writes {
		if err := st.typeOf(w); err != nil {
			return err
		}
		if w.number == 0 {
			w.number = s.head.next
			s.head.next++
		}
		s.count(w.typ, w.old.alive(), w.doc != nil)
	}
	if err := st.uniques(writes); err != nil {
		return err
	}
	for i, w := range writes {
		links, err := st.contained(w, uint32(i))
		if err != nil {
			return err
		}
		if err := st.version(w, uint32(i), links); err != nil {
			return err
		}
		if err := st.postings(w); err != nil {
			return err
		}
	}
	s.asked.forget(c.Records)
	for _, r := range c.Records {
		if store.Space(r.Space).LogOnly() {
			continue
		}
		s.key = appendRecordKey(s.key[:0], r.Space, r.Key)
		if r.Value == nil {
			if err := b.Delete(s.key, nil); err != nil {
				return err
			}
			continue
		}
		st.row = appendRecord(st.row[:0], c.T, r.Value)
		if err := b.Set(s.key, st.row, nil); err != nil {
			return err
		}
	}
	for code := range s.moved {
		s.key = appendCountKey(s.key[:0], code)
		if err := b.Set(s.key, binary.AppendUvarint(nil, uint64(s.counts[code])), nil); err != nil {
			return err
		}
	}
	s.head.t, s.head.at = c.T, c.At
	s.head.versions += uint64(len(writes))
	if err := b.Set(metaHead, s.head.append(nil), nil); err != nil {
		return err
	}
	if s.log == nil {
		return nil
	}
	return s.log.Stage(b, c)
}

// count takes note of a resource that was there, or is there now.
func (s *sequence) count(typ typeCode, was, is bool) {
	switch {
	case was == is:
		return
	case is:
		s.counts[typ]++
	default:
		s.counts[typ]--
	}
	s.moved[typ] = struct{}{}
}

// movedCounts gives the counts that the commit staged last changed.
func (s *sequence) movedCounts() (list []count) {
	for code := range s.moved {
		list = append(list, count{s.types.name[code], s.counts[code]})
	}
	return list
}

// stager puts one commit into one batch.
type stager struct {
	s     *sequence
	b     *pebble.Batch
	c     *commitlog.Commit
	event []byte // the commit's number as postings and records keep it
	row   []byte // scratch
}

// typeOf gives w's type its code.
func (st *stager) typeOf(w *write) (err error) {
	w.typ, err = st.code(w.key.Type)
	return err
}

// code gives a type its code, a new one if this commit is the first to name it.
func (st *stager) code(t fhir.Type) (typeCode, error) {
	ts := st.s.types
	if code := ts.code[t]; code != 0 {
		return code, nil
	}
	ts = ts.with(t)
	st.s.types = ts
	return ts.code[t], st.b.Set(appendTypeKey(nil, ts.code[t]), []byte(t), nil)
}

// uniques lets go of what no version holds any more, then takes what the new ones hold.
func (st *stager) uniques(writes []*write) error {
	for _, w := range writes {
		for _, u := range w.oldUnique {
			if err := st.b.Delete(appendUniqueKey(nil, u), nil); err != nil {
				return err
			}
		}
	}
	for _, w := range writes {
		for _, u := range w.unique {
			if err := st.b.Set(appendUniqueKey(nil, u), binary.AppendUvarint(nil, uint64(w.number)), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// version puts the rows i, v and h of w, which is write i of the commit and contains links.
func (st *stager) version(w *write, i uint32, links []number) error {
	now := state{number: w.number, version: w.version, place: place{t: st.c.T, at: st.c.At, write: i, method: w.method}}
	key := appendIDKey(st.s.key[:0], w.typ, w.key.ID)
	st.row = now.append(st.row[:0])
	if err := st.b.Set(key, st.row, nil); err != nil {
		return err
	}
	v := versionRow{place: now.place, typ: w.typ, id: []byte(w.key.ID), unique: packTexts(nil, w.unique), links: packNumbers(links), entries: w.packed}
	key = appendVersionKey(key[:0], w.number, w.version)
	st.row = v.append(st.row[:0])
	if err := st.b.Set(key, st.row, nil); err != nil {
		return err
	}
	key = appendHistoryKey(key[:0], w.typ, st.c.T, i)
	st.s.key = key
	return st.b.Set(key, nil, nil)
}

// postings closes what the old version had and the new one has not, opens what is new and leaves the rest alone.
func (st *stager) postings(w *write) error {
	was, is := w.old.alive(), w.doc != nil
	if was != is {
		if err := st.posting(w, search.ParamExists, nil); err != nil {
			return err
		}
	}
	var oldAt, newAt []byte
	if was {
		oldAt = search.InstantValue(w.old.at)
	}
	if is {
		newAt = search.InstantValue(st.c.At)
	}
	if !bytes.Equal(oldAt, newAt) {
		if was {
			if err := st.posting(w, search.ParamLastUpdated, oldAt); err != nil {
				return err
			}
		}
		if is {
			if err := st.posting(w, search.ParamLastUpdated, newAt); err != nil {
				return err
			}
		}
	}
	old := packed{b: w.oldValues}
	more := old.next()
	for i := range w.entries {
		e := &w.entries[i]
		for more && (old.param < e.Param || old.param == e.Param && bytes.Compare(old.value(), e.Value) < 0) {
			if err := st.posting(w, old.param, old.value()); err != nil {
				return err
			}
			more = old.next()
		}
		if more && old.param == e.Param && bytes.Equal(old.value(), e.Value) {
			more = old.next()
			continue
		}
		if err := st.posting(w, e.Param, e.Value); err != nil {
			return err
		}
	}
	for ; more; more = old.next() {
		if err := st.posting(w, old.param, old.value()); err != nil {
			return err
		}
	}
	if old.bad {
		return errCorrupt
	}
	return nil
}

// posting appends the commit to a posting's events: it opens it if it is closed, and the other way round.
// A resource that never was before has no postings, so that its rows need no merge.
func (st *stager) posting(w *write, p search.ParamID, value []byte) error {
	size := paramKeyLen + escapedLen(value) + numberLen
	var op *pebble.DeferredBatchOp
	if w.old.number == 0 {
		op = st.b.SetDeferred(size, len(st.event))
	} else {
		op = st.b.MergeDeferred(size, len(st.event))
	}
	appendNumber(appendValueKey(op.Key[:0], p, w.typ, value), w.number)
	copy(op.Value, st.event)
	return op.Finish()
}
