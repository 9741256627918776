package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// decide checks p against the state and gives the versions. The writes that remain are to be staged; there may be none.
// usable refuses queries whose index is not whole.
func (s *sequence) decide(p *pending, usable func(search.Query) error) ([]*write, error) {
	for i := range p.writes {
		w := &p.writes[i]
		if err := s.resolve(w); err != nil {
			return nil, err
		}
		if w.at = s.head.at; p.fence.Open() {
			continue
		}
		if err := s.resolveOld(w, p.fence.Sender()); err != nil {
			return nil, err
		}
	}
	if err := s.admit(p); err != nil {
		return nil, err
	}
	if err := s.preconditions(p, usable); err != nil {
		return nil, err
	}
	writes := make([]*write, 0, len(p.writes))
	for i := range p.writes {
		w := &p.writes[i]
		write, err := s.condition(w)
		if err != nil {
			return nil, err
		}
		if !write {
			continue
		}
		w.version = w.old.version + 1
		if p.fence.Open() {
			if err := s.resolveOld(w, ""); err != nil {
				return nil, err
			}
		}
		writes = append(writes, w)
	}
	return writes, s.takeUniques(p, writes)
}

// leavesAll says that nothing is to be staged of p, which was decided.
func (p *pending) leavesAll(writes []*write) bool {
	return p.trial || len(writes) == 0 && len(p.records) == 0
}

// condition checks the conditions of one write; false means that it changes nothing.
func (s *sequence) condition(w *write) (bool, error) {
	var current fhir.Version
	if w.old.alive() {
		current = w.old.version
	}
	if w.ifVersion != nil && *w.ifVersion != current {
		return false, errVersion(w.key, current)
	}
	if w.put == nil {
		return current != 0, nil
	}
	if w.put.MustCreate && current != 0 {
		return false, fhir.Errorf(fhir.Conflict, "id-exists", "", w.key.String())
	}
	if w.put.SkipIfEqual && current != 0 {
		if w.compared == current {
			return !w.same, nil
		}
		same, err := sameDocument(s.db, w.old.place, w.doc)
		return !same, err
	}
	return true, nil
}

// takeUniques refuses a commit after which two resources would hold one key. What a write of the same commit lets go
// of may be taken.
func (s *sequence) takeUniques(p *pending, writes []*write) error {
	var taken map[string]*write
	for _, w := range writes {
		for _, u := range w.unique {
			if taken == nil {
				taken = map[string]*write{}
			}
			if other := taken[u]; other != nil {
				return errTaken(other.key.String())
			}
			taken[u] = w
		}
	}
	for u, w := range taken {
		var holder number
		s.key = appendUniqueKey(s.key[:0], u)
		found, err := get(s.db, s.key, func(v []byte) error {
			d := rowDecoder{b: v}
			holder = number(d.uvarint())
			return d.err()
		})
		if err != nil {
			return err
		}
		if !found || holder == w.number {
			continue
		}
		letGo := slices.ContainsFunc(writes, func(o *write) bool {
			return o.number == holder && !slices.Contains(o.unique, u)
		})
		if letGo {
			continue
		}
		key, err := s.keyOf(holder)
		if err != nil {
			return err
		}
		return errTaken(s.named(p, key))
	}
	return nil
}

func errTaken(holder string) error {
	return fhir.Errorf(fhir.Conflict, "unique-taken", "", holder)
}

// named gives the name of a resource that is there, if p's caller may read it; else only its type.
func (s *sequence) named(p *pending, key fhir.Key) string {
	if p.fence.Open() {
		return key.String()
	}
	r := newRun(context.Background(), s.db, s.types, s.head.t)
	defer r.close()
	if _, version := r.newest(key); r.guard(p.fence, s.head.t).shows(key, version) && r.err == nil {
		return key.String()
	}
	return string(key.Type)
}

