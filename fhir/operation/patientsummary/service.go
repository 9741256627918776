package patientsummary

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Service makes summaries. It has no state and is safe for concurrent use.
type Service struct {
	Interactions *interaction.Service
	Vaccinations *vaccination.Service
	Now          func() time.Time // nil = time.Now
}

// Bounds of one summary.
const (
	mostOfType     = 500 // resources of a type that are looked at; beyond, the summary is refused
	mostResults    = 100 // results that are shown, the newest
	mostSupporting = 200 // resources that only others refer to
)

// entry is one stored resource of the document.
type entry struct {
	key fhir.Key
	doc resource.Value
	on  string // when it was, for the order and for the narrative
}

// part is one section before it is written.
type part struct {
	code, display, vi, en string
	required              bool
	entries               []entry
	cut                   bool // there are more
}

// The resources of each section, and which of them are shown.
var parts = []struct {
	part
	types []fhir.Type
	shows func(doc resource.Value) bool
}{
	{part{code: "10160-0", display: "History of Medication use Narrative", vi: "Thuốc đang dùng", en: "Medication summary", required: true},
		[]fhir.Type{"MedicationStatement", "MedicationRequest"}, inUse},
	{part{code: "48765-2", display: "Allergies and adverse reactions Document", vi: "Dị ứng", en: "Allergies and intolerances", required: true},
		[]fhir.Type{"AllergyIntolerance"}, func(d resource.Value) bool { return stands(d) && !over(d) }},
	{part{code: "11450-4", display: "Problem list - Reported", vi: "Vấn đề sức khỏe", en: "Problems", required: true},
		[]fhir.Type{"Condition"}, func(d resource.Value) bool { return stands(d) && !over(d) }},
	{part{code: immunizations, display: "History of Immunization note", vi: "Tiêm chủng", en: "Immunizations"}, nil, nil},
	{part{code: results, display: "Relevant diagnostic tests/laboratory data note", vi: "Kết quả xét nghiệm, chẩn đoán", en: "Diagnostic results"},
		[]fhir.Type{"Observation", "DiagnosticReport"}, isResult},
	{part{code: "47519-4", display: "History of Procedures Document", vi: "Thủ thuật, phẫu thuật", en: "Procedures"},
		[]fhir.Type{"Procedure"}, func(d resource.Value) bool {
			s := d.Get("status").Text()
			return s == "completed" || s == "in-progress"
		}},
	{part{code: "11348-0", display: "History of Past illness note", vi: "Bệnh đã qua", en: "Past illness"},
		[]fhir.Type{"Condition"}, func(d resource.Value) bool { return stands(d) && over(d) }},
}

// LOINC codes of sections that are treated apart.
const (
	immunizations = "11369-6"
	results       = "30954-2"
)

// stands says that a Condition or an allergy was neither refuted nor entered in error.
func stands(doc resource.Value) bool {
	s := code(doc.Get("verificationStatus"))
	return s != "refuted" && s != "entered-in-error"
}

// over says that a Condition or an allergy is no longer so.
func over(doc resource.Value) bool {
	s := code(doc.Get("clinicalStatus"))
	return s == "inactive" || s == "remission" || s == "resolved"
}

func inUse(doc resource.Value) bool {
	switch doc.Get("status").Text() {
	case "active", "unknown", "intended", "on-hold":
		return doc.Get("doNotPerform").Text() != "true"
	}
	return false
}

func isResult(doc resource.Value) bool {
	switch doc.Get("status").Text() {
	case "final", "amended", "corrected", "preliminary", "partial":
	default:
		return false
	}
	if doc.ResourceType() == "DiagnosticReport" {
		return true
	}
	for c := range doc.Get("category").Elements() {
		if s := code(c); s == "laboratory" || s == "imaging" || s == "procedure" || s == "exam" {
			return true
		}
	}
	return false
}

