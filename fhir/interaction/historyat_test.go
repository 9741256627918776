package interaction_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
)

// COMPLETE: _at shows every version that was current at some time of a stretch, and no other; of one resource, of a type
// and of all; in pages of any size, also when they are reached by counting.
func TestHistoryAt(t *testing.T) {
	s := service(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 60 {
		key := fhir.Key{Type: []fhir.Type{"Patient", "Basic"}[rng.IntN(2)], ID: fhir.ID(fmt.Sprint(rng.IntN(4)))}
		var err error
		if rng.IntN(4) == 0 {
			_, err = s.Delete(ours(t.Context()), key, interaction.DeleteOptions{})
		} else {
			d := doc(t, `{"resourceType":%q,"id":%q,"language":"x-%d","code":{"text":"x"}}`, key.Type, key.ID, i)
			if key.Type == "Patient" {
				d = patient(t, string(key.ID), fmt.Sprint("x-", i))
			}
			_, err = s.Update(ours(t.Context()), key, d, interaction.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []store.Found // newest first
	for f, err := range s.Store().History(ours(t.Context()), store.History{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	name := func(f store.Found) string { return fmt.Sprintf("%s/%d", f.Key, f.Version) }
	for range 300 {
		a, b := all[rng.IntN(len(all))].At+fhir.Instant(rng.IntN(3)-1), all[rng.IntN(len(all))].At+fhir.Instant(rng.IntN(3)-1)
		from, until := min(a, b), max(a, b)
		since := fhir.Instant(0)
		if rng.IntN(3) == 0 {
			since = all[rng.IntN(len(all))].At
		}
		var of fhir.Key
		switch f := all[rng.IntN(len(all))]; rng.IntN(3) {
		case 0:
			of = f.Key
		case 1:
			of.Type = f.Key.Type
		}
		var want []string
		ended := map[fhir.Key]fhir.Instant{} // when the version that was met before was followed by another
		for _, f := range all {
			end, followed := ended[f.Key]
			ended[f.Key] = f.At
			mine := (of.Type == "" || of.Type == f.Key.Type) && (of.ID == "" || of.ID == f.Key.ID)
			if mine && f.At >= since && f.At <= until && (!followed || end > from) && (!f.Deleted() || f.At > from) {
				want = append(want, name(f))
			}
		}
		o := interaction.HistoryOptions{From: from, Until: until, Since: since, Count: 1 + rng.IntN(5)}
		var got []string
		last := fhir.Instant(1 << 62)
		for {
			p, err := s.History(ours(t.Context()), of, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range p.Versions {
				got = append(got, name(f))
				if f.At > last {
					t.Fatalf("a newer version follows on an older one: %v", got)
				}
				last = f.At
			}
			if p.Next == (interaction.HistoryPlace{}) {
				break
			}
			o.Place, o.AsOf = p.Next, p.AsOf
		}
		order := slices.Clone(got)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("COMPLETE: %q from %d to %d since %d\n got %v\nwant %v", of, from, until, since, got, want)
		}
		if len(want) > 0 {
			o.Place, o.Skip = interaction.HistoryPlace{}, rng.IntN(len(want))
			p, err := s.History(ours(t.Context()), of, o)
			if err != nil {
				t.Fatal(err)
			}
			if name(p.Versions[0]) != order[o.Skip] || len(p.Versions) != min(o.Count, len(want)-o.Skip) {
				t.Fatalf("COMPLETE: after %d of %v come %v", o.Skip, order, p.Versions)
			}
		}
	}
}
