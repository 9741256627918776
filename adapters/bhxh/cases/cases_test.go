package cases

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// world is a store with claims on their way. now is when tests ask.
type world struct {
	t      *testing.T
	now    time.Time
	svc    *interaction.Service
	outbox *delivery.Outbox
	cases  *Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	s := enginetest.Open(t, engine.Options{Now: clock})
	w.outbox = delivery.New(delivery.Config{Store: s, Now: clock, Episode: func(v resource.Value) (string, string, bool) { return mapping.EpisodeOf(v, mapping.Systems{}) }})
	w.svc = interaction.New(interaction.Config{Store: s, Now: clock, Hooks: []interaction.Hook{w.outbox.Enqueue}})
	w.outbox.Use(w.svc)
	w.cases = New(Config{Store: s, Outbox: w.outbox, Interactions: w.svc, Now: clock})
	return w
}

func (w *world) ours() context.Context { return store.Ourselves(w.t.Context()) }

// told is what the test knows of a claim that it made.
type told struct {
	id, facility, maLK, day string
	requested, paid         int // VND
	decided, held           bool
	cut                     string
	at                      time.Time
}

// put stores the claim, and what became of it.
func (w *world) put(c told) {
	w.t.Helper()
	doc, err := resource.New(fmt.Appendf(nil, `{"resourceType":"Claim","id":%q,"status":"active","use":"claim","type":{"text":"x"},
		"identifier":[{"system":"https://lienthong.example/sid/malk/%s","value":%q}],"patient":{"reference":"Patient/p1"},
		"billablePeriod":{"start":"%sT08:00:00+07:00","end":"%[4]sT09:00:00+07:00"},"created":"2026-05-31","provider":{"display":"x"},"priority":{"text":"x"},
		"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}],
		"item":[{"sequence":1,"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"XML2"}]},
			"productOrService":{"text":"x"},"net":{"value":%d.00,"currency":"VND"},
			"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/xml2","extension":[{"url":"T_BHTT","valueDecimal":%[5]d}]}]}],
		"total":{"value":%[5]d,"currency":"VND"}}`, c.id, c.facility, c.maLK, c.day, c.requested))
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = c.at
	key := fhir.Key{Type: "Claim", ID: fhir.ID(c.id)}
	res, err := w.svc.Update(w.ours(), key, doc, interaction.UpdateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	if c.held {
		row, err := w.outbox.Load(w.ours(), delivery.Key{Claim: key.ID, Version: res.Version})
		if err == nil {
			_, err = w.outbox.Hold(w.ours(), row, []delivery.Reason{{Code: "AMT-06"}, {Code: "CARD-01"}})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if c.decided {
		raw, err := mapping.ClaimResponse(mapping.Assessment{ID: delivery.ResponseID(key.ID), ClaimKey: key, Claim: mapping.ClaimedIn(doc.Root(), mapping.Systems{}), Created: c.at, Record: wire.HoSo{
			MaLK: c.maLK, TiepNhan: true, TrangThai: wire.DaGiamDinh, ChiTiet: []wire.ChiTiet{{
				Bang: "XML2", STT: 1, TienDeNghi: wire.Amount(fmt.Sprintf("%d.00", c.requested)), TienChapNhan: wire.Amount(fmt.Sprintf("%d.00", c.paid)), MaLyDo: c.cut, LyDo: c.cut,
			}},
		}})
		var response *resource.Document
		if err == nil {
			response, err = resource.New(raw)
		}
		if err == nil {
			_, err = w.svc.Apply(w.ours(), interaction.WriteSet{Docs: []*resource.Document{response}})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// population makes n claims of a seed.
func (w *world) population(n int, seed uint64) []told {
	rng := rand.New(rand.NewPCG(seed, 7))
	var all []told
	for i := range n {
		c := told{
			id: fmt.Sprintf("c%d", rng.IntN(1e9)), facility: []string{"51901", "51902", "51009"}[rng.IntN(3)], maLK: fmt.Sprintf("LK-%d", i),
			day: fmt.Sprintf("2026-%02d-%02d", 1+rng.IntN(5), 1+rng.IntN(28)), requested: rng.IntN(30) * rng.IntN(1_000_000), held: rng.IntN(4) == 0,
			at: time.Date(2026, 5, 1+rng.IntN(31), rng.IntN(24), 0, 0, 0, time.UTC),
		}
		if !c.held && rng.IntN(2) == 0 {
			c.decided, c.paid = true, c.requested
			if rng.IntN(2) == 0 {
				c.cut, c.paid = []string{"GD01", "GD02"}[rng.IntN(2)], c.requested/2
			}
		}
		all = append(all, c)
	}
	for _, c := range all {
		w.put(c)
	}
	w.now = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	return all
}

func (w *world) list(query string, count int) []string {
	w.t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := ParseFilter(q)
	if err != nil || len(q) > 0 {
		w.t.Fatalf("%s: %v, left %v", query, err, q)
	}
	var ids []string
	for next := ""; ; {
		p, err := w.cases.List(w.ours(), f, count, next)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range p.Rows {
			ids = append(ids, string(r.ID()))
		}
		if next = p.Next; next == "" {
			return ids
		}
	}
}

// Each filter gives what a reader of the claims picks by hand, each claim once over all pages.
func TestListsAreWhatAReaderPicks(t *testing.T) {
	w := newWorld(t)
	all := w.population(120, 1)
	for query, picks := range map[string]func(c told) bool{
		"":                                       func(told) bool { return true },
		"state=held":                             func(c told) bool { return c.held },
		"state=queued,held":                      func(told) bool { return true },
		"facility=51901":                         func(c told) bool { return c.facility == "51901" },
		"facility=51901,51009&state=held":        func(c told) bool { return c.held && c.facility != "51902" },
		"reason=GD01":                            func(c told) bool { return c.cut == "GD01" },
		"reason=GD01,AMT-06":                     func(c told) bool { return c.cut == "GD01" || c.held },
		"period=2026-03":                         func(c told) bool { return strings.HasPrefix(c.day, "2026-03") },
		"period=ge2026-02-10&period=lt2026-04":   func(c told) bool { return c.day >= "2026-02-10" && c.day < "2026-04" },
		"period=2026-02,2026-03-10,ge2026-05":    func(c told) bool { return c.day[:7] == "2026-02" || c.day == "2026-03-10" || c.day >= "2026-05" },
		"requested=lt1000000,ge5000000":          func(c told) bool { return c.requested < 1_000_000 || c.requested >= 5_000_000 },
		"facility=51901,51902&facility=51902":    func(c told) bool { return c.facility == "51902" },
		"state=held,queued&state=held,draft":     func(c told) bool { return c.held },
		"reason=AMT-06&reason=CARD-01":           func(c told) bool { return c.held },
		"age=lt2,ge7":                            func(c told) bool { d := w.now.Sub(c.at) / (24 * time.Hour); return d < 2 || d >= 7 },
		"period=gt2026-03":                       func(c told) bool { return c.day > "2026-04" },
		"requested=ge5000000":                    func(c told) bool { return c.requested >= 5_000_000 },
		"requested=lt5000000.00&requested=gt100": func(c told) bool { return c.requested < 5_000_000 && c.requested > 100 },
		"paid=le1000000":                         func(c told) bool { return c.decided && c.paid <= 1_000_000 },
		"reduced=gt0":                            func(c told) bool { return c.decided && c.paid < c.requested },
		"age=ge7":                                func(c told) bool { return w.now.Sub(c.at) >= 7*24*time.Hour },
		"age=lt7&facility=51902":                 func(c told) bool { return w.now.Sub(c.at) < 7*24*time.Hour && c.facility == "51902" },
	} {
		var want []string
		for _, c := range all {
			if picks(c) {
				want = append(want, c.id)
			}
		}
		sort.Strings(want)
		if query != "" && (len(want) == 0 || len(want) == len(all)) && query != "state=queued,held" {
			t.Fatalf("%s tells nothing apart", query)
		}
		for _, count := range []int{1, 7, 1000} {
			got := w.list(query, count)
			sort.Strings(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s by %d: %d claims, want %d", query, count, len(got), len(want))
			}
		}
	}
}

func TestAFilterThatCannotBeReadIsRefused(t *testing.T) {
	for _, query := range []string{"state=lost", "assessment=x", "period=ge2026-13", "period=yesterday", "requested=ge-5", "requested=1e9", "age=-1", "age=x",
		"facility=", "reason=a,,b", "facility=" + strings.Repeat("1,", 200) + "1"} {
		q, _ := url.ParseQuery(query)
		if _, err := ParseFilter(q); err == nil {
			t.Errorf("%.40s was read", query)
		}
	}
	w := newWorld(t)
	for _, next := range []string{"x", "MQ", "!!", token("") + "A"} {
		if _, err := w.cases.List(w.ours(), Filter{}, 5, next); err == nil {
			t.Errorf("the page %q was found", next)
		}
	}
}

// A sample is drawn again by one who has the method, the seed and the population: the ten lines below use nothing of this room.
func TestASampleIsDrawnAgainByTheMethodAlone(t *testing.T) {
	w := newWorld(t)
	w.population(90, 2)
	for _, d := range []Draw{
		{Seed: "2026-Q2", Size: 20, By: []Dimension{ByFacility, ByMonth}, Members: true},
		{Seed: "khác", Size: 7, By: []Dimension{ByAmount, ByState}, Members: true},
		{Seed: "s", Size: 500, By: []Dimension{ByFacility}, Members: true},
		{Seed: "s", Size: 5, Members: true},
	} {
		s, err := w.cases.Sample(w.ours(), Filter{}, d)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range s.Cases {
			got = append(got, c.MaLK)
		}
		if want := again(s.Seed, d.Size, s.Members); !slices.Equal(got, want) {
			t.Errorf("seed %s: %v, want %v", d.Seed, got, want)
		}
		if len(got) != min(d.Size, 90) || s.Population != 90 {
			t.Errorf("%d of %d drawn", len(got), s.Population)
		}
		var population strings.Builder
		for _, m := range s.Members {
			population.WriteString(m.MaCSKCB + "|" + m.MaLK + "|" + m.Stratum + "\n")
		}
		if fmt.Sprintf("%x", sha256.Sum256([]byte(population.String()))) != s.PopulationSHA256 {
			t.Error("the digest is of another population")
		}
	}
	a, _ := w.cases.Sample(w.ours(), Filter{}, Draw{Seed: "a", Size: 10})
	b, _ := w.cases.Sample(w.ours(), Filter{}, Draw{Seed: "b", Size: 10})
	if slices.EqualFunc(a.Cases, b.Cases, func(x, y Drawn) bool { return x.MaLK == y.MaLK }) {
		t.Error("another seed draws the same")
	}
}

// again draws a sample of a population: the method of docs/auditor.md.
func again(seed string, n int, population []Member) (out []string) {
	strata, quota, names := map[string][]string{}, map[string]int{}, []string{}
	for _, m := range population {
		hash := fmt.Sprintf("%x", sha256.Sum256([]byte(seed+"|"+m.MaCSKCB+"|"+m.MaLK)))
		strata[m.Stratum] = append(strata[m.Stratum], hash+" "+m.MaLK)
	}
	N, n, left := len(population), min(n, len(population)), min(n, len(population))
	for name, members := range strata {
		names, quota[name], left = append(names, name), n*len(members)/N, left-n*len(members)/N
	}
	sort.Strings(names)
	byRemainder := slices.Clone(names)
	sort.SliceStable(byRemainder, func(i, j int) bool { return n*len(strata[byRemainder[i]])%N > n*len(strata[byRemainder[j]])%N })
	for _, name := range byRemainder[:left] {
		quota[name]++
	}
	for _, name := range names {
		sort.Strings(strata[name])
		for _, m := range strata[name][:quota[name]] {
			out = append(out, strings.Fields(m)[1])
		}
	}
	return out
}

func TestACaseShowsLinesReasonsAndReviews(t *testing.T) {
	w := newWorld(t)
	w.put(told{id: "c1", facility: "51901", maLK: "LK-1", day: "2026-05-02", requested: 1000, paid: 400, decided: true, cut: "GD01", at: w.now})
	for _, bad := range []Review{{Outcome: "fine", Note: "x", Who: "a"}, {Outcome: Agreed, Who: "a"}, {Outcome: Agreed, Note: "x"}, {Outcome: Agreed, Note: strings.Repeat("x", maxNote+1), Who: "a"}} {
		if _, err := w.cases.Review(w.ours(), "c1", bad); err == nil {
			t.Errorf("%.60v was taken", bad)
		}
	}
	for _, r := range []Review{{Outcome: NeedsDocuments, Note: "Thiếu phiếu chỉ định", Who: "gdv-1", Sample: "2026-Q2"}, {Outcome: AssessmentBad, Note: "Đúng chỉ định", Who: "gdv-2"}} {
		w.now = w.now.Add(time.Hour)
		if _, err := w.cases.Review(w.ours(), "c1", r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.cases.Review(w.ours(), "c2", Review{Outcome: Agreed, Note: "x", Who: "a"}); err == nil {
		t.Error("a claim that is not there was reviewed")
	}
	c, docs, err := w.cases.Show(w.ours(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	l := c.Lines[0]
	if l.Submitted != "1000.00" || l.Requested != "1000.00" || l.Paid != "400.00" || l.Reduced != "600.00" || l.Reason != "GD01" || !l.Decided {
		t.Errorf("%+v", l)
	}
	if c.Paid != "400.00" || c.Reduced != "600.00" || !slices.Equal(c.Cuts, []string{"GD01"}) {
		t.Errorf("%+v", c.Row)
	}
	if len(c.Reviews) != 2 || c.Reviews[0].Outcome != NeedsDocuments || c.Reviews[0].Sample != "2026-Q2" || c.Reviews[1].Who != "gdv-2" || c.Reviews[1].Version != 1 {
		t.Errorf("%+v", c.Reviews)
	}
	for name, raw := range map[string][]byte{"Bundle": c.Bundle(docs), "Parameters": Page{Rows: []Row{c.Row}}.Parameters("http://x/y"), "List": Sample{Cases: []Drawn{{Row: c.Row}}}.List()} {
		if d, err := resource.New(raw); err != nil || d.Root().ResourceType() != fhir.Type(name) {
			t.Errorf("%s: %v %s", name, err, raw)
		}
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
}
