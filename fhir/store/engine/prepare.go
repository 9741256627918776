package engine

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// write is one Put or Delete on its way into rows. The first part is prepared by the caller's goroutine, the second is
// resolved by the sequencer against the state right before the commit.
type write struct {
	key       fhir.Key
	method    store.Method
	doc       []byte         // encoded resource.Stored; nil for a delete
	entries   []search.Entry // sorted by (Param, Value), without duplicates
	packed    []byte         // the same, as the version row keeps them
	contained []search.Contained
	unique    []string   // sorted, without duplicates
	put       *store.Put // its conditions; nil for a delete
	ifVersion *fhir.Version
	ours      bool   // not held to the fence
	sender    string // as entries say it
	mayCreate verdict
	mayUpdate verdict

	// Of SkipIfEqual, looked up beforehand, so that the sequencer need not read documents: whether doc is the same as
	// this version (0: not looked up).
	compared fhir.Version
	same     bool

	typ       typeCode // 0: the type is new to the store
	old       state
	oldValues []byte       // packed entries of old, if it is alive
	oldUnique []string     // likewise
	oldLinks  []number     // likewise: what it contained
	hidden    bool         // a delete of what the fence does not show
	at        fhir.Instant // roughly that of the commit; for the fence
	version   fhir.Version // 0: nothing is to be written
	number    number
}

// pending is one Commit between its caller and its answer.
type pending struct {
	ctx     context.Context
	fence   store.Fence
	writes  []write // puts, then deletes
	puts    int
	require []store.Precondition
	records []store.Record
	trial   bool   // nothing of it is to be written
	bytes   int64  // memory that it holds, roughly
	build   *build // a chunk of the builder instead of changes
	follow  fhir.T // instead of changes: apply what others appended, up to this commit at least

	// taken decides who ends it: the sequencer that takes it, or the caller whose context ended first.
	taken atomic.Bool

	done    chan struct{}
	receipt store.Receipt
	err     error
}

// prepare does all that can be done without the state. Errors: Invalid "write-twice", "record-invalid", "entry-reserved",
// Denied "access-denied".
func prepare(ctx context.Context, c store.Changes) (*pending, error) {
	p := &pending{ctx: ctx, fence: store.FenceOf(ctx), puts: len(c.Puts), require: c.Require, trial: c.Trial, done: make(chan struct{})}
	p.writes = make([]write, len(c.Puts)+len(c.Deletes))
	if err := distinct(c); err != nil {
		return nil, err
	}
	for i := range c.Puts {
		if err := p.writes[i].preparePut(&c.Puts[i], p.fence.Sender()); err != nil {
			return nil, err
		}
		p.bytes += int64(2*len(p.writes[i].doc) + 4*len(p.writes[i].packed) + 512)
		for _, c := range p.writes[i].contained {
			p.bytes += int64(64*len(c.Entries) + 512)
		}
	}
	for i := range c.Deletes {
		d := &c.Deletes[i]
		p.writes[len(c.Puts)+i] = write{key: d.Key, method: store.MethodDelete, ifVersion: d.IfVersion}
	}
	p.bytes += int64(512 * (1 + len(c.Deletes)))
	var err error
	p.records, err = lastOfEach(c.Records)
	for i := range p.records {
		p.bytes += int64(2 * len(p.records[i].Value))
	}
	if err == nil {
		err = p.foresee()
	}
	return p, err
}

