package operation

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// LastN gives the last observations of each kind: those that the search parameters find, in groups of one code, of each
// group the max most recent ones and those that are as recent as the last of these. The groups are in the order of their
// most recent observation.
//
// Observations are of one group when they share a coding (system and code), directly or through others that have several;
// one without codings goes by the text of its code. The parameters are those of a search for Observation; they must name
// a patient or subject, and a category or a code. at is the commit to read as of, 0 = the head.
//
// Errors: those of a search; "lastn-incomplete"; TooCostly, code "lastn-too-many", for more than Limits.MaxIncluded matches.
// Source: https://hl7.org/fhir/R4/observation-operation-lastn.html
func (s *Service) LastN(ctx context.Context, params []search.Parameter, most int, at fhir.T) ([]store.Found, error) {
	if err := complete(params); err != nil {
		return nil, err
	}
	limits := s.interactions.Limits()
	params = append(slices.Clone(params), search.Parameter{Name: "_sort", Value: "-date"},
		search.Parameter{Name: "_count", Value: strconv.Itoa(limits.MaxCount)}, search.Parameter{Name: "_total", Value: "none"})
	g := groups{of: map[string]int{}}
	o := interaction.SearchOptions{AsOf: at}
	for {
		page, err := s.interactions.SearchParams(ctx, "Observation", params, o)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Matches {
			if err := g.add(f); err != nil {
				return nil, err
			}
		}
		if len(g.found) > limits.MaxIncluded {
			return nil, fhir.Errorf(fhir.TooCostly, "lastn-too-many", "", limits.MaxIncluded)
		}
		if page.Next == nil {
			return g.last(most), nil
		}
		o.AsOf, o.After = page.AsOf, page.Next
	}
}

// complete checks that the parameters say whose observations, and which.
func complete(params []search.Parameter) error {
	whose, which := false, false
	for _, p := range params {
		whose = whose || p.Name == "patient" || p.Name == "subject"
		which = which || p.Name == "category" || strings.Contains(p.Name, "code")
		switch p.Name {
		case "_sort", "_count", "_include", "_revinclude", "_total", "_page", "_contained", "_containedType":
			return fhir.Errorf(fhir.Invalid, "lastn-parameter", "http."+p.Name, p.Name)
		}
	}
	if !whose || !which {
		return fhir.Errorf(fhir.Invalid, "lastn-incomplete", "")
	}
	return nil
}

// groups are observations that share codings.
type groups struct {
	found  []observation
	of     map[string]int // group by the text of a coding
	parent []int          // of a group: the one that it was found to be the same as, or itself
}

type observation struct {
	found store.Found
	group int
	when  search.Interval
	dated bool
}

// add puts an observation into its group.
func (g *groups) add(f store.Found) error {
	doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
	if err != nil {
		return err
	}
	v := doc.Root()
	group := -1
	for _, key := range codeKeys(v.Get("code")) {
		there, known := g.of[key]
		switch {
		case known && group < 0:
			group = g.root(there)
		case known:
			g.parent[g.root(there)] = group
		case group < 0:
			group = len(g.parent)
			g.parent = append(g.parent, group)
			fallthrough
		default:
			g.of[key] = group
		}
	}
	o := observation{found: f, group: group}
	o.when, o.dated = effective(v)
	g.found = append(g.found, o)
	return nil
}

func (g *groups) root(i int) int {
	for g.parent[i] != i {
		i = g.parent[i]
	}
	return i
}

// codeKeys gives what a code is known by; there is always one.
func codeKeys(code resource.Value) []string {
	var keys []string
	for c := range code.Get("coding").Elements() {
		if c.Get("code").Text() != "" {
			keys = append(keys, c.Get("system").Text()+"|"+c.Get("code").Text())
		}
	}
	if keys == nil {
		keys = append(keys, "\x00"+code.Get("text").Text())
	}
	return keys
}

// effective gives the time of an observation; ok is false if it says none, or several.
func effective(v resource.Value) (search.Interval, bool) {
	for _, name := range []string{"effectiveDateTime", "effectiveInstant"} {
		if t := v.Get(name); t.Kind() == resource.String {
			return search.ParseInterval(t.Text())
		}
	}
	p := v.Get("effectivePeriod")
	if p.Kind() != resource.Object {
		return search.Interval{}, false
	}
	iv := search.Interval{Start: search.NoStart, End: search.NoEnd}
	if start, ok := search.ParseInterval(p.Get("start").Text()); ok {
		iv.Start = start.Start
	}
	if end, ok := search.ParseInterval(p.Get("end").Text()); ok {
		iv.End = end.End
	}
	return iv, true
}

// last gives the last ones of each group; they were added most recent first.
func (g *groups) last(most int) []store.Found {
	var order []int
	taken := map[int][]observation{}
	for _, o := range g.found {
		group := g.root(o.group)
		have := taken[group]
		if n := len(have); n == 0 {
			order = append(order, group)
		} else if n >= most && !(o.dated && have[n-1].dated && o.when == have[n-1].when) {
			continue
		}
		taken[group] = append(have, o)
	}
	var out []store.Found
	for _, group := range order {
		for _, o := range taken[group] {
			out = append(out, o.found)
		}
	}
	return out
}
