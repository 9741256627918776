package cases

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Method names how a sample is drawn; a change of the method is another name. In words (docs/auditor.md has them too):
//
//  1. The population is the claims that the filter names, each known by MA_CSKCB and MA_LK.
//  2. A claim's stratum is the values of the dimensions asked for, in the order asked for, joined by "|".
//  3. N claims in all, N(h) in stratum h, n to draw (all, if n >= N). Stratum h gets floor(n*N(h)/N); what is left over goes, one
//     each, to the strata with the largest remainder of n*N(h) divided by N, of equal ones to the name that sorts first (bytes).
//  4. In a stratum the claims are ordered by the SHA-256, as lower-case hex, of seed|MA_CSKCB|MA_LK in UTF-8. The first n(h)
//     of the order are the sample.
const Method = "lienthong-sample/1"

// Dimension is what strata are made by.
type Dimension string

// Dimensions.
const (
	ByFacility   Dimension = "facility"   // MA_CSKCB
	ByState      Dimension = "state"      //
	ByAssessment Dimension = "assessment" // approved, partly, denied; - before
	ByMonth      Dimension = "month"      // of discharge: 2026-03; - if not known
	ByAmount     Dimension = "amount"     // class of what is asked of the fund, see amountClasses; - if not known
)

// Dimensions are all of them.
var Dimensions = []Dimension{ByFacility, ByState, ByAssessment, ByMonth, ByAmount}

// amountClasses are the lower bounds in VND of the classes of ByAmount; the class is named by its bound.
var amountClasses = []string{"0", "200000", "1000000", "5000000", "20000000"}

// Draw says which sample is wanted.
type Draw struct {
	Seed    string
	Size    int
	By      []Dimension // in this order; none: one stratum, named ""
	Members bool        // list the whole population too
}

// Sample is a sample, with all that is needed to draw it again.
type Sample struct {
	Method     string      `json:"method"`
	Seed       string      `json:"seed"`
	By         []Dimension `json:"by"`
	Filter     string      `json:"filter"` // as it was asked for
	At         time.Time   `json:"at"`     // states change: so was the population then
	Population int         `json:"population"`
	// PopulationSHA256 is of the lines MA_CSKCB|MA_LK|stratum of all members, sorted, each with a line feed.
	PopulationSHA256 string    `json:"populationSha256"`
	Strata           []Stratum `json:"strata"` // sorted by name
	Cases            []Drawn   `json:"cases"`  // by stratum, then by rank
	Members          []Member  `json:"members,omitempty"`
}

// Stratum is one of the strata.
type Stratum struct {
	Name       string `json:"name"`
	Population int    `json:"population"`
	Sample     int    `json:"sample"`
}

// Drawn is a claim of the sample.
type Drawn struct {
	Stratum string `json:"stratum"`
	Rank    int    `json:"rank"` // in the stratum, from 1
	SHA256  string `json:"sha256"`
	Row
}

// Member is a claim of the population.
type Member struct {
	MaCSKCB string `json:"maCSKCB"`
	MaLK    string `json:"maLK"`
	Stratum string `json:"stratum"`
}

func (m Member) line() string { return m.MaCSKCB + "|" + m.MaLK + "|" + m.Stratum + "\n" }

// maxPopulation bounds what a sample is drawn from, MaxSample what is drawn.
const (
	maxPopulation = 500_000
	MaxSample     = 5_000
)

