package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/store"
)

// CoverageQuery says what is to be counted together.
type CoverageQuery struct {
	Communes   []string // keys or names; none = all
	From, To   int      // years of birth
	Series     []string // none = all that are for everybody
	ByCommune  bool
	ByCohort   bool
	AtMostRows int // of the answer; 0 = no bound
}

// Coverage is what came out.
type Coverage struct {
	AsOf
	From, To int
	// Exact says that the numbers are as they are. Else each is rounded for itself, see Number.
	Exact  bool
	Groups []Group
	series []*immunization.Series
}

// Group is the persons of one commune, of one year of birth, or of several.
type Group struct {
	Commune, Name string // "" = all that were asked for
	Cohort        string // "" likewise
	People        Number
	Unknown       Number // who could not be judged; not among People
	Doses         []DoseCount
	DropOuts      []DropOut
}

// DoseCount is how many have a dose of a series.
type DoseCount struct {
	Series *immunization.Series
	Number int
	Given  Number // a valid dose of this number
	Timely Number // and in time: before it was overdue by age
	Last   bool   // of its series; the states are given there
	Due    Number // whose next dose of the series, whichever it is, is due
	Overdue, Contraindicated,
	Immune Number
	// Growing says that the youngest of the group are not old enough for the dose to be recommended: coverage is still to come.
	Growing bool
}

// DropOut is how many had a dose and not a later one.
type DropOut struct {
	Series   *immunization.Series // of the first one
	From, To int
	Then     *immunization.Series // of the later one
	Had      Number
	Kept     Number
	// Growing says that the youngest are not old enough for the later dose: who has not had it has not dropped out.
	Growing bool
}

// Number is a count of persons. Where it is not exact, one from 1 to 4 is not told, and others are rounded to the next
// multiple of 5, each for itself: sums and differences of what is told then say nothing about a single person.
type Number struct {
	N      int
	Hidden bool // from 1 to 4
}

// smallest is the smallest number of persons that is told to who may not know who they are.
const smallest = 5

func number(n int, exact bool) Number {
	switch {
	case exact || n == 0:
		return Number{N: n}
	case n < smallest:
		return Number{Hidden: true}
	}
	return Number{N: (n + 2) / 5 * 5}
}

// String is the number as people read it.
func (n Number) String() string {
	if n.Hidden {
		return "<5"
	}
	return strconv.Itoa(n.N)
}

// Percent is what part of whole the number is, with one decimal; "" where that is not told or there is no whole.
func (n Number) Percent(whole Number) string {
	if n.Hidden || whole.Hidden || whole.N == 0 {
		return ""
	}
	tenths := min(1000, (n.N*1000+whole.N/2)/whole.N) // rounded numbers can be more than their whole
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
}

// Lost is the drop-out rate in percent; "" where it is not told.
func (d DropOut) Lost() string {
	if d.Had.Hidden || d.Kept.Hidden || d.Had.N == 0 {
		return ""
	}
	return Number{N: max(0, d.Had.N-d.Kept.N)}.Percent(d.Had)
}

// Coverage sums up what is kept. exact says whether the caller may know small numbers.
// Errors: Kind Unavailable, code "registry-building"; Kind TooCostly, code "registry-too-many"; Kind NotFound, code
// "registry-commune" for one that nobody lives in: a misspelt name must not read as a commune without children.
func (r *Registry) Coverage(ctx context.Context, q CoverageQuery, exact bool) (*Coverage, error) {
	as, err := r.Settle(ctx)
	if err != nil {
		return nil, err
	}
	ctx = store.Ourselves(ctx)
	day, err := time.Parse(time.DateOnly, as.Day)
	if err != nil {
		return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	out := &Coverage{AsOf: as, From: q.From, To: q.To, Exact: exact, series: r.series(day, q.Series)}
	names, err := r.names(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[[2]string]*tally{}
	if !q.ByCommune && !q.ByCohort {
		sums[[2]string{}] = &tally{}
	}
	spans, err := spans(q.Communes, names)
	if err != nil {
		return nil, err
	}
	for _, span := range spans {
		for rec, err := range r.Store.Records(ctx, Space, span[0], span[1]) {
			if err != nil {
				return nil, err
			}
			p := parts(rec.Key)
			if year, err := strconv.Atoi(p[2]); err != nil && p[2] != "" || year < q.From && p[2] != "" || year > q.To {
				continue
			}
			var t tally
			if err := json.Unmarshal(rec.Value, &t); err != nil {
				return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
			}
			var at [2]string
			if q.ByCommune {
				at[0] = p[1]
			}
			if q.ByCohort {
				at[1] = p[2]
			}
			if sums[at] == nil {
				sums[at] = &tally{}
			}
			sums[at].plus(&t)
		}
	}
	for at, t := range sums {
		out.Groups = append(out.Groups, out.group(at, names[at[0]], t, day))
	}
	if n := len(out.Groups) * len(out.series); q.AtMostRows > 0 && n > q.AtMostRows {
		return nil, fhir.Errorf(fhir.TooCostly, "registry-too-many", "", q.AtMostRows)
	}
	slices.SortFunc(out.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Commune, b.Commune), cmp.Compare(a.Cohort, b.Cohort))
	})
	return out, nil
}

