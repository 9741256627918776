package search

import (
	"math"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/walk"
)

// zoneMinutes is the zone of dates that name none, in minutes east of UTC: Indochina Time, which Vietnam keeps all year.
// A vaccination at 00:30+07:00 is found by its local date. It is a constant, since index and query must agree.
const zoneMinutes = 7 * 60

const day = int64(24 * time.Hour / time.Millisecond)

// Interval is a stretch of time in milliseconds since 1970 UTC, both ends included. A date is one of a day, a Period
// may be open at either end.
type Interval struct{ Start, End int64 }

// Open ends of an Interval.
const (
	NoStart = math.MinInt64
	NoEnd   = math.MaxInt64
)

// IntervalOf gives the stretch that a date or dateTime covers: 2026-03 is the whole month. Digits of a fraction after the
// third are left out.
func IntervalOf(d walk.DateTime) Interval {
	offset := d.Offset
	if !d.Zoned {
		offset = zoneMinutes
	}
	start := time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, d.Nano, time.UTC)
	var length int64
	switch d.Precision {
	case walk.Year:
		length = start.AddDate(1, 0, 0).UnixMilli() - start.UnixMilli()
	case walk.Month:
		length = start.AddDate(0, 1, 0).UnixMilli() - start.UnixMilli()
	case walk.Day:
		length = day
	case walk.Minute:
		length = 60_000
	case walk.Second:
		length = 1_000
	default:
		length = [...]int64{1000, 100, 10, 1}[min(d.Digits, 3)]
	}
	ms := start.UnixMilli() - int64(offset)*60_000
	return Interval{ms, ms + length - 1}
}

// ParseInterval reads a date, dateTime or instant of a document; ok is false if it is none.
func ParseInterval(s string) (iv Interval, ok bool) {
	d, ok := walk.ParseDateTime(s)
	if !ok {
		return iv, false
	}
	return IntervalOf(d), true
}

// AppendDate appends the value of an interval.
func AppendDate(dst []byte, iv Interval) []byte { return appendTime(appendTime(dst, iv.Start), iv.End) }

// AppendLongDate appends the value for the second index; ok is false for intervals of a day and less, which have none.
func AppendLongDate(dst []byte, iv Interval) (_ []byte, ok bool) {
	class := iv.class()
	if class == 0 {
		return dst, false
	}
	return AppendDate(append(dst, class), iv), true
}

// InstantValue is the value of meta.lastUpdated, the parameter ParamLastUpdated, which the store writes.
func InstantValue(at fhir.Instant) []byte {
	return AppendDate(make([]byte, 0, 2*timeLen), Interval{int64(at), int64(at)})
}

// Longest intervals of a class in milliseconds.
const (
	classDay  = 0 // up to a day: found within a day before what is asked for
	classYear = 1 // up to 366 days
	classLong = 2 // longer, or open at an end
	yearMax   = 366
)

func (iv Interval) class() byte {
	if iv.Start == NoStart || iv.End == NoEnd {
		return classLong
	}
	switch length := iv.End - iv.Start; {
	case length < day:
		return classDay
	case length < yearMax*day:
		return classYear
	}
	return classLong
}

const (
	timeLen  = 7
	firstDay = -62_135_596_800_000 - day // a day before the year 1, so that no zone falls below it
	openEnd  = 1<<56 - 1
)

