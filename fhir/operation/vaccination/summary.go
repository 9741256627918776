package vaccination

import (
	"context"
	"slices"
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Summary is a person with all that is known of the vaccinations.
type Summary struct {
	history.Summary
	Person Person
}

// Summarize gathers the vaccinations of a person as of t (0 = the head): by key, or with an empty one by q.Identifier.
// Without a whole birth date nothing is judged; what was given is there all the same.
func (s *Service) Summarize(ctx context.Context, key fhir.Key, q Query, t fhir.T) (Summary, error) {
	var out Summary
	if q.AssessmentDate.IsZero() {
		q.AssessmentDate = s.today()
	}
	person, err := s.person(ctx, key, q.Identifier, t)
	if err != nil {
		return out, err
	}
	out.Person, out.Schedules, out.Today = person, s.schedules, s.today()
	for _, m := range person.Merged {
		out.Merged = append(out.Merged, m.Key.String())
	}
	screening, err := s.screen(ctx, person, q.Pregnant)
	if err != nil {
		return out, err
	}
	var judged *forecast.Person
	if p, err := history.PersonOf(person.Lead.Doc, q.AssessmentDate); err == nil {
		p.Pregnant = q.Pregnant
		screening.Of(&p, s.schedules, q.AssessmentDate)
		judged = &p
	}
	out.Assessment = history.Assess(s.schedules, judged, screening.Records, q.AssessmentDate)
	for _, doc := range screening.Adverse {
		if a, ok := history.ReadAdverse(doc); ok {
			out.Adverse = append(out.Adverse, a)
		}
	}
	return out, nil
}

// Gather gives a person and all records of doses as of t (0 = the head), not judged. Errors are those of a summary.
func (s *Service) Gather(ctx context.Context, key fhir.Key, t fhir.T) (Person, []history.Record, error) {
	person, err := s.person(ctx, key, "", t)
	if err != nil {
		return person, nil, err
	}
	records, err := s.records(ctx, person)
	return person, records, err
}

// Whole is Gather with what contraindications are looked for in.
func (s *Service) Whole(ctx context.Context, key fhir.Key, t fhir.T) (*Gathered, error) {
	person, err := s.person(ctx, key, "", t)
	if err != nil {
		return nil, err
	}
	screening, err := s.screen(ctx, person, false)
	return &Gathered{Person: person, Records: screening.Records, screening: screening, schedules: s}, err
}

// Summary is $immunization-summary: Parameters (see history.Writer.AppendParameters), or a document if q asks for one, whose full
// URLs begin with base.
func (s *Service) Summary(ctx context.Context, key fhir.Key, q Query, t fhir.T, base string, language outcome.Language) ([]byte, error) {
	sum, err := s.Summarize(ctx, key, q, t)
	if err != nil {
		return nil, err
	}
	w := history.Writer{Language: language, Patient: sum.Person.Lead.Key.String()}
	out := make([]byte, 0, 16<<10)
	if q.Document {
		return resource.AppendJSON(out, w.Document(&sum.Summary, base, sum.stored(), strconv.FormatUint(uint64(sum.Person.T), 10), s.now())), nil
	}
	return w.AppendParameters(out, &sum.Summary), nil
}

// stored are the documents of the person: the Patients, then the leading record of each dose that was given or not given.
func (s *Summary) stored() []history.Entry {
	var out []history.Entry
	for _, r := range slices.Concat([]Resource{s.Person.Lead}, s.Person.Merged) {
		out = append(out, history.Entry{Ref: r.Key.String(), Raw: resource.Literal(r.Doc.Raw())})
	}
	for i := range s.Doses {
		r := s.Doses[i].Leading()
		out = append(out, history.Entry{Ref: r.Ref, Raw: resource.Literal(r.Doc.Raw())})
	}
	return out
}
