package forecast

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Run judges the doses by the schedules of the set that hold on the assessment date, and forecasts each series.
// All dates are days, see immunization.Day.
func Run(set *immunization.Set, p Person, doses []Dose, assessed time.Time) Result {
	r := run{set: set, person: p, doses: doses, at: assessed}
	r.order()
	r.out.Schedules, r.out.Early = set.On(assessed)
	r.out.Doses = make([][]Evaluation, len(doses))
	r.refused = make([]Reason, len(doses))
	for _, n := range r.sorted {
		r.refused[n] = r.refuse(&doses[n])
		if r.refused[n] == "" {
			if d := &doses[n]; slices.ContainsFunc(d.CVX, set.Live) {
				r.live = append(r.live, d.On)
			}
		}
	}
	for _, s := range r.out.Schedules {
		r.schedule(s)
	}
	for n := range doses {
		if len(r.out.Doses[n]) == 0 {
			r.out.Doses[n] = []Evaluation{{Status: NotValid, Reasons: r.unplaced(n)}}
		}
	}
	return r.out
}

// run is one evaluation on its way.
type run struct {
	set     *immunization.Set
	person  Person
	doses   []Dose
	at      time.Time
	sorted  []int       // the doses by day
	refused []Reason    // why a dose counts nowhere; "" = it may
	live    []time.Time // days of parenteral live vaccines that were given, whether they count or not
	tracks  []*track    // of the schedule at work, in its order
	out     Result
}

// order sorts by day, and within a day by what tells doses apart, so that the order of the input does not matter.
func (r *run) order() {
	r.sorted = make([]int, len(r.doses))
	for n := range r.sorted {
		r.sorted[n] = n
	}
	slices.SortStableFunc(r.sorted, func(a, b int) int {
		x, y := &r.doses[a], &r.doses[b]
		return cmp.Or(x.On.Compare(y.On), cmp.Compare(x.ID, y.ID), slices.Compare(x.CVX, y.CVX), cmp.Compare(x.Lot, y.Lot),
			x.Expiry.Compare(y.Expiry), cmp.Compare(x.Series, y.Series), cmp.Compare(x.flags(), y.flags()))
	})
}

func (d *Dose) flags() (n int) {
	for i, f := range []bool{d.Duplicate, d.Subpotent, d.NotDone, d.Precaution, d.Immune} {
		if f {
			n |= 1 << i
		}
	}
	return n
}

// refuse says why a dose counts nowhere, whatever the schedule.
func (r *run) refuse(d *Dose) Reason {
	switch {
	case d.NotDone:
		return NotDone
	case d.On.IsZero():
		return DateIncomplete
	case d.On.Before(r.person.Birth):
		return BeforeBirth
	case d.On.After(r.at):
		return AfterAssessment
	case d.Duplicate:
		return Duplicate
	}
	return ""
}

// unplaced are the reasons of a dose that no series took.
func (r *run) unplaced(n int) []Reason {
	if r.refused[n] != "" {
		return []Reason{r.refused[n]}
	}
	return []Reason{WrongProduct}
}

// track is one series while its doses are judged.
type track struct {
	series   *immunization.Series
	previous *track
	depth    int
	days     []time.Time // of the valid doses
	valid    []int
	given    time.Time // of the last dose that was put to it, whatever came of it
	withheld Reason    // what records of doses not given say: IsImmune, Precaution or ""
	forecast Forecast
	decided  bool // forecast is set
}

// schedule judges all doses by one schedule and forecasts its series.
func (r *run) schedule(s *immunization.Schedule) {
	r.tracks = r.tracks[:0]
	all := make([]track, len(s.Series)) // together: there are some for every person
	for i := range s.Series {
		series := &s.Series[i]
		if !r.applies(series) {
			continue
		}
		all[i].series = series
		r.tracks = append(r.tracks, &all[i])
	}
	for _, t := range r.tracks {
		if previous, _ := t.series.Previous(); previous != nil {
			if n := slices.IndexFunc(r.tracks, func(t *track) bool { return t.series == previous }); n >= 0 {
				t.previous = r.tracks[n]
			}
		}
		_, t.depth = t.series.Chain()
	}
	for _, n := range r.sorted {
		r.place(s, n)
	}
	r.out.Series = slices.Grow(r.out.Series, len(r.tracks))
	for _, t := range r.tracks {
		r.out.Series = append(r.out.Series, r.next(s, t))
	}
}

// applies says whether a series is for the person: those for a population are if the person is known to be of it, or has
// had a dose that the sender gave for it.
func (r *run) applies(s *immunization.Series) bool {
	if s.Population == "" {
		return true
	}
	if r.person.Pregnant && strings.Contains(strings.ToLower(s.Population), "pregnan") {
		return true
	}
	return slices.ContainsFunc(r.doses, func(d Dose) bool { return d.Series == s.Name })
}

// place finds, for each chain that takes the product of a dose, the series in which it is judged, and judges it.
func (r *run) place(s *immunization.Schedule, n int) {
	d := &r.doses[n]
	named := false // the dose was given for a population's series: then it counts there alone
	for _, t := range r.tracks {
		named = named || t.series.Population != "" && t.series.Name == d.Series && t.accepts(d)
	}
	for _, first := range r.tracks {
		if !first.accepts(d) || named && first.series.Name != d.Series || !named && first.series.Population != "" && d.Series != "" && d.Series != first.series.Name {
			continue
		}
		if t := r.chosen(first, d); t != nil {
			r.judge(s, t, n)
		}
	}
	for _, t := range r.tracks { // the sender says that it is for a series which does not take it
		if t.series.Name == d.Series && !t.accepts(d) && r.refused[n] == "" {
			r.add(n, Evaluation{Schedule: s, Series: t.series, Status: NotValid, Reasons: []Reason{WrongProduct}})
		}
	}
}