// appendTime appends 7 bytes: milliseconds since a day before the year 1, from 1 on; 0 is an open start, all ones an open end.
func appendTime(dst []byte, ms int64) []byte {
	var n uint64
	switch ms {
	case NoStart:
	case NoEnd:
		n = openEnd
	default:
		n = uint64(min(max(ms-firstDay, 1), openEnd-1))
	}
	return append(dst, byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// ReadDate is the inverse of AppendDate; ok is false for other values.
func ReadDate(v []byte) (iv Interval, ok bool) { return readInterval(v) }

func readTime(v []byte) int64 {
	var n uint64
	for _, b := range v[:timeLen] {
		n = n<<8 | uint64(b)
	}
	switch n {
	case 0:
		return NoStart
	case openEnd:
		return NoEnd
	}
	return int64(n) + firstDay
}

// readInterval reads the interval at the beginning of a value.
func readInterval(v []byte) (iv Interval, ok bool) {
	if len(v) < 2*timeLen {
		return iv, false
	}
	return Interval{readTime(v), readTime(v[timeLen:])}, true
}

// where keeps the values whose interval ok takes; skip bytes stand before it.
func where(skip int, ok func(Interval) bool) func([]byte) bool {
	return func(v []byte) bool {
		if len(v) < skip {
			return false
		}
		iv, found := readInterval(v[skip:])
		return found && ok(iv)
	}
}

// dateTest says whether an interval of a document meets a prefix and the interval that was asked for.
//
//	eq  the one asked for contains it          ne  it does not
//	gt  it reaches beyond it                   lt  it begins before it
//	ge  it ends at or after its start          le  it begins at or before its end
//	sa  it begins after it                     eb  it ends before it
//	ap  they overlap (after widening by widen)
func dateTest(p Prefix, q Interval) func(Interval) bool {
	switch p {
	case PrefixNE:
		return func(iv Interval) bool { return iv.Start < q.Start || iv.End > q.End }
	case PrefixGT:
		return func(iv Interval) bool { return iv.End > q.End }
	case PrefixLT:
		return func(iv Interval) bool { return iv.Start < q.Start }
	case PrefixGE:
		return func(iv Interval) bool { return iv.End >= q.Start }
	case PrefixLE:
		return func(iv Interval) bool { return iv.Start <= q.End }
	case PrefixSA:
		return func(iv Interval) bool { return iv.Start > q.End }
	case PrefixEB:
		return func(iv Interval) bool { return iv.End < q.Start }
	case PrefixAP:
		return func(iv Interval) bool { return iv.Start <= q.End && iv.End >= q.Start }
	}
	return func(iv Interval) bool { return iv.Start >= q.Start && iv.End <= q.End }
}

// startingAt gives the least value of the main index that starts at ms.
func startingAt(ms int64) []byte { return appendTime(nil, ms) }

// dateSpans finds intervals. Those which may reach into what is asked for from before are looked for by their length:
// short ones begin at most a day earlier, others are found through the second index. So no search by date reads from
// the beginning of time, however old the data are, but for intervals longer than a year.
func dateSpans(p Prefix, q Interval) []span {
	ok := dateTest(p, q)
	test := where(0, ok)
	switch p {
	case PrefixNE:
		return []span{{accept: test}}
	case PrefixLT:
		return []span{{high: startingAt(q.Start)}}
	case PrefixLE:
		return []span{{high: startingAt(q.End + 1)}}
	case PrefixSA:
		return []span{{low: startingAt(q.End + 1)}}
	case PrefixEB:
		return []span{{high: startingAt(q.Start), accept: test}}
	case PrefixGT, PrefixGE:
		return reaching(q.Start, nil, ok)
	case PrefixAP:
		return reaching(q.Start, startingAt(q.End+1), ok)
	}
	return []span{{low: startingAt(q.Start), high: startingAt(q.End + 1), accept: test}}
}

// reaching finds intervals that may end at or after start, and begin below high (nil = anywhere).
func reaching(start int64, high []byte, ok func(Interval) bool) []span {
	class := func(c byte, v []byte) []byte { return append([]byte{c}, v...) }
	test := where(1, ok)
	year := span{variant: ParamDetail, low: class(classYear, startingAt(start-yearMax*day)), high: []byte{classYear + 1}, accept: test}
	long := span{variant: ParamDetail, low: []byte{classLong}, accept: test}
	if high != nil {
		year.high, long.high = class(classYear, high), class(classLong, high)
	}
	return []span{{low: startingAt(start - day), high: high, accept: where(0, ok)}, year, long}
}

// plainDateSpans is dateSpans where there is one index and no room for a second: within a composite.
func plainDateSpans(p Prefix, q Interval) []span { return []span{{accept: where(0, dateTest(p, q))}} }

// instantSpans is dateSpans for a parameter whose values are instants: meta.lastUpdated.
func instantSpans(p Prefix, q Interval) []span {
	switch p {
	case PrefixNE:
		return []span{{high: startingAt(q.Start)}, {low: startingAt(q.End + 1)}}
	case PrefixGT, PrefixSA:
		return []span{{low: startingAt(q.End + 1)}}
	case PrefixGE:
		return []span{{low: startingAt(q.Start)}}
	case PrefixLT, PrefixEB:
		return []span{{high: startingAt(q.Start)}}
	case PrefixLE:
		return []span{{high: startingAt(q.End + 1)}}
	}
	return []span{{low: startingAt(q.Start), high: startingAt(q.End + 1)}}
}

// widen gives the interval that ap compares with: a tenth of the way to now on both sides.
func widen(q Interval, now time.Time) Interval {
	gap := now.UnixMilli() - q.Start/2 - q.End/2
	if gap < 0 {
		gap = -gap
	}
	return Interval{q.Start - gap/10, q.End + gap/10}
}