// keyOf gives the name of a resource that is known by its number.
func (s *sequence) keyOf(n number) (fhir.Key, error) {
	r := newRun(context.Background(), s.db, s.types, s.head.t)
	defer r.close()
	v, _, found := r.versions().at(n)
	if !found {
		return fhir.Key{}, fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("no version of resource %d", n))
	}
	return r.keyOf(&v), r.err
}

// preconditions checks what the commit demands of the state right before it.
func (s *sequence) preconditions(p *pending, usable func(search.Query) error) error {
	for i, pre := range p.require {
		var err error
		switch c := pre.(type) {
		case store.NoMatch:
			if err = usable(c.Query); err != nil {
				return err
			}
			var found []fhir.Key
			if found, err = s.match(p, c.Query, c.Ours); err == nil && len(found) > 0 {
				err = &store.MatchError{Index: i, Found: found}
			}
		case store.OneMatch:
			if err = usable(c.Query); err != nil {
				return err
			}
			var found []fhir.Key
			if found, err = s.match(p, c.Query, c.Ours); err == nil && (len(found) != 1 || found[0] != c.Key) {
				err = &store.MatchError{Index: i, Found: found}
			}
		case store.RecordIs:
			err = s.recordIs(c)
		default:
			err = fhir.Wrap(fhir.Internal, "precondition-unknown", fmt.Errorf("%T", pre))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxWorkOfMatch bounds the rows that a precondition may read: all writers wait for it meanwhile.
const maxWorkOfMatch = 5_000_000

// match gives at most two of the resources that q finds now, of those that p's fence lets be found unless it is ours.
func (s *sequence) match(p *pending, q search.Query, ours bool) ([]fhir.Key, error) {
	q.Sort = nil
	fence := p.fence
	if ours {
		fence = store.OpenFence()
	}
	if err := mayFind(fence, q.Type); err != nil {
		return nil, err
	}
	r := newRun(p.ctx, s.db, s.types, s.head.t)
	defer r.close()
	r.maxWork = maxWorkOfMatch
	var found []fhir.Key
	for m := range r.search(r.fenced(fence, q, r.t), store.SearchOptions{Limit: 2}) {
		found = append(found, m.Key)
	}
	return found, r.err
}

func (s *sequence) recordIs(c store.RecordIs) error {
	same, err := s.recordSame(c)
	if err == nil && !same {
		err = fhir.Errorf(fhir.Precondition, "record-changed", "", string(c.Space), c.Key)
	}
	return err
}

func (s *sequence) recordSame(c store.RecordIs) (same bool, err error) {
	is := func(value []byte) bool { return (value == nil) == (c.Value == nil) && bytes.Equal(value, c.Value) }
	if value, known := s.asked.of(c); known {
		return is(value), nil
	}
	same = is(nil) // if there is none
	var value []byte
	s.key = appendRecordKey(s.key[:0], string(c.Space), c.Key)
	_, err = s.kept.get(s.db, s.key, nil, func(row []byte) error {
		now, err := recordValue(s.db, s.key, row)
		if now == nil {
			now = []byte{}
		}
		if same = is(now); s.kept == nil {
			value = append([]byte{}, now...)
		}
		return err
	})
	if err == nil && s.kept == nil {
		s.asked.keep(c, value)
	}
	return same, err
}

// commit makes the commit of what was decided; its number is the next one.
func (s *sequence) commit(p *pending, writes []*write, id commitlog.ID, at fhir.Instant) *commitlog.Commit {
	c := &commitlog.Commit{ID: id, T: s.head.t + 1, At: max(at, s.head.at)}
	if len(writes) > 0 {
		c.Writes = make([]commitlog.Write, len(writes))
	}
	for i, w := range writes {
		c.Writes[i] = commitlog.Write{Key: w.key, Version: w.version, Method: uint8(w.method), Sender: w.sender, Unique: w.unique, Document: w.doc}
	}
	if len(p.records) > 0 {
		c.Records = make([]commitlog.Record, 0, len(p.records))
	}
	for _, r := range p.records {
		c.Records = append(c.Records, commitlog.Record{Space: string(r.Space), Key: r.Key, Value: r.Value})
	}
	return c
}
