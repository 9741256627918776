package access

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// persons learns, for the documents of one answer, of which persons each may tell in its words. It reads them as they are stored:
//
//	who                                                   what
//	Patients of the document, those linked with them,     names, numbers, telephones, addresses, of all versions
//	their RelatedPersons and Coverages
//	the claim of the document, and what it refers to      fields of the claim file that are hidden: parents, guardians
//	the document itself                                   both
//
// A claim of the document is one that it refers to, or that refers to it. It is not safe for concurrent use.
type persons struct {
	mask  *mask
	ctx   context.Context
	store store.Store
	known map[fhir.Key][]*told
}

// Bounds of what is looked at for one document: who has more of something is known by the newest.
const (
	mostVersions = 20
	mostRelated  = 50
	mostClaims   = 8
	mostRows     = 64
)

// withFields are the resources of a claim that have fields of persons: the mapping puts XML0, XML1 and XML7 to XML15 there.
var withFields = map[fhir.Type]bool{"Encounter": true, "Composition": true, "ServiceRequest": true, "Appointment": true, "CarePlan": true}

// of gives what is known of the persons of a document.
func (p *persons) of(f store.Found, doc resource.Value) (all []*told, err error) {
	own := &told{}
	references := p.read(doc, own)
	for _, id := range f.Subjects {
		references[fhir.Key{Type: "Patient", ID: id}] = true
	}
	if !own.empty() {
		all = append(all, own)
	}
	var claims []fhir.Key
	for _, key := range inOrder(references) {
		switch {
		case key.Type == "Claim":
			claims = append(claims, key)
		case isPerson(key.Type):
			of, err := p.person(key)
			if err != nil {
				return nil, err
			}
			all = append(all, of...)
		}
	}
	switch {
	case f.Key.Type == "Claim":
		rows, err := p.rows(references)
		return append(all, rows...), err
	case len(claims) == 0 && len(r4.CompartmentParams("Patient", f.Key.Type)) > 0 && !isPerson(f.Key.Type) && f.Key.Type != "Coverage":
		if claims, err = p.citing(f.Key); err != nil {
			return nil, err
		}
	}
	for _, key := range claims {
		of, err := p.claim(key)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func inOrder(references map[fhir.Key]bool) []fhir.Key {
	return slices.SortedFunc(maps.Keys(references), func(a, b fhir.Key) int {
		return cmp.Or(strings.Compare(string(a.Type), string(b.Type)), strings.Compare(string(a.ID), string(b.ID)))
	})
}

func isPerson(t fhir.Type) bool { return t == "Patient" || t == "RelatedPerson" || t == "Person" }

// read notes what a document says of persons and gives what it refers to.
func (p *persons) read(v resource.Value, to *told) map[fhir.Key]bool {
	references := map[fhir.Key]bool{}
	p.walk(v, to, references)
	return references
}

func (p *persons) walk(v resource.Value, to *told, references map[fhir.Key]bool) {
	if v.Kind() == resource.Object {
		switch t := v.ResourceType(); {
		case isPerson(t):
			p.describe(v, to)
		case t == "Coverage" && p.mask.elements[t] != nil:
			to.number(v.Get("subscriberId").Text())
			p.numbers(v, to)
		}
		if _, hidden := p.mask.fields.of(v); hidden {
			p.field(v, to)
		}
		if ref := v.Get("reference"); ref.Kind() == resource.String {
			if key := fhir.ParseReference(ref.Text()).Key; key.ID != "" {
				references[key] = true
			}
		}
	}
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		if m.Kind() == resource.Object || m.Kind() == resource.Array {
			p.walk(m, to, references)
		}
	}
}

// describe notes what is hidden of a person.
func (p *persons) describe(v resource.Value, to *told) {
	hidden := p.mask.elements[v.ResourceType()]
	if hidden["name"] {
		for n := range v.Get("name").Elements() {
			humanName(n, to)
		}
	}
	if hidden["contact"] {
		for c := range v.Get("contact").Elements() {
			humanName(c.Get("name"), to)
			telecom(c, to)
		}
	}
	if hidden["identifier"] {
		p.numbers(v, to)
	}
	if hidden["telecom"] {
		telecom(v, to)
	}
	if hidden["address"] {
		for a := range v.Get("address").Elements() {
			to.line(a.Get("text").Text())
			for l := range a.Get("line").Elements() {
				to.line(l.Text())
			}
		}
	}
}

func humanName(n resource.Value, to *told) {
	to.name(n.Get("text").Text())
	parts := n.Get("family").Text()
	for g := range n.Get("given").Elements() {
		parts += " " + g.Text()
	}
	if strings.TrimSpace(parts) != n.Get("text").Text() {
		to.name(parts)
	}
}

func telecom(v resource.Value, to *told) {
	for t := range v.Get("telecom").Elements() {
		to.number(t.Get("value").Text())
	}
}

func (p *persons) numbers(v resource.Value, to *told) {
	for id := range v.Get("identifier").Elements() {
		to.number(id.Get("value").Text())
	}
}

// field notes a field of the claim file that is hidden: those that are called after names have one, others a number or a place.
func (p *persons) field(v resource.Value, to *told) {
	value := v.Get("valueString")
	if value.Kind() != resource.String {
		return
	}
	url := strings.ToUpper(v.Get("url").Text())
	for text := range strings.SplitSeq(value.Text(), ";") {
		switch {
		case strings.Contains(url, "TEN") || strings.Contains(url, "NGUOI_GIAM_HO"):
			to.name(text)
		default:
			to.number(text)
			to.line(text)
		}
	}
}

// person gives what is known of a person of this server; nothing of one who is not here.
func (p *persons) person(key fhir.Key) ([]*told, error) {
	return p.once(key, func() ([]*told, error) {
		to := &told{}
		linked, err := p.versions(key, to)
		if err != nil || key.Type != "Patient" {
			return notEmpty(to), err
		}
		for _, other := range inOrder(linked) {
			if isPerson(other.Type) && other != key {
				if _, err := p.versions(other, to); err != nil {
					return nil, err
				}
			}
		}
		for t, param := range map[fhir.Type]string{"RelatedPerson": "patient", "Coverage": "beneficiary"} {
			number := search.ParamID(r4.Param(t, param).ID)
			if err := p.found(t, search.Term{Param: number, Low: search.AppendLocal(nil, "Patient", string(key.ID)), Exact: true}, to); err != nil {
				return nil, err
			}
		}
		return notEmpty(to), nil
	})
}

func notEmpty(to *told) []*told {
	if to.empty() {
		return nil
	}
	return []*told{to}
}

// versions notes what the versions of a person say, and gives what the newest refers to.
func (p *persons) versions(key fhir.Key, to *told) (linked map[fhir.Key]bool, err error) {
	n := 0
	for f, err := range p.store.History(p.ctx, store.History{Key: key}) {
		if absentHere(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		if n++; n > mostVersions {
			break
		}
		if len(f.Stored.Body) == 0 {
			continue
		}
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return nil, err
		}
		if references := p.read(doc.Root(), to); linked == nil {
			linked = references
		}
	}
	return linked, nil
}

// claim gives what is known by a claim: its patient, and the fields of its file.
func (p *persons) claim(key fhir.Key) ([]*told, error) {
	return p.once(key, func() (all []*told, err error) {
		to := &told{}
		references, err := p.current(key, to)
		if err != nil {
			return nil, err
		}
		all = notEmpty(to)
		for _, other := range inOrder(references) {
			if isPerson(other.Type) {
				of, err := p.person(other)
				if err != nil {
					return nil, err
				}
				all = append(all, of...)
			}
		}
		rows, err := p.rows(references)
		return append(all, rows...), err
	})
}

// rows gives what is known by the rows of a claim file that a claim refers to.
func (p *persons) rows(references map[fhir.Key]bool) (all []*told, err error) {
	n := 0
	for _, key := range inOrder(references) {
		if !withFields[key.Type] {
			continue
		}
		if n++; n > mostRows {
			return all, nil
		}
		of, err := p.once(key, func() ([]*told, error) {
			to := &told{}
			_, err := p.current(key, to)
			return notEmpty(to), err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func (p *persons) current(key fhir.Key, to *told) (map[fhir.Key]bool, error) {
	_, doc, err := p.last(key)
	if err != nil || doc == nil {
		return nil, err
	}
	return p.read(doc.Root(), to), nil
}

// last gives the newest version of a resource that has a document; nil if there is none.
func (p *persons) last(key fhir.Key) (f store.Found, doc *resource.Document, err error) {
	f, err = p.store.Read(p.ctx, key, 0)
	if absentHere(err) && f.Version > 1 { // deleted: the one before
		f, err = p.store.ReadVersion(p.ctx, key, f.Version-1)
	}
	if absentHere(err) {
		return f, nil, nil
	}
	if err != nil {
		return f, nil, err
	}
	doc, err = resource.New(f.Stored.Body)
	return f, doc, err
}

// about gives what is known of the persons of a resource.
func (p *persons) about(key fhir.Key) ([]*told, error) {
	f, doc, err := p.last(key)
	if err != nil || doc == nil {
		return nil, err
	}
	return p.of(f, doc.Root())
}

// citing gives the claims that refer to a resource.
func (p *persons) citing(key fhir.Key) (claims []fhir.Key, err error) {
	term := search.Term{Param: search.ParamCites, Low: search.AppendLocal(nil, key.Type, string(key.ID)), Exact: true}
	q := search.Query{Type: "Claim", Where: []search.Condition{search.Terms{Any: []search.Term{term}}}}
	for m, err := range p.store.Search(p.ctx, q, 0, store.SearchOptions{Limit: mostClaims}) {
		if err != nil {
			return nil, err
		}
		claims = append(claims, m.Key)
	}
	return claims, nil
}

// found notes what the resources of a type say that a term finds.
func (p *persons) found(t fhir.Type, term search.Term, to *told) error {
	q := search.Query{Type: t, Where: []search.Condition{search.Terms{Any: []search.Term{term}}}}
	for m, err := range p.store.Search(p.ctx, q, 0, store.SearchOptions{Limit: mostRelated}) {
		if err != nil {
			return err
		}
		f, err := p.store.Fetch(p.ctx, m)
		if absentHere(err) {
			continue
		}
		if err != nil {
			return err
		}
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return err
		}
		p.read(doc.Root(), to)
	}
	return nil
}

func (p *persons) once(key fhir.Key, learn func() ([]*told, error)) ([]*told, error) {
	if all, ok := p.known[key]; ok {
		return all, nil
	}
	all, err := learn()
	if err == nil {
		p.known[key] = all
	}
	return all, err
}

func absentHere(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone)
}
