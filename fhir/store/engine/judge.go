package engine

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// judge decides conditions on single versions, stored or about to be, by looking from one resource at the next. Searches
// have better ways (plan.go); this one can look at a commit that has not landed, and at a version that is not the current
// one with the state of now.
type judge struct {
	r      *run                // the state; without a fence
	writes map[fhir.Key]*write // of the commit that is being decided: they hide what is stored; nil = none
	recent *recent             // where versions that were read lately are; nil = they are read
}

// subject is a version of a resource.
type subject struct {
	key fhir.Key // of a contained resource without an ID
	row *versionRow
	of  *document
}

// document is what a subject stands in, as chains into what it contains need it.
type document struct {
	row   *versionRow // as it is stored
	write *write      // or as it is to be; else nil
}

// subjectOf makes a subject of a stored version.
func subjectOf(key fhir.Key, row *versionRow) subject {
	return subject{key, row, &document{row: row}}
}

// subject makes one of the version that a put will make.
func (w *write) subject() subject {
	row := w.row()
	return subject{w.key, &row, &document{write: w}}
}

// holds decides c on s. After an error of the run the answer means nothing.
func (j *judge) holds(c search.Condition, s subject) bool {
	switch c := c.(type) {
	case search.Terms:
		return termsCheck(c).noting(j.r.noted, s.row)
	case search.IDs:
		return slices.Contains(c.ID, s.key.ID)
	case search.Not:
		return !j.holds(c.Condition, s)
	case search.All:
		return j.all(c.Of, s)
	case search.Either:
		return slices.ContainsFunc(c.Of, func(one search.Condition) bool { return j.holds(one, s) })
	case search.Derived:
		return j.derived(c, s)
	case search.Chain:
		return j.leads(c, s)
	case leading:
		return slices.ContainsFunc(c.to, func(key fhir.Key) bool { return j.r.tick() && j.leadsTo(c.c, key) })
	case search.Has:
		return j.referred(c, s)
	case heldTo:
		return j.all(c.of, s)
	}
	j.r.fail(errCondition(c))
	return false
}

func (j *judge) all(of []search.Condition, s subject) bool {
	return !slices.ContainsFunc(of, func(one search.Condition) bool { return !j.holds(one, s) })
}

// leads follows the references of s.
func (j *judge) leads(c search.Chain, s subject) (found bool) {
	s.row.values(c.Param, func(value []byte) bool {
		key, local := search.ReferenceKey(value)
		if !local || !j.r.tick() {
			return j.r.err == nil
		}
		found = j.leadsTo(c, key)
		return !found
	})
	if len(c.Within) == 0 {
		return found
	}
	s.row.values(c.Param|search.ParamDetail, func(value []byte) bool {
		if place, ok := search.PlaceWithin(value); ok && !found {
			if to, there := j.within(s, place); there {
				found = slices.ContainsFunc(c.Within, func(q search.Query) bool { return within(q.Type) == to.key.Type && j.all(q.Where, to) })
			}
		}
		return !found && j.r.tick()
	})
	return found
}

// leadsTo says whether a reference to key leads to a match of one of the targets.
func (j *judge) leadsTo(c search.Chain, key fhir.Key) bool {
	for _, q := range c.Targets {
		if q.Type != key.Type {
			continue
		}
		if to, there := j.current(key); there && j.all(q.Where, to) {
			return true
		}
	}
	return false
}

// within gives what stands at a place of what the document of s contains.
func (j *judge) within(s subject, place int) (subject, bool) {
	j.r.noted.lose()
	if w := s.of.write; w != nil {
		if place >= len(w.contained) {
			return subject{}, false
		}
		row := w.row()
		row.entries = packEntries(nil, w.contained[place].Entries)
		return subject{fhir.Key{Type: within(w.contained[place].Type)}, &row, s.of}, true
	}
	links, err := unpackNumbers(s.of.row.links)
	if j.r.fail(err); err != nil || place >= len(links) {
		return subject{}, false
	}
	row, ok := j.r.versionOf(links[place], s.of.row.place)
	return subject{fhir.Key{Type: j.r.keyOf(&row).Type}, &row, s.of}, ok && row.alive()
}

// versionOf gives the version of a resource that a write made.
func (r *run) versionOf(n number, by place) (row versionRow, ok bool) {
	low := appendVersionKey(nil, n, fhir.Version(maxNumber))
	it, err := r.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: after(low[:1+numberLen])})
	if err != nil {
		r.fail(errDisk(err))
		return row, false
	}
	defer func() { r.fail(errDisk(it.Close())) }()
	for ok := it.First(); ok && r.tick(); ok = it.Next() {
		if row, err = decodeVersion(r.value(it)); err != nil {
			r.fail(err)
			return row, false
		}
		if row.t == by.t && row.write == by.write {
			row, err = decodeVersion(bytes.Clone(r.value(it)))
			r.fail(err)
			return row, err == nil
		}
	}
	return row, false
}