func (t *track) accepts(d *Dose) bool {
	return slices.ContainsFunc(d.CVX, t.series.Accepts) && (d.On.IsZero() || t.series.Counts(d.On))
}

// chosen gives the series of first's chain in which the dose is judged, or nil if first is not the first of the chain that
// takes the product: the choice is made once for a chain.
func (r *run) chosen(first *track, d *Dose) *track {
	root, _ := first.series.Chain()
	var best, last *track
	for _, t := range r.tracks {
		if other, _ := t.series.Chain(); other != root || !t.accepts(d) {
			continue
		}
		if last == nil && t != first {
			return nil
		}
		if last == nil || t.depth > last.depth {
			last = t
		}
		if t.wants(r.person, d) && (best == nil || t.depth < best.depth) {
			best = t
		}
	}
	if best != nil {
		return best
	}
	return last
}

// wants says whether the series can still use a dose of that day.
func (t *track) wants(p Person, d *Dose) bool {
	return len(t.days) < len(t.series.Doses) && (d.On.IsZero() || !t.agedOut(p, d.On))
}

// agedOut says whether the maximum age of the next dose has passed.
func (t *track) agedOut(p Person, on time.Time) bool {
	if len(t.days) >= len(t.series.Doses) {
		return false
	}
	limit := t.series.Doses[len(t.days)].MaxAge
	return limit != nil && on.After(limit.After(p.Birth))
}

// judge decides what a dose is in a series.
func (r *run) judge(s *immunization.Schedule, t *track, n int) {
	d := &r.doses[n]
	e := Evaluation{Schedule: s, Series: t.series, Status: NotValid}
	if why := r.refused[n]; why != "" {
		e.Reasons = []Reason{why}
		if d.NotDone && !d.On.After(r.at) {
			t.withhold(d)
		}
		r.add(n, e)
		return
	}
	same := t.given.Equal(d.On)
	t.given = d.On
	if t.withheld == Precaution { // a dose was given since
		t.withheld = ""
	}
	switch {
	case same:
		e.Reasons = []Reason{Duplicate}
	case len(t.days) == len(t.series.Doses):
		e.Status, e.Reasons = Extra, []Reason{ExtraDose}
	default:
		e.Number = len(t.days) + 1
		if e.Reasons = r.faults(s, t, d); len(e.Reasons) == 0 {
			e.Status = Valid
			t.days, t.valid = append(t.days, d.On), append(t.valid, n)
		}
	}
	r.add(n, e)
}

func (r *run) add(n int, e Evaluation) { r.out.Doses[n] = append(r.out.Doses[n], e) }

// withhold notes why a dose was not given.
func (t *track) withhold(d *Dose) {
	switch {
	case d.Immune:
		t.withheld = IsImmune
	case d.Precaution && t.withheld != IsImmune:
		t.withheld = Precaution
	}
}

// faults are the reasons for which the next dose of a series is not valid.
func (r *run) faults(s *immunization.Schedule, t *track, d *Dose) (why []Reason) {
	dose := &t.series.Doses[len(t.days)]
	grace := time.Duration(s.Rules.GracePeriodDays) * day
	on := d.On.Add(grace)
	if r.waitsFor(t, d.On) {
		why = append(why, PreviousMissing)
	}
	if dose.MinAge != nil && on.Before(dose.MinAge.After(r.person.Birth)) {
		why = append(why, TooYoung)
	}
	if dose.MaxAge != nil && d.On.After(dose.MaxAge.After(r.person.Birth)) {
		why = append(why, TooOld)
	}
	if from, ok := t.from(); ok && dose.MinInterval != nil && on.Before(dose.MinInterval.After(from)) {
		why = append(why, IntervalTooShort)
	}
	if slices.ContainsFunc(d.CVX, r.set.Live) {
		for _, other := range r.live {
			if other.Before(d.On) && d.On.Before(other.Add(time.Duration(s.Rules.LiveVaccineMinIntervalDays)*day)) {
				why = append(why, LiveConflict)
				break
			}
		}
	}
	if !d.Expiry.IsZero() && d.On.After(d.Expiry) {
		why = append(why, ExpiredLot)
	}
	if d.Subpotent {
		why = append(why, Subpotent)
	}
	return why
}

// day is the length of one; days are midnights of UTC, which has no other.
const day = 24 * time.Hour

// waitsFor says whether the series before still has to bring the dose that this one follows. One that is aged out will not.
func (r *run) waitsFor(t *track, on time.Time) bool {
	if t.previous == nil || t.previous.withheld == IsImmune {
		return false
	}
	_, step := t.series.Previous()
	return len(t.previous.days) < step && !t.previous.agedOut(r.person, on)
}

// from is the day from which the interval of the next dose is counted: the last valid dose, for the first one that of the
// series before. false if there is none.
func (t *track) from() (time.Time, bool) {
	if n := len(t.days); n > 0 {
		return t.days[n-1], true
	}
	if t.previous == nil {
		return time.Time{}, false
	}
	_, step := t.series.Previous()
	if n := len(t.previous.days); n >= step {
		return t.previous.days[step-1], true
	}
	return t.previous.from()
}
