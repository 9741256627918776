package bhxhmock

import (
	"cmp"
	"errors"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Deadlines sets the delays to those of the contract, each at its end: state 6 h, format errors 24 h, totals 48 h; a run
// of the settlement comes when the 7 working days for a dispute are over.
func (o Options) Deadlines() Options {
	o.AssessingAfter, o.FormatErrorsAfter, o.AssessedAfter = 6*time.Hour, 24*time.Hour, 48*time.Hour
	o.SettledAfter, o.SettledDays = 0, 7
	return o
}

func (o Options) withDelays() (Options, error) {
	o.AssessingAfter = cmp.Or(o.AssessingAfter, 2*time.Second)
	o.FormatErrorsAfter = cmp.Or(o.FormatErrorsAfter, o.AssessingAfter)
	o.AssessedAfter = cmp.Or(o.AssessedAfter, 10*time.Second)
	o.ClockSpeed = cmp.Or(o.ClockSpeed, 1)
	if min(o.AssessingAfter, o.FormatErrorsAfter, o.AssessedAfter, o.SettledAfter) < 0 || o.SettledDays < 0 || o.SettledDays > 1000 {
		return o, errors.New("delays must not be negative, and at most 1000 working days")
	}
	if o.ClockSpeed < 1 {
		return o, errors.New("the clock's speed must be at least 1")
	}
	return o, nil
}

// delay writes into a row that was accepted when it is told what.
func (o Options) delay(r *Row) {
	at := instant(r.Time)
	fast := func(after time.Duration) string { return stamp(at.Add(after / time.Duration(o.ClockSpeed))) }
	decided := o.AssessedAfter
	if len(r.Errors) > 0 {
		decided = o.FormatErrorsAfter
	}
	r.AssessingAt, r.DecidedAt = fast(min(o.AssessingAfter, decided)), fast(decided)
	if len(r.Errors) > 0 {
		return
	}
	settled := workingDays(at.Add(decided), o.SettledDays).Add(o.SettledAfter)
	r.SettleAt = fast(settled.Sub(at))
}

// workingDays gives the time n working days later: Monday to Friday. Holidays are not known.
func workingDays(t time.Time, n int) time.Time {
	t = t.In(wire.Zone)
	for n > 0 {
		t = t.AddDate(0, 0, 1)
		if t.Weekday() != time.Saturday && t.Weekday() != time.Sunday {
			n--
		}
	}
	return t
}