// referred looks at what refers to s.
func (j *judge) referred(c search.Has, s subject) bool {
	value := search.ReferenceValue(s.key)
	for key, w := range j.writes {
		if key.Type != c.Source.Type || w.put == nil {
			continue
		}
		from := w.subject()
		refers := false
		from.row.values(c.Param, func(v []byte) bool { refers = bytes.Equal(v, value); return !refers })
		if refers && j.all(c.Source.Where, from) {
			return true
		}
	}
	code := j.r.types.code[c.Source.Type]
	if code == 0 || j.r.err != nil {
		return false
	}
	found := false
	err := j.r.kept.list(j.r.db, appendValueKey(make([]byte, 0, 96), c.Param, code, value), j.r.noted, func(n number, events []byte) bool {
		if eventAfter(events, j.r.t) {
			j.r.noted.lose()
		}
		if !openAt(events, j.r.t) {
			return j.r.tick()
		}
		v, version, there := j.r.versions().at(n)
		if !there {
			j.r.noted.lose()
		} else if v.alive() {
			v.id, v.links, v.entries = bytes.Clone(v.id), bytes.Clone(v.links), bytes.Clone(v.entries) // the row is overwritten by the look-ups that follow
			key := j.r.keyOf(&v)
			j.noteNewest(&v, n, version)
			found = j.writes[key] == nil && j.all(c.Source.Where, subjectOf(key, &v))
		}
		return !found && j.r.tick()
	})
	j.r.fail(err)
	return found && err == nil
}

// noteNewest notes that n has the version v, which was found by its number.
func (j *judge) noteNewest(v *versionRow, n number, version fhir.Version) {
	if j.r.noted == nil {
		return
	}
	if s := j.r.state(v.typ, fhir.ID(v.id)); s.number != n || s.version != version {
		j.r.noted.lose() // another one is there that is not published
	}
}

// current gives the version of key that is there, as far as it is.
func (j *judge) current(key fhir.Key) (subject, bool) {
	if w := j.writes[key]; w != nil {
		return w.subject(), w.put != nil
	}
	n, version := j.r.newest(key)
	if n == 0 {
		return subject{}, false
	}
	row, ok := j.version(n, version)
	return subjectOf(key, row), ok && row.alive()
}

// version gives one version, which is not changed.
func (j *judge) version(n number, version fhir.Version) (*versionRow, bool) {
	if j.recent == nil {
		row, ok := j.r.version(n, version)
		return &row, ok
	}
	known, kept := j.recent.of(n, version)
	if known.row.typ != 0 {
		return &known.row, true
	}
	if kept { // its document alone was needed
		more := *known
		known = &more
	}
	row, ok := j.r.version(n, version)
	if known.row = row; ok {
		j.recent.keep(known)
	}
	return &known.row, ok
}

// version gives one version.
func (r *run) version(n number, version fhir.Version) (row versionRow, ok bool) {
	row, ok, err := rowOfVersion(r.db, n, version)
	r.fail(err)
	return row, ok && err == nil
}

// rowOfVersion reads the row v of one version.
func rowOfVersion(db pebble.Reader, n number, version fhir.Version) (row versionRow, found bool, err error) {
	found, err = get(db, appendVersionKey(make([]byte, 0, 16), n, version), func(b []byte) (err error) {
		row, err = decodeVersion(bytes.Clone(b))
		return err
	})
	return row, found, err
}

// row gives the version row that a put will make, as far as conditions look at it.
func (w *write) row() versionRow {
	return versionRow{place: place{at: w.at, method: w.method}, typ: w.typ, id: []byte(w.key.ID), entries: w.packed}
}

// verdict is what can be said about a condition.
type verdict int8

const (
	open verdict = iota // it depends on other resources, or on what the version before was
	yes
	no
)

// ownVerdict decides c on a put by its own entries alone, without the state. The sender is known if the put creates.
func (w *write) ownVerdict(c search.Condition, creates bool) verdict {
	switch c := c.(type) {
	case search.Terms:
		asks := func(t search.Term) bool {
			return t.Param == search.ParamLastUpdated || t.Param == search.ParamSender && !creates
		}
		row := w.row()
		if termsCheck(c).holds(&row) && !slices.ContainsFunc(c.Any, asks) {
			return yes
		}
		if slices.ContainsFunc(c.Any, asks) {
			return open
		}
		return no
	case search.IDs:
		if slices.Contains(c.ID, w.key.ID) {
			return yes
		}
		return no
	case search.Not:
		switch w.ownVerdict(c.Condition, creates) {
		case yes:
			return no
		case no:
			return yes
		}
	case search.All:
		return w.ownVerdicts(c.Of, creates, no, yes)
	case search.Either:
		return w.ownVerdicts(c.Of, creates, yes, no)
	}
	return open
}

// ownVerdicts decides several conditions, of which one that comes to decides decides all; else it is otherwise, as far as none is open.
func (w *write) ownVerdicts(of []search.Condition, creates bool, decides, otherwise verdict) verdict {
	for _, one := range of {
		switch w.ownVerdict(one, creates) {
		case decides:
			return decides
		case open:
			otherwise = open
		}
	}
	return otherwise
}

// ownGrant decides a grant on a put likewise.
func (w *write) ownGrant(g store.Grant, creates bool) verdict {
	switch {
	case g.All:
		return yes
	case g.None():
		return no
	}
	return w.ownVerdict(g.Condition(), creates)
}
