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

// push sends an episode in, as a claim file that is imported.
func push(t *testing.T, svc *interaction.Service, h hoso.HoSo) {
	t.Helper()
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

// The transaction without fixed ids stands on conditional create and update: pushing an episode again must find what is
// there, and facility and staff must be shared by all episodes.
func TestEpisodesArePushedToAServerAgainAndAgain(t *testing.T) {
	st := enginetest.Open(t, engine.Options{})
	svc := interaction.New(interaction.Config{Store: st})
	episodes := samples(t)
	for range 2 {
		for _, h := range episodes {
			push(t, svc, h)
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

// A Patient and a Coverage are found where they are there already, with what an earlier file said of them. The file that goes out says
// what the one that came in says all the same, and a correction of such a field is a new version of the Claim: else it would never go out.
func TestAFileSaysItselfWhoseItIs(t *testing.T) {
	svc := interaction.New(interaction.Config{Store: enginetest.Open(t, engine.Options{})})
	// pushed gives the version of the Claim after a file came, and what goes out for it.
	pushed := func(h hoso.HoSo) (fhir.Version, hoso.HoSo) {
		t.Helper()
		push(t, svc, h)
		page, err := svc.Search(ours(t.Context()), "Claim", "identifier="+h.MaLK(), interaction.SearchOptions{})
		if err != nil || len(page.Matches) != 1 {
			t.Fatalf("%d claims, %v", len(page.Matches), err)
		}
		claim, err := server{svc}.Read(ours(t.Context()), page.Matches[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := mapping.FromFHIR(ours(t.Context()), server{svc}, claim.Root(), mapping.Options{})
		if err != nil || len(c.Findings) > 0 {
			t.Fatalf("%v %+v", err, c.Findings)
		}
		return page.Matches[0].Version, c.HoSo
	}
	h := samples(t)["child"]
	h.XML1().Set("DIEN_THOAI", "0900000000")
	before, _ := pushed(h)
	for _, change := range [][2]string{
		{"HO_TEN", "LÊ BÉ THÍ DỤ HAI"}, {"NGAY_SINH", "202401210000"}, {"GIOI_TINH", "2"}, {"DIA_CHI", "Xã Khác"}, {"DIEN_THOAI", ""}, {"MA_BN", "BN000099"},
		{"GT_THE_DEN", "20271231"}, {"GT_THE_DEN", ""}, {"MA_DKBD", "51902"}, {"GT_THE_TU", "20260102"}, {"MA_THE_BHYT", "TE1515100000034"},
		{"SO_CCCD", "051224000034"}, {"SO_CCCD", ""}, {"MA_THE_BHYT", "TE1515100000033"},
	} {
		h.XML1().Set(change[0], change[1])
		after, out := pushed(h)
		if after == before {
			t.Errorf("%s is %q now, and the Claim has no new version", change[0], change[1])
		}
		before = after
		for _, d := range differences(h, out) {
			t.Errorf("%s is %q now: %s", change[0], change[1], d)
		}
	}
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