// spans are the keys in which the tallies of these communes lie, each named by its key or by its name.
func spans(communes []string, names map[string]string) (all [][2]string, err error) {
	if len(communes) == 0 {
		return [][2]string{{key("c"), end("c")}}, nil
	}
	seen := map[string]bool{}
	for _, c := range communes {
		keys := keysOf(c, names)
		if len(keys) == 0 {
			return nil, fhir.Errorf(fhir.NotFound, "registry-commune", "http.commune")
		}
		for _, k := range keys {
			if !seen[k] {
				seen[k] = true
				all = append(all, [2]string{key("c", k) + separator, end("c", k)})
			}
		}
	}
	return all, nil
}

// keysOf are the communes that somebody means by a key, by a name, or by a name without the province.
func keysOf(asked string, names map[string]string) []string {
	if _, ok := names[asked]; ok || asked == "" {
		return []string{asked}
	}
	want := communeKey(asked)
	var all []string
	for k, name := range names {
		full := communeKey(name)
		if k == want || full == want || strings.HasPrefix(full, want+", ") {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

// names are the names of the communes by their keys.
func (r *Registry) names(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	for rec, err := range r.Store.Records(ctx, Space, key("n"), end("n")) {
		if err != nil {
			return nil, err
		}
		names[parts(rec.Key)[1]] = string(rec.Value)
	}
	return names, nil
}

// series are those of the schedules that hold on a day: those asked for, else those that are for everybody.
func (r *Registry) series(day time.Time, asked []string) (all []*immunization.Series) {
	in, _ := r.Schedules.On(day)
	for _, schedule := range in {
		for i := range schedule.Series {
			s := &schedule.Series[i]
			if len(asked) == 0 && s.Population == "" || slices.Contains(asked, s.Name) {
				all = append(all, s)
			}
		}
	}
	return all
}

// Knows says whether a series of this name is in force.
func (r *Registry) Knows(series string) bool { return len(r.series(r.today(), []string{series})) > 0 }

// group words a sum.
func (c *Coverage) group(at [2]string, name string, t *tally, day time.Time) Group {
	num := func(n int) Number { return number(n, c.Exact) }
	g := Group{Commune: at[0], Name: name, Cohort: at[1], People: num(t.People), Unknown: num(t.Unknown)}
	youngest := c.To
	if year, err := strconv.Atoi(at[1]); err == nil {
		youngest = year
	}
	growing := func(d *immunization.Dose) bool {
		return d.Recommended != nil && d.Recommended.After(time.Date(youngest, 12, 31, 0, 0, 0, 0, time.UTC)).After(day)
	}
	for _, s := range c.series {
		n := t.Series[s.Name]
		for i := range s.Doses {
			d := DoseCount{Series: s, Number: i + 1, Given: num(n.given(i + 1)), Timely: num(n.timely(i + 1)), Last: i == len(s.Doses)-1}
			if d.Last {
				d.Due, d.Overdue = num(n.state("due")), num(n.state("overdue"))
				d.Contraindicated, d.Immune = num(n.state("contraindicated")), num(n.state("immune"))
			}
			d.Growing = growing(&s.Doses[i])
			g.Doses = append(g.Doses, d)
		}
		if last := len(s.Doses); last > 1 {
			g.DropOuts = append(g.DropOuts, DropOut{Series: s, From: 1, Then: s, To: last, Had: num(n.given(1)), Kept: num(n.given(last)), Growing: growing(&s.Doses[last-1])})
		}
		if before, step := s.Previous(); before != nil && slices.Contains(c.series, before) {
			g.DropOuts = append(g.DropOuts, DropOut{Series: before, From: step, Then: s, To: 1, Had: num(t.Series[before.Name].given(step)), Kept: num(n.given(1)), Growing: growing(&s.Doses[0])})
		}
	}
	return g
}
