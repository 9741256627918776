package synthetic

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

var today = time.Date(2026, time.March, 15, 0, 0, 0, 0, time.UTC)

func population(n int, seed uint64) *Population {
	return New(Config{Citizens: n, Seed: seed, Today: today, SID: "https://lienthong.example/sid/"})
}

func TestNumbersObeyThePatternsAndNeverMeet(t *testing.T) {
	p := population(3000, 7)
	card := regexp.MustCompile(`^[A-Z]{2}[1-5]\d{2}\d{10}$`)
	seen := map[string]bool{}
	for _, c := range p.Citizens {
		for _, number := range []string{c.CCCD, c.Card[5:], c.ID, c.Record} {
			if seen[number] {
				t.Fatalf("%s is given twice", number)
			}
			seen[number] = true
		}
		if !card.MatchString(c.Card) {
			t.Errorf("card %s", c.Card)
		}
		century := map[int]byte{19: '0', 20: '2'}[c.Birth.Year()/100]
		if c.Female {
			century++
		}
		if len(c.CCCD) != 12 || !strings.HasPrefix(c.CCCD, "051") || c.CCCD[3] != century || c.CCCD[4:6] != c.Birth.Format("06") {
			t.Errorf("%s: citizen ID %s, born %s, female %v", c.ID, c.CCCD, c.Birth.Format(time.DateOnly), c.Female)
		}
		if c.Birth.After(today) || c.years(today) > 110 {
			t.Errorf("%s born on %s", c.ID, c.Birth.Format(time.DateOnly))
		}
	}
}

func TestDosesKeepTheScheduleAgesAndIntervals(t *testing.T) {
	p := population(2000, 3)
	byVaccine := map[string]int{}
	for _, c := range p.Citizens {
		last := map[string]time.Time{}
		var live []time.Time
		for _, d := range c.Doses {
			byVaccine[d.Series.Name]++
			def := d.Series.Doses[d.Number-1]
			if def.MinAge != nil && d.On.Before(def.MinAge.After(c.Birth)) {
				t.Errorf("%s %s %d on %s: too young, born %s", c.ID, d.Series.Name, d.Number, d.On, c.Birth)
			}
			if def.MaxAge != nil && d.On.After(def.MaxAge.After(c.Birth)) {
				t.Errorf("%s %s %d on %s: too old", c.ID, d.Series.Name, d.Number, d.On)
			}
			if d.On.After(today) || d.Expiry.Before(d.On) {
				t.Errorf("%s %s %d on %s, lot until %s", c.ID, d.Series.Name, d.Number, d.On, d.Expiry)
			}
			if d.Number > 1 {
				before, given := last[d.Series.Name]
				if !given || def.MinInterval != nil && d.On.Before(def.MinInterval.After(before)) {
					t.Errorf("%s %s %d on %s: the one before was on %s", c.ID, d.Series.Name, d.Number, d.On, before)
				}
			}
			last[d.Series.Name] = d.On
			if d.Series.Live && !d.Series.Oral {
				for _, o := range live {
					if gap := int(d.On.Sub(o).Hours() / 24); gap != 0 && gap < 28 {
						t.Errorf("%s: live vaccines %d days apart", c.ID, gap)
					}
				}
				live = append(live, d.On)
			}
		}
	}
	for _, s := range p.schedule.Series {
		if s.Name != "Td-booster" && byVaccine[s.Name] == 0 {
			t.Errorf("nobody got %s", s.Name)
		}
	}
}

func TestClaimsPassEveryPreCheck(t *testing.T) {
	p := population(1500, 11)
	if len(p.Episodes) < 300 {
		t.Fatalf("only %d episodes", len(p.Episodes))
	}
	kinds := map[string]int{}
	for _, e := range p.Episodes {
		f := &hoso.File{MaCSKCB: e.Facility, NgayLap: today.Format("20060102"), HoSo: []hoso.HoSo{e.HoSo}}
		for _, finding := range hoso.Check(f, hoso.CheckOptions{Now: today}) {
			t.Errorf("%s: %s %s", e.MaLK, finding.Path(), finding.EN)
		}
		x := e.HoSo.XML1()
		kinds["type "+x.Get("MA_LOAI_KCB")]++
		kinds["benefit "+e.HoSo.Rows(hoso.XML3)[0].Get("MUC_HUONG")]++
	}
	for _, k := range []string{"type 01", "type 03", "benefit 80", "benefit 95", "benefit 100"} {
		if kinds[k] == 0 {
			t.Errorf("no claim with %s: %v", k, kinds)
		}
	}
}

