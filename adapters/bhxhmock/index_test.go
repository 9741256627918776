package bhxhmock

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// What is found of a row is what the row says, and lists have the rows of the ledger in their order; also when different texts
// have the same hash.
func TestTheIndexSaysWhatTheRowsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		if rapid.Bool().Draw(t, "hashes collide") {
			for _, n := range []*names{&x.facilities, &x.months, &x.episodes, &x.holders, &x.amounts} {
				n.hash = func(s string) uint64 { return uint64(len(s) % 2) }
			}
		}
		amounts := rapid.SampledFrom([]wire.Amount{"", "0.00", "159600.00", "0.05", "7", "007.00", "x", "92233720368547758.07", "92233720368547758.08", "99999999999999999999"})
		times := rapid.SampledFrom([]string{"", "2026-04-01T01:00:00Z", "2026-04-01T01:00:00.123456789Z", "1999-12-31T23:59:59.5Z", "no time"})
		stays := rapid.SampledFrom([]string{"", "202603010800", "202603020800", "202603030800", "20260301", "2026-03-01 8"})
		var rows []Row
		var want []entry
		first := uint64(1)
		for i := range rapid.IntRange(1, 40).Draw(t, "rows") {
			n := uint64(i + 1)
			if rapid.Bool().Draw(t, "a new request") {
				first = n
			}
			r := Row{
				N: n, Request: first, Facility: rapid.SampledFrom([]string{"51901", "51902", "x"}).Draw(t, "facility"),
				MaLK: rapid.SampledFrom([]string{"", "LK1", "LK2", "LK|3"}).Draw(t, "MA_LK"), Version: rapid.Uint64().Draw(t, "version"), Effect: rapid.Bool().Draw(t, "effect"),
				Period: rapid.SampledFrom([]string{"", "202603", "202604"}).Draw(t, "period"), Claimed: amounts.Draw(t, "claimed"), Accepted: amounts.Draw(t, "accepted"),
				Holder: rapid.SampledFrom([]string{"", "h1", "h2"}).Draw(t, "holder"), From: stays.Draw(t, "from"), To: stays.Draw(t, "to"),
				Time: times.Draw(t, "time"), AssessingAt: times.Draw(t, "assessing"), DecidedAt: times.Draw(t, "decided"), SettleAt: times.Draw(t, "settled"),
			}
			if rapid.Bool().Draw(t, "faulty") {
				r.Errors = []wire.Loi{{}}
			}
			if got, want := x.overlaps(&r), overlapsAny(rows, r); got != want {
				t.Fatalf("overlaps: %v, not %v: %+v", got, want, r)
			}
			x.add(&r, int64(10*i), 10)
			e := entry{at: int64(10 * i), length: 10, n: n, request: first, facility: r.Facility, version: r.Version, effect: r.Effect, faulty: len(r.Errors) > 0, claimed: r.Claimed,
				accepted: r.Accepted, received: instant(r.Time), assessing: instant(r.AssessingAt), decided: instant(r.DecidedAt), settled: instant(r.SettleAt)}
			if r.Effect {
				e.maLK, e.period = r.MaLK, r.Period
			}
			rows, want = append(rows, r), append(want, e)
		}
		those := func(which func(entry) bool) (out []entry) {
			for _, e := range want {
				if which(e) {
					out = append(out, e)
				}
			}
			return out
		}
		same := func(what string, got, want []entry) {
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %+v\nnot %+v", what, got, want)
			}
		}
		for _, e := range want {
			same("episode", x.episode(e.facility, e.maLK), those(func(o entry) bool { return o.effect && o.facility == e.facility && o.maLK == e.maLK }))
			same("period", x.period(e.facility, e.period), those(func(o entry) bool { return o.effect && o.facility == e.facility && o.period == e.period }))
			same("request", x.request(e.n), those(func(o entry) bool { return o.request == e.n }))
			same("place", []entry{x.endingAt(e.at + 10)}, []entry{e})
		}
		same("no episode", x.episode("51901", "none"), nil)
		same("no period", x.period("none", "202603"), nil)
		same("no place", []entry{x.endingAt(5)}, []entry{{}})
	})
}

// overlapsAny is index.overlaps over all the rows.
func overlapsAny(rows []Row, r Row) bool {
	for _, o := range rows {
		if o.Effect && r.Holder != "" && o.Holder == r.Holder && (o.Facility != r.Facility || o.MaLK != r.MaLK) &&
			len(r.From) == 12 && len(r.To) == 12 && len(o.From) == 12 && len(o.To) == 12 && r.From < o.To && o.From < r.To {
			return true
		}
	}
	return false
}

func TestTimesBeyondTheIndex(t *testing.T) {
	for _, at := range []time.Time{{}, time.Date(1, 2, 3, 4, 5, 6, 7, time.UTC), time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := timeOf(nanosOf(at)); !got.IsZero() {
			t.Errorf("%v became %v", at, got)
		}
	}
	if got := timeOf(nanosOf(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))); got.Year() != 2262 {
		t.Errorf("a time to come became %v", got)
	}
}

func TestNames(t *testing.T) {
	n := newNames()
	for i := range 1000 {
		if s := strings.Repeat(fmt.Sprint(i), i%5); i%5 > 0 {
			if at := n.number(s); n.name(at) != s || n.find(s) != at || n.number(s) != at {
				t.Fatalf("%q: %d, %q", s, at, n.name(at))
			}
		}
	}
	if n.find("none") >= 0 {
		t.Error("a name that is not there was found")
	}
}
