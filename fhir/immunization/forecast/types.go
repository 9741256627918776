package forecast

import (
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Person is whom the forecast is for.
type Person struct {
	Birth time.Time // a day, see immunization.Day
	// Pregnant says that the person is pregnant; Since is the day from which that is known, zero = the assessment date.
	Pregnant bool
	Since    time.Time

	Contraindications []Contraindication
}

// Contraindication is one that was found of a person.
type Contraindication struct {
	Rule        *immunization.Contraindication
	By          *immunization.Criterion // of the rule, that took the resource; nil where the caller said so
	Ref         string                  // of the resource that it comes from; "" where the caller said so
	Display     string                  // what that is about
	Products    []string                // CVX of what a reaction was to
	From, Until time.Time               // it holds on days in [From, Until); zero = without an end
}

// holds says whether it does on a day.
func (c *Contraindication) holds(on time.Time) bool {
	return !on.Before(c.From) && (c.Until.IsZero() || on.Before(c.Until))
}

// Dose is one record of a dose, given or not.
type Dose struct {
	ID     string    // tells doses of one day apart when they are put in order; "" where the sender has none
	On     time.Time // the day in Vietnam; zero = not known to the day
	CVX    []string  // codes of the product
	Series string    // that the sender names; "" = none. For a series with a population it decides that the dose is for it
	Lot    string
	Expiry time.Time // last day on which the product is good; zero = not known

	Duplicate  bool // known to be another record of a dose that is judged
	Subpotent  bool
	NotDone    bool
	Precaution bool // not done for a medical reason
	Immune     bool // not done since the person is immune
}

// Status of a dose in a series.
type Status uint8

// A dose is one of these.
const (
	Valid Status = iota + 1
	NotValid
	Extra // not needed: the series was complete
)

// String gives the status as a code.
func (s Status) String() string { return [...]string{"", "valid", "notvalid", "extra"}[s] }

// Evaluation is what one dose counts for in one series.
type Evaluation struct {
	Schedule *immunization.Schedule // nil if no series takes the product
	Series   *immunization.Series   // nil likewise
	Number   int                    // of the dose in the series that it was judged as; 0 for none
	Status   Status
	Reasons  []Reason // why it is not valid, the weightiest first
}

// State of a series.
type State uint8

// A series is in one of these.
const (
	Complete State = iota + 1
	Due
	Overdue
	NotYetDue
	AgedOut
	Contraindicated
	Immune
)

// String gives the state as a code.
func (s State) String() string {
	return [...]string{"", "complete", "due", "overdue", "not-yet-due", "aged-out", "contraindicated", "immune"}[s]
}

// Forecast is the state of one series on the assessment date.
type Forecast struct {
	Schedule *immunization.Schedule
	Series   *immunization.Series
	State    State
	Valid    []int    // the doses that count, as indexes into the doses given to Run, in order
	Number   int      // of the next dose; 0 if none is needed
	Reasons  []Reason // why it is in this state, where that needs a word

	// Contraindications are those that hold on the assessment date, of a series that is Contraindicated.
	Contraindications []*Contraindication

	// Dates of the next dose; zero = there is none. None is before the birth.
	Earliest, Recommended, Latest, Overdue time.Time
}

// Next is the dose of the schedule that the forecast is about; nil if none is needed.
func (f *Forecast) Next() *immunization.Dose {
	if f.Number == 0 {
		return nil
	}
	return &f.Series.Doses[f.Number-1]
}

// Result is what Run found out.
type Result struct {
	Schedules []*immunization.Schedule // used, by id
	Early     []*immunization.Schedule // those of them that are not in force yet on the assessment date
	Doses     [][]Evaluation           // of each dose given to Run, at least one, in the order of Schedules and their series
	Series    []Forecast               // in the order of Schedules and their series; those for another population are left out
}
