package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Clock is a time within which something should happen to an item. That it runs out changes no state: it is told.
type Clock string

const (
	ClockSending Clock = "sending"      // queued or held: a facility sends daily
	ClockReply   Clock = "reply"        // unknown, or accepted and never answered about
	ClockFields  Clock = "field-errors" // accepted, and the other side has not looked at its form
	ClockTotals  Clock = "totals"       // accepted, and not assessed
	ClockDispute Clock = "dispute"      // cut or denied: one working day is left to dispute it
)

// Deadlines are how long each clock runs; 0 is the default, below 0 the clock does not run.
type Deadlines struct {
	Sending  time.Duration // from the claim's version; 24 h
	Reply    time.Duration // from when it is unknown, or accepted; 6 h
	Fields   time.Duration // from acceptance; 24 h
	Totals   time.Duration // from acceptance; 48 h
	Dispute  int           // working days after the day of the assessment; 7. The clock runs out a working day before
	Calendar Calendar
}

func (d Deadlines) orDefault() Deadlines {
	for _, c := range []struct {
		at   *time.Duration
		that time.Duration
	}{{&d.Sending, 24 * time.Hour}, {&d.Reply, 6 * time.Hour}, {&d.Fields, 24 * time.Hour}, {&d.Totals, 48 * time.Hour}} {
		if *c.at == 0 {
			*c.at = c.that
		}
	}
	if d.Dispute == 0 {
		d.Dispute = 7
	}
	if d.Calendar.Zone == nil {
		d.Calendar = DefaultCalendar()
	}
	return d
}

// SpaceClocks has the clocks that run, in the order in which they run out:
//
//	outbox-clocks|1772323200000/c17/0000000002 -> 1
const SpaceClocks store.Space = "outbox-clocks"

func (i Item) clockKey() string {
	if i.RunsOut == 0 {
		return ""
	}
	var room [128]byte
	return string(i.Key().append(append(appendTime(room[:0], i.RunsOut), '/')))
}

// SpaceOverdue has the clocks that ran out, as long as the state of their items stays:
//
//	outbox-overdue|reply/c17/0000000002 -> 1
const SpaceOverdue store.Space = "outbox-overdue"

func overdueKey(c Clock, k Key) string { return string(c) + "/" + k.String() }

// Clocks are all clocks.
var Clocks = []Clock{ClockSending, ClockReply, ClockFields, ClockTotals, ClockDispute}

// Overdue counts the items whose clocks ran out.
func (o *Outbox) Overdue(ctx context.Context) (map[Clock]int, error) {
	n := map[Clock]int{}
	for _, c := range Clocks {
		n[c] = 0
		for _, err := range o.store.Records(ctx, SpaceOverdue, string(c)+"/", string(c)+"0") {
			if err != nil {
				return nil, err
			}
			n[c]++
		}
	}
	return n, nil
}

// running gives the clocks of an item that have not run out yet.
func (d Deadlines) running(it Item) map[Clock]fhir.Instant {
	m := map[Clock]fhir.Instant{}
	run := func(c Clock, from fhir.Instant, d time.Duration) {
		if d > 0 && !slices.Contains(it.Overdue, c) {
			m[c] = from + fhir.Instant(d.Milliseconds())
		}
	}
	switch it.State {
	case Queued, Held:
		run(ClockSending, it.Created, d.Sending)
	case Unknown:
		run(ClockReply, it.Since, d.Reply)
	case Accepted:
		if it.Heard == 0 {
			run(ClockReply, it.Since, d.Reply)
		}
		if !it.Checked {
			run(ClockFields, it.Since, d.Fields)
		}
		run(ClockTotals, it.Since, d.Totals)
	case Assessed:
		if d.Dispute > 1 && (it.Assessment == Partly || it.Assessment == Denied) && !slices.Contains(it.Overdue, ClockDispute) {
			m[ClockDispute] = fhir.InstantOf(d.Calendar.EndOf(it.Since.Time(), d.Dispute-1))
		}
	}
	return m
}

// timed sets when the next clock of an item runs out; it belongs before each encoding of an item that changed.
func (o *Outbox) timed(it *Item) {
	it.RunsOut = 0
	for _, at := range o.Deadlines.running(*it) {
		if it.RunsOut == 0 || at < it.RunsOut {
			it.RunsOut = at
		}
	}
}

// Alarm says that a clock of an item ran out.
type Alarm struct {
	Item
	Clock Clock
	At    fhir.Instant // when it ran out
}

// Alarms marks the items whose clocks have run out by now, at most limit of them, and gives what is new. The mark is in the item, in
// the Task (meta.tag and output) and in Status, until the item's state changes.
func (o *Outbox) Alarms(ctx context.Context, limit int) ([]Alarm, error) {
	var keys []string
	for rec, err := range o.store.Records(ctx, SpaceClocks, "", string(appendTime(nil, o.now()+1))) {
		if err != nil {
			return nil, err
		}
		if keys = append(keys, rec.Key); len(keys) == limit {
			break
		}
	}
	var out []Alarm
	for _, key := range keys {
		var k Key
		if len(key) > 14 {
			k, _ = parseKey(key[14:])
		}
		row, err := o.Load(ctx, k)
		if err != nil {
			return out, err
		}
		if row.clockKey() != key {
			continue // it moved on between the two reads
		}
		var over []Clock
		for c, at := range o.Deadlines.running(row.Item) {
			if at <= o.now() {
				over = append(over, c)
				out = append(out, Alarm{row.Item, c, at})
			}
		}
		slices.Sort(over)
		_, err = o.move(ctx, row, move{to: row.State, edit: func(it *Item, _ head) { it.Overdue = append(slices.Clone(it.Overdue), over...) }})
		if hasMoved(err) {
			out = slices.DeleteFunc(out, func(a Alarm) bool { return a.Key() == k })
			continue
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