// Sample draws a sample of the claims that the filter wants and the caller may see. The same seed, filter and state of the
// claims give the same sample, whoever draws it. Kind TooCostly, code "case-population", if there are too many.
func (s *Service) Sample(ctx context.Context, f Filter, d Draw) (Sample, error) {
	out := Sample{Method: Method, Seed: d.Seed, By: append([]Dimension{}, d.By...), At: s.Now().UTC(), Strata: []Stratum{}, Cases: []Drawn{}}
	rows := map[string][]Row{}
	var members []Member
	looking := quietly(ctx)
	if d.Members {
		looking = ctx // they are shown
	}
	for it, err := range s.Outbox.Newest(ctx, "", f.states()...) {
		if err != nil {
			return out, err
		}
		if !f.item(it, out.At) {
			continue
		}
		docs, ok, err := s.read(looking, it)
		if err != nil {
			return out, err
		}
		if !ok {
			continue
		}
		row, _, _ := s.row(it, docs)
		if !f.row(row) {
			continue
		}
		if len(members) == maxPopulation {
			return out, fhir.Errorf(fhir.TooCostly, "case-population", "", maxPopulation)
		}
		m := Member{row.MaCSKCB, row.MaLK, stratum(row, d.By)}
		members = append(members, m)
		rows[m.Stratum] = append(rows[m.Stratum], row)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.line(), b.line()) })
	digest := sha256.New()
	for _, m := range members {
		digest.Write([]byte(m.line()))
	}
	out.Population, out.PopulationSHA256 = len(members), hex.EncodeToString(digest.Sum(nil))
	if d.Members {
		out.Members = members
	}
	out.Strata = allocate(rows, len(members), d.Size)
	for _, h := range out.Strata {
		for rank, one := range ordered(d.Seed, rows[h.Name])[:h.Sample] {
			one.Stratum, one.Rank = h.Name, rank+1
			out.Cases = append(out.Cases, one)
		}
	}
	for _, one := range out.Cases { // these are shown
		if _, err := s.Store.ReadVersion(ctx, fhir.Key{Type: "Claim", ID: one.ID()}, fhir.Version(one.Version)); err != nil && !absent(err) {
			return out, err
		}
	}
	return out, nil
}

// stratum names the stratum of a claim.
func stratum(r Row, by []Dimension) string {
	var parts []string
	for _, d := range by {
		v := ""
		switch d {
		case ByFacility:
			v = r.MaCSKCB
		case ByState:
			v = string(r.State)
		case ByAssessment:
			v = string(r.Assessment)
		case ByMonth:
			v = r.Discharged[:min(len("2026-03"), len(r.Discharged))]
		case ByAmount:
			if has, ok := amount(r.Requested); ok {
				for _, class := range amountClasses {
					if low, _ := amount(class); has.Cmp(&low) >= 0 {
						v = class
					}
				}
			}
		}
		parts = append(parts, cmp.Or(v, "-"))
	}
	return strings.Join(parts, "|")
}

// allocate gives the strata by name with the number to draw of each: step 3 of the method.
func allocate(rows map[string][]Row, population, size int) []Stratum {
	size = min(size, population)
	out := []Stratum{}
	left := size
	for name, r := range rows {
		h := Stratum{name, len(r), size * len(r) / population}
		left -= h.Sample
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Stratum) int { return strings.Compare(a.Name, b.Name) })
	byRemainder := make([]int, len(out))
	for i := range out {
		byRemainder[i] = i
	}
	slices.SortStableFunc(byRemainder, func(a, b int) int {
		return size*out[b].Population%population - size*out[a].Population%population
	})
	for _, i := range byRemainder[:left] {
		out[i].Sample++
	}
	return out
}

// ordered gives the claims of a stratum in the order of step 4.
func ordered(seed string, rows []Row) []Drawn {
	out := make([]Drawn, len(rows))
	for i, r := range rows {
		out[i] = Drawn{SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(seed+"|"+r.MaCSKCB+"|"+r.MaLK))), Row: r}
	}
	slices.SortFunc(out, func(a, b Drawn) int { return strings.Compare(a.SHA256, b.SHA256) })
	return out
}

// ParseDraw reads seed, size and by (dimensions separated by commas), and members=true, from a query, and leaves out of it what
// it has read. Kind Invalid, code "case-value", says which is missing or cannot be read.
func ParseDraw(q url.Values) (d Draw, err error) {
	if d.Seed = q.Get("seed"); d.Seed == "" || len(d.Seed) > maxSeed {
		return d, unread("seed")
	}
	if d.Size, err = strconv.Atoi(q.Get("size")); err != nil || d.Size < 1 || d.Size > MaxSample {
		return d, unread("size")
	}
	for _, v := range q["by"] {
		for one := range strings.SplitSeq(v, ",") {
			if !slices.Contains(Dimensions, Dimension(one)) || slices.Contains(d.By, Dimension(one)) {
				return d, unread("by")
			}
			d.By = append(d.By, Dimension(one))
		}
	}
	switch q.Get("members") {
	case "", "false":
	case "true":
		d.Members = true
	default:
		return d, unread("members")
	}
	for _, name := range []string{"seed", "size", "by", "members"} {
		delete(q, name)
	}
	return d, nil
}
