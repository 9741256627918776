package matching

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Service performs the operations of this room.
type Service struct {
	interactions *interaction.Service
	store        store.Store
	systems      identity.Systems
}

// New makes a Service.
func New(s *interaction.Service, systems identity.Systems) *Service {
	return &Service{interactions: s, store: s.Store(), systems: systems}
}

// Question is what $match is asked.
type Question struct {
	Patient  resource.Value // a Patient, whole or not
	Certain  bool           // onlyCertainMatches: one match that is certain, or none
	Count    int            // matches at most; 0 = 20
	Base     string         // FHIR base as the caller sees it
	Language outcome.Language
}

const (
	countDefault = 20
	// candidatesMost bounds the Patients that one of the searches for candidates may give: words that so many share tell nothing.
	candidatesMost = 200
)

// match is a Patient that was compared.
type match struct {
	found store.Found
	Comparison
}

// Match answers with a Bundle of those that may be the person, best first, each with its grade, score and reasons. The
// caller sees only Patients that the caller may read. Those that were merged into another one stand under that one.
func (s *Service) Match(ctx context.Context, q Question) ([]byte, error) {
	if q.Patient.ResourceType() != "Patient" {
		return nil, fhir.Errorf(fhir.Invalid, "match-patient", "")
	}
	asked := PersonOf(q.Patient, s.systems)
	candidates, err := s.candidates(ctx, q.Patient, asked)
	if err != nil {
		return nil, err
	}
	var all []match
	for _, f := range candidates {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return nil, err
		}
		c := Compare(asked, PersonOf(doc.Root(), s.systems))
		if c.Grade != CertainlyNot && (!q.Certain || c.Grade == Certain) {
			all = append(all, match{f, c})
		}
	}
	order := []Grade{Certain, Probable, Possible}
	slices.SortFunc(all, func(a, b match) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Grade), slices.Index(order, b.Grade)), cmp.Compare(b.Score, a.Score), cmp.Compare(a.found.Key.ID, b.found.Key.ID))
	})
	if q.Certain && len(all) > 1 {
		all = nil // more than one is certain: that is a question for a person
	}
	if q.Count <= 0 {
		q.Count = countDefault
	}
	return bundle(all[:min(len(all), q.Count)], q), nil
}

// candidates searches for those who share an identifier, or a birth year and all words of a name but one.
func (s *Service) candidates(ctx context.Context, patient resource.Value, asked Person) (map[fhir.ID]store.Found, error) {
	out := map[fhir.ID]store.Found{}
	collect := func(query url.Values) error {
		query.Set("_count", strconv.Itoa(candidatesMost))
		query.Set("_total", "none")
		page, err := s.interactions.Search(ctx, "Patient", query.Encode(), interaction.SearchOptions{})
		if err != nil {
			return err
		}
		for _, f := range page.Matches {
			out[f.Key.ID] = f
		}
		return nil
	}
	var identifiers []string
	for id := range patient.Get("identifier").Elements() {
		if system, value := id.Get("system").Text(), id.Get("value").Text(); value != "" {
			identifiers = append(identifiers, search.EscapeValue(system)+"|"+search.EscapeValue(value))
		}
	}
	for _, number := range asked.Social { // of a card whose other half was changed
		identifiers = append(identifiers, search.EscapeValue(s.systems.BHXH())+"|"+number, search.EscapeValue(s.systems.BHYT())+"|"+number)
	}
	for _, id := range slices.Compact(identifiers) {
		if err := collect(url.Values{"identifier": {id}}); err != nil {
			return nil, err
		}
	}
	for _, n := range asked.Names {
		for _, words := range mostOf(n.Folded) {
			query := url.Values{}
			if len(asked.Birth) >= 4 {
				query.Set("birthdate", asked.Birth[:4])
			}
			for _, w := range words {
				query.Add("name", search.EscapeValue(w))
			}
			if err := collect(query); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// mostOf gives all words, and of names with three words to six each set without one.
func mostOf(words []string) [][]string {
	all := [][]string{words}
	if len(words) >= 3 && len(words) <= 6 {
		for i := range words {
			all = append(all, slices.Delete(slices.Clone(words), i, i+1))
		}
	}
	return all
}

// Source of the extension: https://hl7.org/fhir/R4/extension-match-grade.html
const gradeExtension = "http://hl7.org/fhir/StructureDefinition/match-grade"

// bundle shows matches; their reasons are told in words beside the grade.
func bundle(all []match, q Question) []byte {
	b := []byte(`{"resourceType":"Bundle","type":"searchset","total":`)
	b = strconv.AppendInt(b, int64(len(all)), 10)
	for i, m := range all {
		if i == 0 {
			b = append(b, `,"entry":[`...)
		} else {
			b = append(b, ',')
		}
		b = resource.AppendJSON(append(b, `{"fullUrl":`...), q.Base+"/"+m.found.Key.String())
		b = m.found.Stored.Append(append(b, `,"resource":`...), m.found.Version, m.found.At)
		extensions := resource.ListOf{resource.ObjectOf{"url", gradeExtension, "valueCode", string(m.Grade)}}
		for _, r := range m.Reasons {
			extensions = append(extensions, resource.ObjectOf{"url", ReasonExtension, "valueCoding", resource.ObjectOf{
				"system", ReasonSystem, "code", string(r), "display", outcome.Text("match-"+string(r), q.Language),
			}})
		}
		b = append(b, `,"search":`...)
		b = resource.AppendJSON(b, resource.ObjectOf{"extension", extensions, "mode", "match",
			"score", resource.Literal(strconv.FormatFloat(m.Score, 'f', 2, 64))})
		b = append(b, '}')
	}
	if len(all) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// Our own extension of Bundle.entry.search, one for each reason of a match, and the system of its codes.
const (
	ReasonExtension = "https://lienthong.example/fhir/StructureDefinition/match-reason"
	ReasonSystem    = "https://lienthong.example/fhir/CodeSystem/match-reason"
)
