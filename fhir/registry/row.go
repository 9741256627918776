package registry

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
)

// row is what one person counts for. Who is not counted has one only where several Patients are the person: that is found by
// it when one of them changes.
type row struct {
	Members []fhir.ID  `json:"m"`           // all Patients of the person, sorted; the first names the row
	Lead    fhir.ID    `json:"l"`           // the one in use
	Commune string     `json:"c"`           // key of the commune; "" = not known
	Cohort  string     `json:"b"`           // year of birth; "" = not known
	Unknown bool       `json:"x,omitempty"` // cannot be judged
	Gone    bool       `json:"z,omitempty"` // is not counted
	Clinics []fhir.ID  `json:"o,omitempty"`
	Series  []standing `json:"s,omitempty"`
	Roll    string     `json:"r,omitempty"` // the day on which it changes by itself; "" = never
}

// standing is how a person stands in one series; those that nothing is to be said of are left out.
type standing struct {
	Series string `json:"s"`
	Given  int    `json:"v,omitempty"` // valid doses
	Timely []int  `json:"t,omitempty"` // numbers of the doses that were given before they were overdue by age
	State  string `json:"f,omitempty"` // as forecast.State, where it is one that is counted
	Number int    `json:"n,omitempty"` // of the next dose
	// Of the next dose, yyyy-MM-dd.
	Recommended string `json:"d,omitempty"`
	Overdue     string `json:"e,omitempty"`
	Latest      string `json:"g,omitempty"`
}

func (r *row) key() fhir.ID { return r.Members[0] }

// due is the earliest recommended date of a next dose; "" if there is none.
func (r *row) due() (first string) {
	for _, s := range r.Series {
		if s.Recommended != "" && (first == "" || s.Recommended < first) {
			first = s.Recommended
		}
	}
	return first
}

func (r *row) encode() []byte {
	raw, err := json.Marshal(r)
	if err != nil {
		panic("registry: a row cannot be written: " + err.Error()) // it has texts and numbers alone
	}
	return raw
}

// stand says how a person stands in each series.
func stand(a *history.Assessment) (all []standing) {
	for i := range a.Result.Series {
		f := &a.Result.Series[i]
		s := standing{Series: f.Series.Name, Given: len(f.Valid)}
		for n, at := range f.Valid {
			if end, ok := forecast.OverdueByAge(f.Schedule, &f.Series.Doses[n], a.Person.Birth); ok && a.Doses[at].On.Before(end) {
				s.Timely = append(s.Timely, n+1)
			}
		}
		switch f.State {
		case forecast.Due, forecast.Overdue, forecast.Contraindicated, forecast.Immune:
			s.State = f.State.String()
		}
		if settled(f) {
			s.Number = f.Number
			s.Recommended, s.Overdue, s.Latest = date(f.Recommended), date(f.Overdue), date(f.Latest)
		}
		if s.Given > 0 || s.State != "" || s.Number > 0 {
			all = append(all, s)
		}
	}
	return all
}

// settled says whether the dates of the next dose stand as long as nothing happens. Those of a dose that waits for another
// one, and of the first dose of a series that hangs on no age, move with the day on which they are asked for.
func settled(f *forecast.Forecast) bool {
	switch f.State {
	case forecast.Due, forecast.Overdue, forecast.NotYetDue:
		return !waits(f) && (f.Series.Population == "" || len(f.Valid) > 0)
	}
	return false
}

func waits(f *forecast.Forecast) bool { return slices.Contains(f.Reasons, forecast.PreviousMissing) }

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// judged is a person on the way to a row.
type judged struct {
	set     *immunization.Set
	person  forecast.Person
	records []history.Record
}

// on judges the person as of a day.
func (j *judged) on(day time.Time) history.Assessment {
	return history.Assess(j.set, &j.person, j.records, day)
}

// rolls is the first day after day on which the standing is another one, if nothing happens; zero = never. It may be too
// early, never too late.
//
// The dates of the forecast are such days. What waits for another dose can besides run out of time on a day that is no
// date of it: that it once has, it stays so, so that the same standing right before the next date means that there is no such day.
func (j *judged) rolls(a *history.Assessment) time.Time {
	day := a.At
	next := time.Time{}
	take := func(t time.Time) {
		if t.After(day) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	waiting := false
	for i := range a.Result.Series {
		f := &a.Result.Series[i]
		take(f.Recommended)
		take(f.Overdue)
		if !f.Latest.IsZero() {
			take(f.Latest.AddDate(0, 0, 1))
		}
		take(forecast.UntilAge(f.Schedule, j.person.Birth))
		waiting = waiting || waits(f)
	}
	for i := range a.Doses {
		on := a.Doses[i].On
		take(on)                  // of the future
		take(on.AddDate(0, 0, 1)) // a live vaccine keeps others off from the day after it
	}
	if next.IsZero() || !waiting {
		return next
	}
	now := encodeStanding(stand(a))
	same := func(on time.Time) bool {
		then := j.on(on)
		return encodeStanding(stand(&then)) == now
	}
	low, high := day, next.AddDate(0, 0, -1) // low is as now
	if !high.After(low) || same(high) {
		return next
	}
	for high.After(low.AddDate(0, 0, 1)) {
		if mid := immunization.Day(low.Add(high.Sub(low) / 2)); same(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

func encodeStanding(s []standing) string {
	r := row{Series: s}
	return string(r.encode())
}
