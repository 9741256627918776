package storetest

import (
	"bytes"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// model is a store in the plainest terms: all versions of all resources in lists, questions answered by looking at
// everything. It takes a commit's number and instant from the store's receipt.
type model struct {
	t       fhir.T
	at      fhir.Instant
	fence   store.Fence      // of those who ask
	numbers map[fhir.Key]int // order of first creation
	next    int              // the number given out last
	lives   map[fhir.Key][]life
	records map[store.Space]map[string][]byte
}

// life is one version.
type life struct {
	t       fhir.T
	at      fhir.Instant
	deleted bool
	doc     resource.Stored
	entries []search.Entry // with those that the store adds
	unique  []store.UniqueKey

	contained []inner
}

// inner is a contained resource of one version.
type inner struct {
	typ     fhir.Type
	number  int
	entries []search.Entry
}

func (l life) subject(key fhir.Key) subject { return subject{key, l.entries, l.contained} }

func newModel() *model {
	return &model{fence: store.OpenFence(), numbers: map[fhir.Key]int{}, lives: map[fhir.Key][]life{}, records: map[store.Space]map[string][]byte{}}
}

// current gives the version as of t; ok is false if there is none or it is deleted. version counts from 1.
func (m *model) current(key fhir.Key, t fhir.T) (l life, version int, ok bool) {
	for i, v := range m.lives[key] {
		if v.t <= t {
			l, version = v, i+1
		}
	}
	return l, version, version > 0 && !l.deleted
}

// verdict is what the model says about a commit before it is made: why it must be refused, or what it must write.
type verdict struct {
	refusal string // catalogue code, or "match"
	puts    []store.Written
	deletes []store.Written
	nothing bool // no new commit
}

func (m *model) decide(c store.Changes) verdict {
	hidden, ok := m.admit(c)
	if !ok {
		return verdict{refusal: "access-denied"}
	}
	if v := m.preconditions(c); v != "" {
		return verdict{refusal: v}
	}
	var v verdict
	holders := map[store.UniqueKey]fhir.Key{}
	written := map[fhir.Key]bool{}
	v.nothing = len(c.Records) == 0
	for _, p := range c.Puts {
		l, version, alive := m.current(p.Key, m.t)
		now := 0
		if alive {
			now = version
		}
		switch {
		case p.IfVersion != nil && int(*p.IfVersion) != now:
			return verdict{refusal: "version-conflict"}
		case p.MustCreate && alive:
			return verdict{refusal: "id-exists"}
		case p.SkipIfEqual && alive && l.doc.Equal(p.Doc):
			v.puts = append(v.puts, store.Written{Version: fhir.Version(version), Same: true, At: l.at})
			continue
		}
		v.nothing = false
		written[p.Key] = true
		v.puts = append(v.puts, store.Written{Version: fhir.Version(version + 1), Created: !alive})
	}
	for _, d := range c.Deletes {
		_, version, alive := m.current(d.Key, m.t)
		alive = alive && !hidden[d.Key]
		now := 0
		if alive {
			now = version
		}
		if d.IfVersion != nil && int(*d.IfVersion) != now {
			return verdict{refusal: "version-conflict"}
		}
		if !alive {
			v.deletes = append(v.deletes, store.Written{})
			continue
		}
		v.nothing = false
		written[d.Key] = true
		v.deletes = append(v.deletes, store.Written{Version: fhir.Version(version + 1)})
	}
	for key := range m.lives {
		if l, _, alive := m.current(key, m.t); alive && !written[key] {
			for _, u := range l.unique {
				holders[u] = key
			}
		}
	}
	for _, p := range c.Puts {
		if !written[p.Key] {
			continue
		}
		for _, u := range p.Unique {
			if h, taken := holders[u]; taken && h != p.Key {
				return verdict{refusal: "unique-taken"}
			}
			holders[u] = p.Key
		}
	}
	return v
}

func (m *model) preconditions(c store.Changes) string {
	for _, pre := range c.Require {
		switch pre := pre.(type) {
		case store.NoMatch:
			if !m.fence.Finds(pre.Query.Type) {
				return "access-denied"
			}
			if len(m.search(pre.Query, m.t)) > 0 {
				return "match"
			}
		case store.OneMatch:
			if !m.fence.Finds(pre.Query.Type) {
				return "access-denied"
			}
			found := m.search(pre.Query, m.t)
			if len(found) != 1 || found[0].key != pre.Key {
				return "match"
			}
		case store.RecordIs:
			have, found := m.records[pre.Space][pre.Key]
			if (pre.Value == nil) == found || found && !bytes.Equal(have, pre.Value) {
				return "record-changed"
			}
		}
	}
	return ""
}

// apply makes a commit that was acknowledged.
func (m *model) apply(c store.Changes, r store.Receipt) {
	m.t = r.T
	for i, p := range c.Puts {
		if !r.Puts[i].Same {
			m.number(p.Key)
		}
	}
	for i, p := range c.Puts {
		if r.Puts[i].Same {
			continue
		}
		l := life{t: r.T, at: r.At, doc: p.Doc, entries: m.entriesOf(p, r.At), unique: p.Unique, contained: m.containedOf(p.Key, p.Contained, r.At)}
		m.lives[p.Key] = append(m.lives[p.Key], l)
	}
	for i, d := range c.Deletes {
		if r.Deletes[i].Version != 0 {
			m.lives[d.Key] = append(m.lives[d.Key], life{t: r.T, at: r.At, deleted: true})
		}
	}
	m.at = r.At
	for _, r := range c.Records {
		if m.records[r.Space] == nil {
			m.records[r.Space] = map[string][]byte{}
		}
		if r.Value == nil {
			delete(m.records[r.Space], r.Key)
		} else {
			m.records[r.Space][r.Key] = r.Value
		}
	}
}

// number gives a resource its number, if it has none.
func (m *model) number(key fhir.Key) {
	if _, known := m.numbers[key]; !known {
		m.next++
		m.numbers[key] = m.next
	}
}

// containedOf gives what a new version of key contains. What stood at a place in the version before keeps its number.
func (m *model) containedOf(key fhir.Key, list []search.Contained, at fhir.Instant) (out []inner) {
	var before []inner
	if n := len(m.lives[key]); n > 0 {
		before = m.lives[key][n-1].contained
	}
	out = innerOf(list, at)
	for i := range out {
		if i < len(before) {
			out[i].number = before[i].number
		} else {
			m.next++
			out[i].number = m.next
		}
	}
	return out
}

// innerOf gives contained resources without numbers.
func innerOf(list []search.Contained, at fhir.Instant) (out []inner) {
	for _, c := range list {
		out = append(out, inner{typ: c.Type, entries: append([]search.Entry{{Param: search.ParamExists}, {Param: search.ParamLastUpdated, Value: search.InstantValue(at)}}, c.Entries...)})
	}
	return out
}

// hit is a match of the model.
type hit struct {
	key       fhir.Key
	version   int
	number    int
	entries   []search.Entry
	contained int
}

// search looks at every resource.
func (m *model) search(q search.Query, t fhir.T) []hit {
	var found []hit
	for key := range m.lives {
		l, version, alive := m.current(key, t)
		switch {
		case !alive:
		case q.Inside != search.OnTheirOwn:
			for i, c := range l.contained {
				if c.typ == q.Type && m.sees(key, t) && m.all(q.Where, subject{nowhere, c.entries, l.contained}, t) {
					found = append(found, hit{key, version, c.number, c.entries, i + 1})
				}
			}
		case m.matches(q, key, l.entries, t):
			found = append(found, hit{key, version, m.numbers[key], l.entries, 0})
		}
	}
	slices.SortFunc(found, func(a, b hit) int { return compare(q.Sort, a, b) })
	if q.Inside != search.ContainedIn {
		return found
	}
	seen := map[fhir.Key]bool{}
	if q.Besides != nil {
		for _, h := range m.search(*q.Besides, t) {
			seen[h.key] = true
		}
	}
	return slices.DeleteFunc(found, func(h hit) bool {
		twice := seen[h.key]
		seen[h.key] = true
		return twice
	})
}

// nowhere is the key of contained resources: nothing can name them.
var nowhere = fhir.Key{Type: "#", ID: "#"}

// compare orders two hits as store.Store says: missing values last, ties by creation in the direction of the first key.
func compare(keys []search.SortKey, a, b hit) int {
	for _, k := range keys {
		va, oka := search.SortValue(k, a.key, a.entries)
		vb, okb := search.SortValue(k, b.key, b.entries)
		switch {
		case oka != okb && oka:
			return -1
		case oka != okb:
			return 1
		}
		if c := bytes.Compare(va, vb); c != 0 {
			if k.Descending {
				return -c
			}
			return c
		}
	}
	if len(keys) > 0 && keys[0].Descending {
		return b.number - a.number
	}
	return a.number - b.number
}

// codeOf gives what verdict.refusal says of an error.
func codeOf(err error) string {
	if _, ok := errors.AsType[*store.MatchError](err); ok {
		return "match"
	}
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return ""
}
