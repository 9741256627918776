package mapping_test

import (
	"context"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// server is a Reader over a real one.
type server struct{ *interaction.Service }

func (s server) Read(ctx context.Context, key fhir.Key) (*resource.Document, error) {
	f, err := s.Service.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	return resource.New(f.Stored.Append(nil, f.Version, f.At))
}

// The transaction without fixed ids stands on conditional create and update: pushing an episode again must find what is
// there, and facility and staff must be shared by all episodes.
func TestEpisodesArePushedToAServerAgainAndAgain(t *testing.T) {
	st := enginetest.Open(t, engine.Options{})
	svc := interaction.New(interaction.Config{Store: st})
	episodes := samples(t)
	for range 2 {
		for _, h := range episodes {
			raw, err := mapping.Episode(h, mapping.EpisodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			bundle, err := resource.New(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := svc.Transaction(ours(t.Context()), bundle, interaction.BundleOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for typ, want := range map[fhir.Type]int{"Organization": 1, "Practitioner": 2, "Patient": 3, "Coverage": 3, "Encounter": 3, "Claim": 3} {
		page, err := svc.Search(ours(t.Context()), typ, "", interaction.SearchOptions{})
		if err != nil || len(page.Matches) != want {
			t.Errorf("%d of %s, want %d (%v)", len(page.Matches), typ, want, err)
		}
		for _, f := range page.Matches {
			if f.Version != 1 {
				t.Errorf("%v has version %d although nothing changed", f.Key, f.Version)
			}
			if typ != "Claim" {
				continue
			}
			claim, err := server{svc}.Read(ours(t.Context()), f.Key)
			if err != nil {
				t.Fatal(err)
			}
			c, err := mapping.FromFHIR(ours(t.Context()), server{svc}, claim.Root(), mapping.Options{})
			if err != nil || len(c.Findings) > 0 {
				t.Fatal(err, c.Findings)
			}
			var want hoso.HoSo
			for _, h := range episodes {
				if h.MaLK() == c.MaLK {
					want = h
				}
			}
			for _, d := range differences(want, c.HoSo) {
				t.Error(d)
			}
		}
	}
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