func TestSameConfigGivesTheSameBytes(t *testing.T) {
	a, b, other, more := gather(t, population(60, 1)), gather(t, population(60, 1)), gather(t, population(60, 2)), gather(t, population(200, 1))
	if !slices.EqualFunc(a, b, bytes.Equal) {
		t.Error("two populations of the same seed differ")
	}
	if slices.EqualFunc(a, other, bytes.Equal) {
		t.Error("two seeds gave the same population")
	}
	inMore := map[string]bool{}
	for _, m := range more {
		inMore[string(m)] = true
	}
	for _, m := range a {
		if !inMore[string(m)] {
			t.Fatalf("a larger population has changed what the smaller one had: %.200s", m)
		}
	}
}

func gather(t *testing.T, p *Population) [][]byte {
	t.Helper()
	var all [][]byte
	for stage := range Stages {
		for b, err := range p.Bundles(stage) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b.Body)
		}
	}
	return all
}

func TestChildToShowHasManyVaccinations(t *testing.T) {
	for seed := range uint64(20) {
		if c := population(50, seed).Child(); c == nil || len(c.Doses) < 8 {
			t.Errorf("seed %d: no child with a history worth showing: %+v", seed, c)
		}
	}
}

// store gives the resources of the population by key, so that a claim can be followed.
type store map[fhir.Key]*resource.Document

func (s store) Read(_ context.Context, key fhir.Key) (*resource.Document, error) {
	if d := s[key]; d != nil {
		return d, nil
	}
	return nil, fhir.Errorf(fhir.NotFound, "not-found", "", key.String())
}

func TestEachResourceIsR4AndSaysThatItIsInvented(t *testing.T) {
	p := population(200, 5)
	for _, bundle := range gather(t, p) {
		doc, err := resource.New(bundle)
		if err != nil {
			t.Fatalf("%v\n%.500s", err, bundle)
		}
		for _, i := range walk.Resource(doc.Root(), 10) {
			t.Errorf("%s at %s %v", i.Code, i.Path, i.Args)
		}
		for e := range doc.Root().Get("entry").Elements() {
			tag := e.Get("resource").Get("meta").Get("tag").At(0)
			if tag.Get("system").Text() != TagSystem || tag.Get("code").Text() != TagCode || !strings.Contains(tag.Get("display").Text(), "giả lập") {
				t.Errorf("no mark: %.300s", e.Raw())
			}
		}
	}
}

func TestClaimsComeBackFromFHIRAsTheyWereAndPassThePreChecks(t *testing.T) {
	p := population(200, 5)
	s := store{}
	for _, bundle := range gather(t, p) {
		doc, err := resource.New(bundle)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]string{}
		for e := range doc.Root().Get("entry").Elements() {
			names[e.Get("fullUrl").Text()] = e.Get("request").Get("url").Text()
		}
		for ref := range doc.Root().Strings("reference") {
			if to := names[ref.Text()]; to != "" {
				ref.ReplaceString(to)
			}
		}
		for e := range doc.Root().Get("entry").Elements() {
			res := e.Get("resource")
			d, err := resource.New(res.AppendTo(nil))
			if err != nil {
				t.Fatal(err)
			}
			id, _ := res.ID()
			s[fhir.Key{Type: res.ResourceType(), ID: fhir.ID(id)}] = d
		}
	}
	for _, e := range p.Episodes {
		claim, err := mapping.FromFHIR(t.Context(), s, s[e.Claim()].Root(), mapping.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(claim.Findings, hoso.CheckEpisode(nil, claim.HoSo, hoso.CheckOptions{Now: today})...) {
			t.Errorf("%s: %s %s %s", e.MaLK, f.Rule, f.Path(), f.EN)
		}
		for _, id := range []hoso.ID{hoso.XML1, hoso.XML2, hoso.XML3} {
			want, got := e.HoSo.Rows(id), claim.HoSo.Rows(id)
			if len(want) != len(got) {
				t.Errorf("%s: %d rows of %s, want %d", e.MaLK, len(got), id, len(want))
				continue
			}
			for i := range want {
				for j, f := range want[i].Layout().Fields {
					a, b := want[i].Values()[j], got[i].Values()[j]
					if a != b && !strings.EqualFold(a, b) {
						t.Errorf("%s %s[%d].%s was %q, is %q", e.MaLK, id, i+1, f.Name, a, b)
					}
				}
			}
		}
	}
}