// gather reads the sections of a person as of p.T, and what their resources refer to.
func (s *Service) gather(ctx context.Context, p vaccination.Person, doses []entry) (all []part, supporting []entry, err error) {
	var of []string
	for _, k := range p.Keys() {
		of = append(of, k.String())
	}
	read := map[fhir.Type][]entry{}
	for _, want := range parts {
		out := want.part
		if want.code == immunizations {
			out.entries = doses
		}
		for _, t := range want.types {
			have, done := read[t]
			if !done {
				if have, err = s.find(ctx, t, strings.Join(of, ","), p.T); err != nil {
					return nil, nil, err
				}
				read[t] = have
			}
			for _, e := range have {
				if want.shows(e.doc) {
					out.entries = append(out.entries, e)
				}
			}
		}
		if want.code != immunizations { // those are in the order of the doses
			slices.SortStableFunc(out.entries, func(a, b entry) int {
				return cmp.Or(cmp.Compare(b.on, a.on), cmp.Compare(a.key.Type, b.key.Type), cmp.Compare(a.key.ID, b.key.ID))
			})
		}
		if out.code == results && len(out.entries) > mostResults {
			out.entries, out.cut = out.entries[:mostResults], true
		}
		all = append(all, out)
	}
	supporting, err = s.supporting(ctx, p, all)
	return all, supporting, err
}

// find gives the resources of a type that belong to the person; none of a type that the caller may never see.
func (s *Service) find(ctx context.Context, t fhir.Type, patients string, at fhir.T) ([]entry, error) {
	if !store.FenceOf(ctx).Finds(t) {
		return nil, nil
	}
	page, err := s.Interactions.Search(ctx, t, "patient="+patients+"&_total=none&_count=1000", interaction.SearchOptions{AsOf: at})
	if err != nil {
		return nil, err
	}
	if page.Next != nil || len(page.Matches) > mostOfType {
		return nil, fhir.Errorf(fhir.TooCostly, "vaccination-too-many", "", string(t), mostOfType)
	}
	var all []entry
	for _, f := range page.Matches {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{key: f.Key, doc: doc.Root(), on: when(doc.Root())})
	}
	return all, nil
}

// when is the date that says most about when something was, as sent.
func when(doc resource.Value) string {
	for _, path := range [][2]string{{"effectiveDateTime"}, {"effectivePeriod", "start"}, {"onsetDateTime"}, {"onsetPeriod", "start"},
		{"performedDateTime"}, {"performedPeriod", "start"}, {"authoredOn"}, {"recordedDate"}, {"dateAsserted"}, {"issued"}} {
		v := doc.Get(path[0])
		if path[1] != "" {
			v = v.Get(path[1])
		}
		if t := v.Text(); t != "" {
			return t
		}
	}
	return ""
}

// follows are the types that a document takes along where one of its resources refers to them: nothing that is about another person.
var follows = []fhir.Type{"Medication", "Organization", "Practitioner", "PractitionerRole", "Location", "Substance"}

// supporting reads what the resources of the document refer to, and what that refers to, in the order in which it is met. What
// is not there, or the caller may not see, is left out: then the reference leads out of the document.
func (s *Service) supporting(ctx context.Context, p vaccination.Person, all []part) (out []entry, err error) {
	waiting := []resource.Value{p.Lead.Doc}
	for _, part := range all {
		for _, e := range part.entries {
			waiting = append(waiting, e.doc)
		}
	}
	seen := map[fhir.Key]bool{}
	for len(waiting) > 0 {
		doc := waiting[0]
		waiting = waiting[1:]
		for ref := range references(doc) {
			k := fhir.ParseReference(ref.Text()).Key
			if !slices.Contains(follows, k.Type) || k.ID == "" || strings.Contains(ref.Text(), "://") || seen[k] || len(out) == mostSupporting {
				continue
			}
			seen[k] = true
			f, err := s.Interactions.Store().Read(ctx, k, p.T)
			if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied) {
				continue
			} else if err != nil {
				return nil, err
			}
			d, err := resource.New(f.Stored.Body)
			if err != nil {
				return nil, err
			}
			out = append(out, entry{key: k, doc: d.Root()})
			waiting = append(waiting, d.Root())
		}
	}
	return out, nil
}

// references gives the texts of all references in a document.
func references(v resource.Value) func(yield func(resource.Value) bool) {
	var walk func(v resource.Value, yield func(resource.Value) bool) bool
	walk = func(v resource.Value, yield func(resource.Value) bool) bool {
		for m := v.First(); m.Kind() != resource.None; m = m.Next() {
			switch m.Kind() {
			case resource.Object, resource.Array:
				if !walk(m, yield) {
					return false
				}
			case resource.String:
				if m.Name() == "reference" && !yield(m) {
					return false
				}
			}
		}
		return true
	}
	return func(yield func(resource.Value) bool) { walk(v, yield) }
}

func code(concept resource.Value) string { return concept.Get("coding").At(0).Get("code").Text() }
