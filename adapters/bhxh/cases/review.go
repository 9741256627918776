package cases

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Outcome is what a review of a claim came to.
type Outcome string

// Outcomes of a review.
const (
	Agreed         Outcome = "agreed"           // claim and assessment are right
	ClaimWrong     Outcome = "claim-wrong"      // the facility claimed what was not due
	AssessmentBad  Outcome = "assessment-wrong" // the assessment cut or paid wrongly
	NeedsDocuments Outcome = "needs-documents"  // cannot be decided by what is there
)

// Outcomes are all of them.
var Outcomes = []Outcome{Agreed, ClaimWrong, AssessmentBad, NeedsDocuments}

// In is the outcome in words.
func (o Outcome) In(l outcome.Language) string { return wording.Of(reviewSystem, string(o), l) }

// Review is the outcome of a review, with the note.
type Review struct {
	Reference string    `json:"reference,omitempty"` // Task/id
	Outcome   Outcome   `json:"outcome"`
	Note      string    `json:"note"`
	Who       string    `json:"who"`
	At        time.Time `json:"at"`
	Version   uint64    `json:"version"`          // of the Claim that was reviewed
	Sample    string    `json:"sample,omitempty"` // seed of the sample that the claim was drawn in
}

const (
	reviewCode   = "claim-review"
	maxNote      = 10_000
	maxSeed      = 200
	codeSystems  = "/fhir/CodeSystem/"
	reviewSystem = "claim-review"
)

// Review records the outcome of a review of a claim that the caller may see; who did it is the caller. It cannot be changed
// or taken back: a later one stands beside it. Errors: Kind NotFound as for Show; Unprocessable "case-review" names what is
// missing or wrong.
func (s *Service) Review(ctx context.Context, claim fhir.ID, r Review) (*resource.Document, error) {
	key := fhir.Key{Type: "Claim", ID: claim}
	f, err := s.Store.Read(quietly(ctx), key, 0)
	if err != nil && !gone(err) {
		return nil, err
	}
	r.Note = strings.TrimSpace(r.Note)
	switch {
	case !slices.Contains(Outcomes, r.Outcome):
		return nil, fhir.Errorf(fhir.Unprocessable, "case-review", "", "outcome")
	case r.Note == "" || len(r.Note) > maxNote:
		return nil, fhir.Errorf(fhir.Unprocessable, "case-review", "", "note")
	case len(r.Sample) > maxSeed:
		return nil, fhir.Errorf(fhir.Unprocessable, "case-review", "", "sample")
	}
	who := strings.TrimSpace(r.Who)
	if c, ok := access.CallerOf(ctx); ok {
		who = c.Subject
	}
	if who == "" {
		return nil, fhir.Errorf(fhir.Unprocessable, "case-review", "", "who")
	}
	r.Who, r.At, r.Version = who, s.Now().UTC(), uint64(f.Version)
	doc, err := resource.New(resource.AppendJSON(nil, s.task(key, r)))
	if err != nil {
		return nil, err
	}
	id, _ := doc.Root().ID()
	_, err = s.Interactions.Apply(ctx, interaction.WriteSet{
		Docs: []*resource.Document{doc}, IfVersion: map[fhir.Key]fhir.Version{{Type: "Task", ID: fhir.ID(id)}: 0},
	})
	if err != nil {
		return nil, err
	}
	found, err := s.Store.Read(store.Ourselves(ctx), fhir.Key{Type: "Task", ID: fhir.ID(id)}, 0)
	if err != nil {
		return nil, err
	}
	return document(found)
}

// base is the root of our code systems.
func (s *Service) base() string { return strings.TrimSuffix(s.Systems.CodeSystem(""), codeSystems) }

func (s *Service) concept(system, code, text string) resource.ObjectOf {
	return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", s.base() + codeSystems + system, "code", code}}, "text", text}
}

func (s *Service) task(claim fhir.Key, r Review) resource.ObjectOf {
	type object = resource.ObjectOf
	input := resource.ListOf{object{"type", object{"text", "claim-version"}, "valueString", fhir.Version(r.Version).String()}}
	if r.Sample != "" {
		input = append(input, object{"type", object{"text", "sample"}, "valueString", r.Sample})
	}
	at := r.At.Format(time.RFC3339)
	return object{
		"resourceType", "Task", "id", "claim-review-" + uuid.Must(uuid.NewV7()).String(),
		"basedOn", resource.ListOf{object{"reference", claim.String()}},
		"status", "completed", "businessStatus", s.concept(reviewSystem, string(r.Outcome), r.Outcome.In(outcome.Vietnamese)),
		"intent", "order", "code", s.concept(reviewSystem, reviewCode, wording.Of(reviewSystem, reviewCode, outcome.Vietnamese)),
		"authoredOn", at, "lastModified", at,
		"requester", object{"display", r.Who},
		"note", resource.ListOf{object{"authorString", r.Who, "time", at, "text", r.Note}},
		"input", input,
	}
}

// reviews are those of a claim, oldest first.
func (s *Service) reviews(ctx context.Context, claim fhir.Key) ([]Review, []*resource.Document, error) {
	docs, err := s.found(ctx, "Task", "based-on="+claim.String()+"&code="+reviewCode+"&_sort=authored-on&_count=100")
	out := []Review{}
	for _, d := range docs {
		v := d.Root()
		id, _ := v.ID()
		r := Review{
			Reference: "Task/" + id, Outcome: Outcome(v.Get("businessStatus").Get("coding").At(0).Get("code").Text()),
			Note: v.Get("note").At(0).Get("text").Text(), Who: v.Get("note").At(0).Get("authorString").Text(), // a mask leaves no display
		}
		r.At, _ = time.Parse(time.RFC3339, v.Get("authoredOn").Text())
		for in := range v.Get("input").Elements() {
			switch in.Get("type").Get("text").Text() {
			case "claim-version":
				n, _ := fhir.ParseVersion(in.Get("valueString").Text())
				r.Version = uint64(n)
			case "sample":
				r.Sample = in.Get("valueString").Text()
			}
		}
		out = append(out, r)
	}
	return out, docs, err
}