func (w *write) preparePut(p *store.Put, sender string) error {
	w.key, w.method, w.put, w.ifVersion = p.Key, p.Method, p, p.IfVersion
	w.ours = p.Ours
	if w.method != store.MethodCreate && w.method != store.MethodPatch {
		w.method = store.MethodUpdate
	}
	if p.Key.Type == "" || p.Key.ID == "" || len(p.Doc.Body) == 0 {
		return fhir.Errorf(fhir.Internal, "put-incomplete", "", p.Key.String())
	}
	w.entries = sorted(p.Entries)
	size := 0
	for i := range w.entries {
		if p := w.entries[i].Param; p <= search.ParamSender {
			return fhir.Errorf(fhir.Internal, "entry-reserved", "")
		}
		size += len(w.entries[i].Value) + 3
	}
	w.entries, w.sender = withSender(w.entries, sender), sender
	w.packed = packEntries(make([]byte, 0, size+len(sender)+3), w.entries)
	if w.contained = p.Contained; w.contained != nil {
		var err error
		if w.contained, err = sortedContained(p.Contained); err != nil {
			return err
		}
	}
	w.doc = p.Doc.Encode()
	if len(p.Unique) > 0 {
		w.unique = make([]string, len(p.Unique))
		for i, u := range p.Unique {
			w.unique[i] = string(u)
		}
		slices.Sort(w.unique)
		w.unique = slices.Compact(w.unique)
	}
	return nil
}

// sorted gives entries in order and without duplicates; normally that is how they come.
func sorted(entries []search.Entry) []search.Entry {
	order := func(a, b search.Entry) int {
		if c := cmp.Compare(a.Param, b.Param); c != 0 {
			return c
		}
		return bytes.Compare(a.Value, b.Value)
	}
	for i := 1; i < len(entries); i++ {
		if order(entries[i-1], entries[i]) >= 0 {
			entries = slices.Clone(entries)
			slices.SortFunc(entries, order)
			return slices.CompactFunc(entries, func(a, b search.Entry) bool { return order(a, b) == 0 })
		}
	}
	return entries
}

// distinct refuses changes that write a resource twice: there would be no order between the two.
func distinct(c store.Changes) error {
	n := len(c.Puts) + len(c.Deletes)
	if n < 2 {
		return nil
	}
	seen := make(map[fhir.Key]struct{}, n)
	for i := range n {
		var key fhir.Key
		if i < len(c.Puts) {
			key = c.Puts[i].Key
		} else {
			key = c.Deletes[i-len(c.Puts)].Key
		}
		if _, twice := seen[key]; twice {
			return fhir.Errorf(fhir.Invalid, "write-twice", "", key.String())
		}
		seen[key] = struct{}{}
	}
	return nil
}

// lastOfEach keeps the last record given for each row.
func lastOfEach(records []store.Record) ([]store.Record, error) {
	type row struct{ space, key string }
	for _, r := range records {
		if r.Space == "" || strings.IndexByte(string(r.Space), 0) >= 0 {
			return nil, fhir.Errorf(fhir.Internal, "record-invalid", "", string(r.Space))
		}
	}
	if len(records) < 2 {
		return records, nil
	}
	last := make(map[row]int, len(records))
	for i, r := range records {
		last[row{string(r.Space), r.Key}] = i
	}
	if len(last) == len(records) {
		return records, nil
	}
	kept := make([]store.Record, 0, len(last))
	for i, r := range records {
		if last[row{string(r.Space), r.Key}] == i {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// compare looks up beforehand whether unconditional updates change anything. Whatever happens until the sequencer has
// the commit, the answer stays true of the version that it was given for.
func (e *Engine) compare(p *pending) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	for i := range p.writes[:p.puts] {
		w := &p.writes[i]
		if !w.put.SkipIfEqual {
			continue
		}
		s, err := e.stateOf(w.key)
		if err != nil {
			return err
		}
		if !s.alive() {
			continue
		}
		if w.same, err = sameDocument(e.db, s.place, w.doc); err != nil {
			return err
		}
		w.compared = s.version
	}
	return nil
}

// sameDocument says whether the document of a write is doc, encoded.
func sameDocument(db pebble.Reader, p place, doc []byte) (same bool, err error) {
	key := embedded.AppendDocumentKey(make([]byte, 0, 16), p.t, p.write)
	_, err = get(db, key, func(v []byte) error { same = bytes.Equal(v, doc); return nil })
	return same, err
}
