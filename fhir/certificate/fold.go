package certificate

import (
	"cmp"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
)

// fold makes one dose of each event: the leading record's, with what it does not say taken from the others. The doses are
// in the order of their dates; one of no day has the date that its record gives, or none.
func fold(set *immunization.Set, records []history.Record) []Dose {
	events, _ := history.Fold(set, records)
	var out []Dose
	for _, e := range events {
		if e.NotDone {
			continue
		}
		d := doseOf(e.Leading().Doc)
		if !e.On.IsZero() {
			d.Date = e.On.Format(time.DateOnly)
		}
		for _, r := range e.Sources[1:] {
			d.fill(doseOf(r.Doc))
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b Dose) int { return cmp.Compare(a.Date, b.Date) })
	return out
}

// fill takes from another record of the dose what this one does not say.
func (d *Dose) fill(other Dose) {
	if d.System != cvx && other.System == cvx {
		d.System, d.Code = other.System, other.Code
	}
	d.Lot, d.Performer, d.Maker, d.Text = or(d.Lot, other.Lot), or(d.Performer, other.Performer), or(d.Maker, other.Maker), or(d.Text, other.Text)
	if d.Number == 0 {
		d.Number, d.Of = other.Number, other.Of
	}
	if d.Diseases == nil {
		d.Diseases = other.Diseases
	}
}
