package engine

import (
	"bytes"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Contained resources have numbers, version rows and postings of their own, under types that no resource has: #Medication.
// So they are searched by the same plans, and those who contain nothing pay nothing. Of each there is a version row for
// every version of the resource around it, of the same version number, and one more when it is gone; there are no rows i
// and h. The version row of either names the other (links):
//
//	v|7|^2 -> MedicationRequest m1 … links 8 9    its second version contains two resources
//	v|8|^2 -> #Medication MedicationRequest/m1 … links 7
//	x|code|#Medication|c4|8 -> 1                  the first one has the code since commit 1
//
// What stands at one place of the element contained keeps its number from version to version, also if it becomes another
// resource.

// sortedContained gives the entries of contained resources in order and without duplicates.
func sortedContained(list []search.Contained) ([]search.Contained, error) {
	out := make([]search.Contained, len(list))
	for i, c := range list {
		out[i] = search.Contained{Type: c.Type, Entries: sorted(c.Entries)}
		for _, e := range c.Entries {
			if e.Param <= search.ParamSender {
				return nil, fhir.Errorf(fhir.Internal, "entry-reserved", "")
			}
		}
	}
	return out, nil
}

// contained puts the rows of what w, write i of the commit, contains and contained before; it gives the numbers of what it
// contains now.
func (st *stager) contained(w *write, i uint32) (links []number, err error) {
	for at := range max(len(w.contained), len(w.oldLinks)) {
		now := write{key: fhir.Key{ID: fhir.ID(w.key.String())}, version: w.version}
		was := now
		if at < len(w.oldLinks) {
			now.number = w.oldLinks[at]
			if err := st.readContained(now.number, w, &was); err != nil {
				return nil, err
			}
		}
		if at < len(w.contained) {
			c := w.contained[at]
			if now.typ, err = st.code(within(c.Type)); err != nil {
				return nil, err
			}
			now.doc, now.entries = w.doc, c.Entries
			if now.number == 0 {
				now.number = st.s.head.next
				st.s.head.next++
			}
			links = append(links, now.number)
		}
		if err := st.one(w, i, &was, &now); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// readContained reads what stood at a place before w as a write that ends it.
func (st *stager) readContained(n number, w, was *write) error {
	key := appendVersionKey(make([]byte, 0, 16), n, w.old.version)
	found, err := get(st.s.db, key, func(b []byte) error {
		v, err := decodeVersion(bytes.Clone(b))
		was.typ, was.number, was.oldValues = v.typ, n, v.entries
		was.old = state{number: n, version: w.old.version, place: v.place}
		return err
	})
	if err == nil && !found {
		err = damaged("no version row %d of what %s contains", w.old.version, w.key)
	}
	return err
}

// one puts the rows of one place of contained: from what was there, if anything, to what is there now.
func (st *stager) one(w *write, i uint32, was, now *write) error {
	row := versionRow{place: place{t: st.c.T, at: st.c.At, write: i, method: w.method}, typ: now.typ, id: []byte(now.key.ID), links: packNumbers([]number{w.number})}
	if now.doc == nil {
		row.typ, row.method = was.typ, store.MethodDelete
	}
	row.entries = packEntries(nil, now.entries)
	if err := st.b.Set(appendVersionKey(nil, now.number, w.version), row.append(nil), nil); err != nil {
		return err
	}
	if was.old.alive() && was.typ == now.typ {
		now.old, now.oldValues = was.old, was.oldValues
		return st.postings(now)
	}
	if was.old.number != 0 { // there may be rows to merge with
		now.old = state{number: was.old.number, place: place{method: store.MethodDelete}}
	}
	for _, one := range []*write{was, now} {
		if one.typ == 0 {
			continue
		}
		st.s.count(one.typ, one.old.alive(), one.doc != nil)
		if err := st.postings(one); err != nil {
			return err
		}
	}
	return nil
}
