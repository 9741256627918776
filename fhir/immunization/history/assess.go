package history

import (
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
)

// Dose is an event with what it counts for.
type Dose struct {
	Event
	Evaluations []forecast.Evaluation
}

// Assessment is a person's vaccinations as of a day.
type Assessment struct {
	At        time.Time // the assessment date
	Person    forecast.Person
	Doses     []Dose // by day; those of no day last
	Retracted int    // records entered in error
	Result    forecast.Result
	// Known says that the birth date is known, without which nothing can be judged: then Doses have no evaluations and
	// Result is empty.
	Known bool
}

// Assess folds records, judges the doses and forecasts the series. A person of nil is not judged.
func Assess(set *immunization.Set, p *forecast.Person, records []Record, at time.Time) Assessment {
	a := Assessment{At: at}
	events, retracted := Fold(set, records)
	a.Retracted = retracted
	a.Doses = make([]Dose, len(events))
	doses := make([]forecast.Dose, len(events))
	for i := range events {
		a.Doses[i].Event = events[i]
		doses[i] = events[i].Leading().dose()
	}
	if p == nil {
		return a
	}
	a.Person, a.Known = *p, true
	a.Result = forecast.Run(set, *p, doses, at)
	for i := range a.Doses {
		a.Doses[i].Evaluations = a.Result.Doses[i]
	}
	return a
}
