package vaccination

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Bounds of one person: beyond, it is no person but a fault in the data, or an attack.
const (
	mostPatients = 20
	mostRecords  = 1000
)

// Resource is one stored resource, read.
type Resource struct {
	Key fhir.Key
	At  fhir.Instant
	Doc resource.Value
}

// Person are the Patients that are linked as one person.
type Person struct {
	Lead   Resource   // the one in use
	Merged []Resource // the others, by key
	T      fhir.T     // as of which commit
}

// Keys gives all of them, the one in use first.
func (p *Person) Keys() []fhir.Key {
	keys := []fhir.Key{p.Lead.Key}
	for _, m := range p.Merged {
		keys = append(keys, m.Key)
	}
	return keys
}

// token gives an identifier as the value of a search: one value, whatever is in it, so that no request asks for a list of
// numbers. One without a system is a citizen ID.
func (s *Service) token(identifier string) string {
	system, value, ok := strings.Cut(identifier, "|")
	if !ok {
		system, value = s.systems.CCCD(), identifier
	}
	return search.EscapeValue(system) + "|" + search.EscapeValue(value)
}

// person finds a person by key or identifier and follows Patient.link, whatever its type and direction: each type says
// that the other Patient is, or has been, a record of the same person.
//
// Errors: NotFound, Gone; NotFound "vaccination-nobody" for an identifier that nobody has; Conflict "vaccination-several"
// for one that several unlinked Patients have. The identifier is never part of an error.
// Source: https://hl7.org/fhir/R4/patient.html#merging
func (s *Service) person(ctx context.Context, key fhir.Key, identifier string, t fhir.T) (p Person, err error) {
	if p.T = t; t == 0 {
		if p.T, err = s.interactions.Store().Head(ctx); err != nil {
			return p, err
		}
	}
	var start []Resource
	if key.ID == "" {
		if start, err = s.find(ctx, "Patient", "identifier="+escape(s.token(identifier)), p.T, mostPatients); err != nil {
			return p, err
		}
		if len(start) == 0 {
			return p, fhir.Errorf(fhir.NotFound, "vaccination-nobody", "")
		}
	} else {
		f, err := s.interactions.Store().Read(ctx, key, p.T)
		if err != nil {
			return p, err
		}
		r, err := parsed(f)
		if err != nil {
			return p, err
		}
		start = []Resource{r}
	}
	all, err := s.linked(ctx, start[0], p.T)
	if err != nil {
		return p, err
	}
	for _, other := range start[1:] {
		if !slices.ContainsFunc(all, func(r Resource) bool { return r.Key == other.Key }) {
			return p, fhir.Errorf(fhir.Conflict, "vaccination-several", "")
		}
	}
	p.Lead, p.Merged = lead(all)
	return p, nil
}

// linked gives the Patients that links lead to, from both ends.
func (s *Service) linked(ctx context.Context, start Resource, t fhir.T) ([]Resource, error) {
	all := []Resource{start}
	for i := 0; i < len(all); i++ {
		add := func(r Resource) error {
			if slices.ContainsFunc(all, func(have Resource) bool { return have.Key == r.Key }) {
				return nil
			}
			if len(all) == mostPatients {
				return fhir.Errorf(fhir.TooCostly, "vaccination-links", "", mostPatients)
			}
			all = append(all, r)
			return nil
		}
		for l := range all[i].Doc.Get("link").Elements() {
			to := s.interactions.Here(l.Get("other").Get("reference").Text()) // of a Patient elsewhere the id says nothing here
			if to.Type != "Patient" || to.ID == "" {
				continue
			}
			f, err := s.interactions.Store().Read(ctx, to, t)
			if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
				continue // a link that leads nowhere keeps nobody from the rest
			} else if err != nil {
				return nil, err
			}
			r, err := parsed(f)
			if err != nil {
				return nil, err
			}
			if err := add(r); err != nil {
				return nil, err
			}
		}
		from, err := s.referring(ctx, []fhir.Key{all[i].Key}, t, mostPatients, interaction.By{Type: "Patient", Param: "link"})
		if err != nil {
			return nil, err
		}
		for _, r := range from[0] {
			if err := add(r); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// lead chooses the Patient in use: not replaced, active, the one written last, the smallest id.
func lead(all []Resource) (Resource, []Resource) {
	rank := func(r Resource) (n int) {
		for l := range r.Doc.Get("link").Elements() {
			if l.Get("type").Text() == "replaced-by" {
				n |= 2
			}
		}
		if r.Doc.Get("active").Text() == "false" {
			n |= 1
		}
		return n
	}
	slices.SortFunc(all, func(a, b Resource) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		if a.At != b.At {
			return int(min(1, max(-1, b.At-a.At)))
		}
		return strings.Compare(string(a.Key.ID), string(b.Key.ID))
	})
	merged := all[1:]
	slices.SortFunc(merged, func(a, b Resource) int { return strings.Compare(string(a.Key.ID), string(b.Key.ID)) })
	return all[0], merged
}

// records reads all Immunizations of a person.
func (s *Service) records(ctx context.Context, p Person) ([]history.Record, error) {
	found, err := s.referring(ctx, p.Keys(), p.T, mostRecords, ofPerson[0])
	if err != nil {
		return nil, err
	}
	return recordsOf(found[0]), nil
}

func recordsOf(found []Resource) []history.Record {
	records := make([]history.Record, len(found))
	for i, r := range found {
		records[i] = record(r)
	}
	return records
}

func record(r Resource) history.Record {
	out := history.Read(r.Doc)
	out.At = r.At
	return out
}

// ofPerson is what refers to a person: the doses, then what contraindications can come from.
var ofPerson = [...]interaction.By{
	{Type: "Immunization", Param: "patient"}, {Type: "Condition", Param: "patient"}, {Type: "AllergyIntolerance", Param: "patient"},
	{Type: "AdverseEvent", Param: "subject", Sort: "date"},
}

// referring gives what refers to any of keys, all of it; more than most is refused, never cut.
func (s *Service) referring(ctx context.Context, keys []fhir.Key, at fhir.T, most int, by ...interaction.By) ([][]Resource, error) {
	lists, err := s.interactions.Referring(ctx, keys, at, most, by...)
	if err != nil {
		return nil, err
	}
	out := make([][]Resource, len(by))
	for i, found := range lists {
		if len(found) > most {
			return nil, errTooMany(by[i].Type, most)
		}
		if out[i], err = parsedAll(found); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func errTooMany(t fhir.Type, most int) error {
	return fhir.Errorf(fhir.TooCostly, "vaccination-too-many", "", string(t), most)
}

// find gives what a search finds, all of it; more than most is refused, never cut.
func (s *Service) find(ctx context.Context, t fhir.Type, query string, at fhir.T, most int) ([]Resource, error) {
	page, err := s.interactions.Search(ctx, t, query+"&_total=none&_count=1000", interaction.SearchOptions{AsOf: at})
	if err != nil {
		return nil, err
	}
	if page.Next != nil || len(page.Matches) > most {
		return nil, errTooMany(t, most)
	}
	return parsedAll(page.Matches)
}

func parsedAll(found []store.Found) (out []Resource, err error) {
	if len(found) == 0 {
		return nil, nil
	}
	out = make([]Resource, len(found))
	for i, f := range found {
		if out[i], err = parsed(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parsed(f store.Found) (Resource, error) {
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return Resource{}, err
	}
	return Resource{Key: f.Key, At: f.At, Doc: doc.Root()}, nil
}
