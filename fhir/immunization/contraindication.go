package immunization

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed schedules/contraindications.json
var contraindications []byte

// Contraindications are reasons for which a vaccine must not be given, for ever or for the time being, as data. Those of an
// installation hold for the series of every schedule; a schedule file can have more for its own series.
type Contraindications struct {
	ID       string              `json:"id"`
	Version  string              `json:"version"`
	Source   string              `json:"source"`
	Antigens map[string][]string `json:"antigens"` // of a product, by CVX
	Rules    []Contraindication  `json:"contraindications"`
}

// Contraindication is one of them.
type Contraindication struct {
	Code      string `json:"code"` // the coded reason
	TextVi    string `json:"text_vi"`
	TextEn    string `json:"text_en"`
	Lasting   bool   `json:"lasting"`   // false = for the time being
	HoldsFor  string `json:"holdsFor"`  // an age, from the day of what it comes from; "" = as long as that is so
	Pregnancy bool   `json:"pregnancy"` // it holds also of whoever is said to be pregnant, and what it finds says so

	Against Against     `json:"against"`
	When    []Criterion `json:"when"`   // one of them
	Source  string      `json:"source"` // the article
	Assumption

	of *Schedule // whose series it is against; nil = of every one
}

// Against says which series a contraindication is against: those for which one of its members holds.
type Against struct {
	All          bool     `json:"all"`
	Live         string   `json:"live"` // all, parenteral
	Antigens     []string `json:"antigens"`
	Series       []string `json:"series"`
	SameAntigens bool     `json:"sameAntigens"` // those that share an antigen with the product that a reaction was to
}

// Criterion says which resources it comes from.
type Criterion struct {
	In     string   `json:"in"`     // Condition, AllergyIntolerance, AdverseEvent, Immunization
	System string   `json:"system"` // of codes; "" = whatever the code
	Codes  []string `json:"codes"`  // none = every code of the system; one of ICD-10 or ATC stands for what is below it too
	// Severity of an AdverseEvent or of an allergy (severe: high criticality, or a severe reaction); "" = not said.
	Severity []string `json:"severity"`
	History  bool     `json:"history"` // of a Condition: also one that is over
	Assumption
}

// Assumption says what nobody wrote down who could: of which codes somebody may think otherwise, or what holds where no article
// does. An answer that rests on it repeats it.
type Assumption struct {
	Assumed   string `json:"assumed"`    // "" = nothing
	AssumedVi string `json:"assumed_vi"` // "" = as Assumed
}

// hierarchical are the systems in which a code begins as the one above it.
var hierarchical = []string{"http://hl7.org/fhir/sid/icd-10", "http://www.whocc.no/atc"}

// Takes says whether one of the codes, as system|code, is of the criterion.
func (c *Criterion) Takes(codes []string) bool {
	if c.System == "" {
		return true
	}
	for _, code := range codes {
		value, ok := strings.CutPrefix(code, c.System+"|")
		if !ok {
			continue
		}
		if len(c.Codes) == 0 || slices.ContainsFunc(c.Codes, func(want string) bool {
			return value == want || slices.Contains(hierarchical, c.System) && strings.HasPrefix(value, want)
		}) {
			return true
		}
	}
	return false
}

// End is the day from which a contraindication that began on a day no longer holds; zero = there is none.
func (c *Contraindication) End(from time.Time) time.Time {
	if c.HoldsFor == "" || from.IsZero() {
		return time.Time{}
	}
	a, _ := ParseAge(c.HoldsFor) // which Parse has checked
	return a.After(from)
}

// StandardContraindications are those that are built in. The value is shared: read it, do not change it.
var StandardContraindications = sync.OnceValue(func() *Contraindications {
	c, err := ParseContraindications(contraindications)
	if err != nil {
		panic("immunization: the committed contraindications cannot be read: " + err.Error())
	}
	return c
})

// ParseContraindications reads a file of them. A member that it does not know is refused, as in Parse.
func ParseContraindications(raw []byte) (*Contraindications, error) {
	var c Contraindications
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("contraindications: %w", err)
	}
	if c.ID == "" || c.Version == "" {
		return nil, fmt.Errorf("contraindications %q: id and version are needed", c.ID)
	}
	if err := checkContraindications(c.Rules); err != nil {
		return nil, fmt.Errorf("contraindications %s: %w", c.ID, err)
	}
	return &c, nil
}

// mostContraindications bounds what one forecast may cost.
const mostContraindications = 200

func checkContraindications(rules []Contraindication) error {
	if len(rules) > mostContraindications {
		return fmt.Errorf("more than %d contraindications", mostContraindications)
	}
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if r.Code == "" || seen[r.Code] || r.TextVi == "" || r.Source == "" {
			return fmt.Errorf("contraindication %q is not named once, or has no text_vi or source", r.Code)
		}
		seen[r.Code] = true
		if err := r.check(); err != nil {
			return fmt.Errorf("contraindication %s: %w", r.Code, err)
		}
	}
	return nil
}

func (c *Contraindication) check() error {
	if _, err := ParseAge(c.HoldsFor); c.HoldsFor != "" && (err != nil || c.Lasting) {
		return fmt.Errorf("holdsFor %q of one that is lasting, or no age: %w", c.HoldsFor, err)
	}
	a := c.Against
	if !a.All && !a.SameAntigens && a.Live == "" && len(a.Antigens) == 0 && len(a.Series) == 0 || a.Live != "" && a.Live != "all" && a.Live != "parenteral" {
		return fmt.Errorf("it is against nothing, or live is neither all nor parenteral")
	}
	if len(c.When) == 0 && !c.Pregnancy {
		return fmt.Errorf("it comes from nothing")
	}
	for _, w := range c.When {
		switch w.In {
		case "Condition", "AllergyIntolerance", "AdverseEvent", "Immunization":
		default:
			return fmt.Errorf("it comes from %q: not from Condition, AllergyIntolerance, AdverseEvent or Immunization", w.In)
		}
		if w.System == "" && (len(w.Codes) > 0 || len(w.Severity) == 0) {
			return fmt.Errorf("a criterion on %s has codes without a system, or takes everything", w.In)
		}
		for _, s := range w.Severity {
			if s != "" && s != "mild" && s != "moderate" && s != "severe" {
				return fmt.Errorf("severity %q", s)
			}
		}
	}
	return nil
}

// Contraindications are those that can come up, in the order of their files.
func (s *Set) Contraindications() []*Contraindication { return s.contraindications }

// Contraindicated says whether a contraindication is against a series of a schedule. products are the CVX codes of what a
// reaction was to.
func (s *Set) Contraindicated(c *Contraindication, schedule *Schedule, series *Series, products []string) bool {
	if c.of != nil && c.of != schedule {
		return false
	}
	a := &c.Against
	switch {
	case a.All, slices.Contains(a.Series, series.Name), a.Live == "all" && series.Live, a.Live == "parenteral" && series.Live && !series.Oral:
		return true
	}
	usual := series.CVX[0] // the products that also count may have more in them
	if a.SameAntigens && slices.Contains(products, usual) {
		return true
	}
	return slices.ContainsFunc(s.antigens[usual], func(antigen string) bool {
		return slices.Contains(a.Antigens, antigen) || a.SameAntigens && slices.ContainsFunc(products, func(p string) bool { return slices.Contains(s.antigens[p], antigen) })
	})
}

// Antigens gives what is in a product; nil if that is not known.
func (s *Set) Antigens(cvx string) []string { return s.antigens[cvx] }
