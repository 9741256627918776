package certificate

import (
	"cmp"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Fold makes one dose of what several senders reported about one event, and puts the doses into the order of their dates.
//
// Two reports are of one event if they are of the same group of vaccines and say the same day, or days next to each other
// and the same lot; so are those that a third one joins. Of them the one that says most is kept. Reports without a full date are never folded: showing a dose
// twice is the smaller mistake.
func Fold(doses []Dose, s *immunization.Schedule) []Dose {
	var events [][]Dose
	for _, d := range doses {
		event := []Dose{d}
		events = slices.DeleteFunc(events, func(e []Dose) bool {
			same := slices.ContainsFunc(e, func(o Dose) bool { return group(o, s) == group(d, s) && sameEvent(o, d) })
			if same {
				event = append(event, e...)
			}
			return same
		})
		events = append(events, event)
	}
	out := make([]Dose, 0, len(events))
	for _, e := range events {
		out = append(out, slices.MinFunc(e, func(a, b Dose) int { return cmp.Or(cmp.Compare(said(b), said(a)), inOrder(a, b)) }))
	}
	slices.SortStableFunc(out, inOrder)
	return out
}

// inOrder sorts by date, then so that the order does not depend on that of the reports.
func inOrder(a, b Dose) int {
	return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Lot, b.Lot), cmp.Compare(a.Performer, b.Performer), cmp.Compare(a.Text, b.Text))
}

func sameEvent(a, b Dose) bool {
	da, err1 := time.Parse(time.DateOnly, a.Date)
	db, err2 := time.Parse(time.DateOnly, b.Date)
	if err1 != nil || err2 != nil {
		return false
	}
	apart := db.Sub(da).Abs()
	return apart == 0 || apart <= 24*time.Hour && a.Lot != "" && a.Lot == b.Lot
}

// group is what products stand for each other: those of the first series of the schedule that counts this one.
func group(d Dose, s *immunization.Schedule) string {
	if d.System == cvx {
		if series := seriesOf(d.Code, s); series != nil {
			return series.Name
		}
	}
	if d.Code != "" {
		return d.System + "|" + d.Code
	}
	return "|" + d.Text
}

func seriesOf(code string, s *immunization.Schedule) *immunization.Series {
	for i := range s.Series {
		if slices.Contains(s.Series[i].CVX, code) || slices.Contains(s.Series[i].AlsoCounts, code) {
			return &s.Series[i]
		}
	}
	return nil
}

// said is how much of what a certificate shows a report has.
func said(d Dose) (n int) {
	for _, has := range []bool{d.System == cvx, d.Lot != "", d.Performer != "", d.Number > 0, len(d.Diseases) > 0, d.Maker != ""} {
		if has {
			n++
		}
	}
	return n
}
