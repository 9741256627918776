package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Event is one dose that was given, or one that was not given, with all records of it.
type Event struct {
	On      time.Time // of the leading record
	NotDone bool
	Sources []Record // the leading one first
}

// Leading is the record to show.
func (e *Event) Leading() *Record { return &e.Sources[0] }

// Lots are the lots that the sources name, the leading one's first; more than one is a disagreement.
func (e *Event) Lots() []string {
	var lots []string
	for _, s := range e.Sources {
		if s.Lot != "" && !slices.Contains(lots, s.Lot) {
			lots = append(lots, s.Lot)
		}
	}
	return lots
}

// Fold makes events of records, in the order of their days; those that are not known to the day come last. Records
// entered in error are retracted: they are left out and counted.
func Fold(set *immunization.Set, records []Record) (events []Event, retracted int) {
	sorted := make([]*Record, 0, len(records))
	for i := range records {
		if records[i].Status == "entered-in-error" {
			retracted++
			continue
		}
		sorted = append(sorted, &records[i])
	}
	slices.SortStableFunc(sorted, func(a, b *Record) int { // a name alone waits until it is known what the codes make one
		return cmp.Or(first(!a.On.IsZero(), !b.On.IsZero()), a.On.Compare(b.On), first(len(a.Codes) > 0, len(b.Codes) > 0), byDay(a, b))
	})
	events = make([]Event, 0, len(sorted))
	for _, r := range sorted {
		found := slices.IndexFunc(events, func(e Event) bool { return e.takes(set, r) })
		if found < 0 {
			events = append(events, Event{On: r.On, NotDone: r.Status == "not-done", Sources: []Record{*r}})
			continue
		}
		events[found].Sources = append(events[found].Sources, *r)
	}
	events = joinDays(set, events)
	for i := range events {
		if len(events[i].Sources) > 1 {
			slices.SortStableFunc(events[i].Sources, func(a, b Record) int { return byWeight(&a, &b) })
		}
		events[i].On = events[i].Leading().On
	}
	slices.SortStableFunc(events, func(a, b Event) int { return byDay(a.Leading(), b.Leading()) })
	return events, retracted
}

// takes says whether the record is of the event's day and vaccine.
func (e *Event) takes(set *immunization.Set, r *Record) bool {
	return e.NotDone == (r.Status == "not-done") && !r.On.IsZero() && e.On.Equal(r.On) && oneVaccine(set, e.Sources, []Record{*r})
}

// joinDays joins events of two days that follow each other and share a lot, whichever of their sources names it. What was
// joined takes no third day, so that a row of days is no one event. The events are in the order of their days.
func joinDays(set *immunization.Set, events []Event) []Event {
	for i := 0; i < len(events); i++ {
		e := &events[i]
		if e.On.IsZero() {
			break // those of no day are last
		}
		for j := i + 1; j < len(events) && !events[j].On.IsZero() && events[j].On.Sub(e.On) <= 24*time.Hour; j++ {
			next := &events[j]
			if next.NotDone == e.NotDone && next.On.After(e.On) && shareLot(e, next) && oneVaccine(set, e.Sources, next.Sources) {
				e.Sources = append(e.Sources, next.Sources...)
				events = slices.Delete(events, j, j+1)
				break
			}
		}
	}
	return events
}

func shareLot(a, b *Event) bool {
	return slices.ContainsFunc(a.Lots(), func(x string) bool {
		return slices.ContainsFunc(b.Lots(), func(y string) bool { return strings.EqualFold(x, y) })
	})
}

// oneVaccine says whether a record of one side has the vaccine of one of the other, and no two of them have different ones
// in the same code system: a record with a name alone ("vắc xin") must not make one dose of two.
func oneVaccine(set *immunization.Set, as, bs []Record) bool {
	same := false
	for i := range as {
		for j := range bs {
			switch {
			case sameVaccine(set, &as[i], &bs[j]):
				same = true
			case slices.ContainsFunc(as[i].Codes, func(c string) bool { return bs[j].codedIn(c[:strings.LastIndex(c, "|")+1]) }):
				return false
			}
		}
	}
	return same
}

// codedIn says whether the record has a code that begins so: that of a system.
func (r *Record) codedIn(system string) bool {
	return slices.ContainsFunc(r.Codes, func(c string) bool { return strings.HasPrefix(c, system) })
}

// sameVaccine says whether two products are of one vaccine group, or have a code or, without any, the name in common.
func sameVaccine(set *immunization.Set, a, b *Record) bool {
	for _, x := range a.CVX {
		g, known := set.Group(x)
		for _, y := range b.CVX {
			if h, ok := set.Group(y); known && ok && g == h {
				return true
			}
		}
	}
	if slices.ContainsFunc(a.Codes, func(c string) bool { return slices.Contains(b.Codes, c) }) {
		return true
	}
	return (len(a.Codes) == 0 || len(b.Codes) == 0) && a.Text != "" && strings.EqualFold(a.Text, b.Text)
}

// byDay sorts records for reading; those of no day come last.
func byDay(a, b *Record) int {
	if a.On.IsZero() != b.On.IsZero() {
		if a.On.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.On.Compare(b.On), slices.Compare(a.CVX, b.CVX), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Lot, b.Lot))
}

// byWeight sorts the sources of an event: the leading one first.
func byWeight(a, b *Record) int {
	return cmp.Or(first(a.Primary, b.Primary), first(a.Lot != "", b.Lot != ""), cmp.Compare(a.At, b.At), cmp.Compare(a.Ref, b.Ref))
}

// first sorts what is true before what is not.
func first(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}
