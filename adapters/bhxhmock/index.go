package bhxhmock

import (
	"cmp"
	"slices"
)

// index finds rows. Lists are in the order of the file; only rows with an effect are in the first three maps.
type index struct {
	rows     []entry
	episodes map[string][]int32 // facility|MA_LK
	periods  map[string][]int32 // facility|yyyyMM
	holders  map[string][]int32
	names    map[string]string // one copy of each facility and period
}

func newIndex() index {
	return index{episodes: map[string][]int32{}, periods: map[string][]int32{}, holders: map[string][]int32{}, names: map[string]string{}}
}

func (x *index) name(s string) string {
	if kept, ok := x.names[s]; ok {
		return kept
	}
	x.names[s] = s
	return s
}

func (x *index) add(e entry) {
	e.facility, e.period = x.name(e.facility), x.name(e.period)
	at := int32(len(x.rows)) //nolint:gosec // a ledger of two thousand million rows does not fit in memory
	x.rows = append(x.rows, e)
	if !e.effect {
		return
	}
	k := e.facility + "|" + e.maLK
	x.episodes[k] = append(x.episodes[k], at)
	k = e.facility + "|" + e.period
	x.periods[k] = append(x.periods[k], at)
	if e.holder != "" {
		x.holders[e.holder] = append(x.holders[e.holder], at)
	}
}

func (x *index) these(at []int32) []entry {
	out := make([]entry, len(at))
	for i, n := range at {
		out[i] = x.rows[n]
	}
	return out
}

// episode gives the rows with effect of an episode.
func (x *index) episode(facility, maLK string) []entry { return x.these(x.episodes[facility+"|"+maLK]) }

// period gives the rows with effect of a facility's month.
func (x *index) period(facility, month string) []entry { return x.these(x.periods[facility+"|"+month]) }

// request gives the rows of the request whose first row is n.
func (x *index) request(n uint64) []entry {
	if n == 0 || n > uint64(len(x.rows)) {
		return nil
	}
	rest := x.rows[n-1:]
	end := slices.IndexFunc(rest, func(e entry) bool { return e.request != n })
	if end < 0 {
		end = len(rest)
	}
	return slices.Clone(rest[:end])
}

// endingAt gives the row that ends at a place of the file; the zero entry if none does.
func (x *index) endingAt(size int64) entry {
	i, found := slices.BinarySearchFunc(x.rows, size, func(e entry, size int64) int { return cmp.Compare(e.at+int64(e.length), size) })
	if !found {
		return entry{}
	}
	return x.rows[i]
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
