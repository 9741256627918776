package bhxhmock

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// entry is what is found of a row without reading it; the row itself is read from the file.
type entry struct {
	at      int64 // place in the file
	length  int
	n       uint64
	request uint64

	facility, maLK, period                string // of a row without effect the facility alone
	version                               uint64
	effect, faulty                        bool
	claimed, accepted                     wire.Amount
	received, assessing, decided, settled time.Time
}

// index finds rows. Of a month there are hundreds of thousands, so that it is made of numbers: what has pointers is followed by the
// garbage collector again and again. Lists are in the order of the file; only rows with an effect are in them.
type index struct {
	rows       []kept
	facilities names
	months     names // yyyyMM
	episodes   names // facility|MA_LK
	holders    names
	amounts    names // those that are not in their usual form

	episodeEnds, holderEnds []int32              // the last row of each
	periods                 map[[2]int32][]int32 // by facility and month
}

// kept is an entry as the index has it; the fields that are numbers of names, or of rows, are -1 for none.
type kept struct {
	at                               int64
	length                           int32
	before                           int32 // rows of its request that stand before it
	facility, month, episode, holder int32
	ofEpisode, ofHolder              int32 // the row before it of the same episode, of the same holder
	effect, faulty                   bool
	from, to                         [stayTime]byte
	version                          uint64
	claimed, accepted                int64 // hundredths of a đồng; below zero -1 - number in amounts
	// Nanoseconds since 1970, see nanosOf.
	received, assessing, decided, settled int64
}

// stayTime is the length of the times of a stay, yyyyMMddHHmm.
const stayTime = 12

// notSaid is a time of a stay that is not of that form.
var notSaid [stayTime]byte

func newIndex() index {
	return index{
		facilities: newNames(), months: newNames(), episodes: newNames(), holders: newNames(), amounts: newNames(),
		periods: map[[2]int32][]int32{},
	}
}

func episodeName(facility, maLK string) string { return facility + "|" + maLK }

// add takes in the next row of the file.
func (x *index) add(r *Row, at int64, length int) {
	n := int32(len(x.rows)) //nolint:gosec // a ledger of two thousand million rows does not fit in memory
	k := kept{
		at: at, length: int32(length), before: int32(r.N - r.Request), //nolint:gosec // bounded by a file's size and its episodes
		facility: x.facilities.number(r.Facility), month: -1, episode: -1, holder: -1, ofEpisode: -1, ofHolder: -1,
		effect: r.Effect, faulty: len(r.Errors) > 0, from: stayTimeOf(r.From), to: stayTimeOf(r.To), version: r.Version,
		claimed: x.amount(r.Claimed), accepted: x.amount(r.Accepted),
		received: nanosOf(instant(r.Time)), assessing: nanosOf(instant(r.AssessingAt)), decided: nanosOf(instant(r.DecidedAt)), settled: nanosOf(instant(r.SettleAt)),
	}
	if r.Effect {
		k.month = x.months.number(r.Period)
		k.episode, k.ofEpisode = link(&x.episodes, &x.episodeEnds, episodeName(r.Facility, r.MaLK), n)
		if r.Holder != "" {
			k.holder, k.ofHolder = link(&x.holders, &x.holderEnds, r.Holder, n)
		}
		period := [2]int32{k.facility, k.month}
		x.periods[period] = append(x.periods[period], n)
	}
	x.rows = append(x.rows, k)
}

// link makes a row the last one of a name; before is the last one until now.
func link(of *names, ends *[]int32, name string, row int32) (number, before int32) {
	number = of.number(name)
	if int(number) == len(*ends) {
		*ends = append(*ends, -1)
	}
	before, (*ends)[number] = (*ends)[number], row
	return number, before
}

func stayTimeOf(s string) (t [stayTime]byte) {
	if len(s) == stayTime {
		copy(t[:], s)
	}
	return t
}

// amount gives an amount as it is kept.
func (x *index) amount(a wire.Amount) int64 {
	if v, ok := hundredths(string(a)); ok && v.IsInt64() && amount(v) == a {
		return v.Int64()
	}
	return -1 - int64(x.amounts.number(string(a)))
}

// amountOf gives back what amount keeps.
func (x *index) amountOf(kept int64) wire.Amount {
	if kept < 0 {
		return wire.Amount(x.amounts.name(int32(-1 - kept))) //nolint:gosec // a number of amounts
	}
	return amount(big.NewInt(kept))
}

// requestOf gives the number of the first row of a row's request.
func (x *index) requestOf(i int32) uint64 { return uint64(i + 1 - x.rows[i].before) } //nolint:gosec // it is not negative

// entry gives what is kept of a row.
func (x *index) entry(i int32) entry {
	k := &x.rows[i]
	e := entry{
		at: k.at, length: int(k.length), n: uint64(i) + 1, request: x.requestOf(i), //nolint:gosec // places are not negative
		facility: x.facilities.name(k.facility), version: k.version, effect: k.effect, faulty: k.faulty,
		claimed: x.amountOf(k.claimed), accepted: x.amountOf(k.accepted),
		received: timeOf(k.received), assessing: timeOf(k.assessing), decided: timeOf(k.decided), settled: timeOf(k.settled),
	}
	if k.effect {
		e.maLK, e.period = x.episodes.name(k.episode)[len(e.facility)+1:], x.months.name(k.month)
	}
	return e
}

// episode gives the rows with effect of an episode.
func (x *index) episode(facility, maLK string) (out []entry) {
	number := x.episodes.find(episodeName(facility, maLK))
	if number < 0 {
		return nil
	}
	for i := x.episodeEnds[number]; i >= 0; i = x.rows[i].ofEpisode {
		out = append(out, x.entry(i))
	}
	slices.Reverse(out)
	return out
}

// period gives the rows with effect of a facility's month.
func (x *index) period(facility, month string) (out []entry) {
	for _, i := range x.periods[[2]int32{x.facilities.find(facility), x.months.find(month)}] {
		out = append(out, x.entry(i))
	}
	return out
}

// request gives the rows of the request whose first row is n.
func (x *index) request(n uint64) (out []entry) {
	if n == 0 || n > uint64(len(x.rows)) {
		return nil
	}
	for i := int32(n - 1); int(i) < len(x.rows) && x.requestOf(i) == n; i++ { //nolint:gosec // n is the number of a row
		out = append(out, x.entry(i))
	}
	return out
}

// endingAt gives the row that ends at a place of the file; the zero entry if none does.
func (x *index) endingAt(size int64) entry {
	i, found := slices.BinarySearchFunc(x.rows, size, func(k kept, size int64) int { return cmp.Compare(k.at+int64(k.length), size) })
	if !found {
		return entry{}
	}
	return x.entry(int32(i)) //nolint:gosec // the number of a row
}

// newest gives of each episode the row that counts: the highest version, and of that the last one taken.
func newest(rows []entry) []entry {
	at := map[string]int{}
	var out []entry
	for _, e := range rows {
		i, seen := at[e.maLK]
		switch {
		case !seen:
			at[e.maLK] = len(out)
			out = append(out, e)
		case e.version >= out[i].version:
			out[i] = e
		}
	}
	return out
}

// nanosOf gives a time as the index keeps it, timeOf gives it back: the zero time, and what is before 1678, is the least number,
// what is after 2262 the greatest.
func nanosOf(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func timeOf(nanos int64) time.Time {
	if nanos == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
