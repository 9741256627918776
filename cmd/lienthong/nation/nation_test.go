package nation

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func small() Config {
	c := Default()
	c.People, c.Years = 20_000, 5
	return c
}

func run(t *testing.T, c Config) map[Routing]Result {
	t.Helper()
	results, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	out := map[Routing]Result{}
	for _, r := range results {
		out[r.Routing] = r
	}
	return out
}

func TestTheTableIsTheCensus(t *testing.T) {
	provinces, parts, err := Provinces()
	if err != nil {
		t.Fatal(err)
	}
	people, codes := 0, map[string]bool{}
	for _, p := range provinces {
		people += p.People
		codes[p.Code] = true
	}
	// The totals: 96,208,984 on 1 April 2019; 63 provinces then, 34 since 1 July 2025.
	if people != 96_208_984 || len(codes) != 63 || len(parts) != 34 {
		t.Errorf("%d people in %d provinces, %d today", people, len(codes), len(parts))
	}
}

func TestASeedGivesTheSameFigures(t *testing.T) {
	a, b := run(t, small()), run(t, small())
	if !reflect.DeepEqual(a, b) {
		t.Error("two runs with one seed differ")
	}
	c := small()
	c.Seed++
	if reflect.DeepEqual(a, run(t, c)) {
		t.Error("another seed gives the same figures")
	}
}

func TestWhatEachRoutingMustDo(t *testing.T) {
	c := small()
	results := run(t, c)
	var people, wrote float64
	for _, r := range Routings {
		var sum, mean float64
		for _, p := range results[r].Parts {
			sum, mean = sum+p.People, mean+p.Mean
		}
		if people == 0 {
			people, wrote = sum, mean
		}
		if math.Abs(sum-people) > 1 || math.Abs(mean-wrote) > .01 {
			t.Errorf("%s: %g people, %g written a second; others have %g, %g", r, sum, mean, people, wrote)
		}
	}
	if want := float64(c.Nation) * c.Visits * c.Resources / (365 * 24 * 3600); math.Abs(wrote-want) > want/20 {
		t.Errorf("%g resources a second are written, want about %g", wrote, want)
	}
	if got := results[ByHash].AwayWrites; math.Abs(got-33./34) > .01 {
		t.Errorf("by hash %g of the writes leave their partition, want 33 of 34", got)
	}
	if results[ByCare].AwayWrites != 0 || results[ByCare].Fan <= 1 || results[ByResidence].Fan != 1 {
		t.Error("by care nothing is written elsewhere, and reads need more than one partition")
	}
	if b, h := results[ByBirth].AwayWrites, results[ByResidence].AwayWrites; b <= h {
		t.Errorf("by birth %g are written elsewhere, by residence %g", b, h)
	}
}

func TestWhoStaysAtHomeNeedsNoDirectory(t *testing.T) {
	c := small()
	c.Born, c.Moves, c.Away = 0, 0, 0
	for r, got := range run(t, c) {
		if r != ByHash && (got.AwayWrites != 0 || got.AwayReads != 0 || got.Listed != 0 || got.Carried != 0 || got.Fan != 1) {
			t.Errorf("%s: %+v", r, got)
		}
	}
}

func TestALogThatIsTooSmallNeverCatchesUp(t *testing.T) {
	c := small()
	c.Capacity = 1
	if got := run(t, c)[ByResidence].Parts[0].CatchUp; !math.IsInf(got, 1) {
		t.Errorf("caught up in %g hours", got)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"nobody": func(c *Config) { c.People = 0 }, "no year": func(c *Config) { c.Years = 0 },
		"a small nation": func(c *Config) { c.Nation = 5 }, "a share": func(c *Config) { c.Away = 1.5 }, "no log": func(c *Config) { c.Capacity = 0 },
	} {
		c := small()
		change(&c)
		if _, err := Run(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTheReportNamesEachPartition(t *testing.T) {
	c := small()
	results, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, c, results); err != nil {
		t.Fatal(err)
	}
	for _, p := range results[0].Parts {
		if !strings.Contains(b.String(), p.Name) {
			t.Errorf("no %s", p.Name)
		}
	}
}
