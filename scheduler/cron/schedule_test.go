package cron

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ name, expression, zone, after, want string }{
		{"half past two is Vietnamese time", "30 2 * * *", "", "2026-03-01T00:00:00Z", "2026-03-02T02:30:00+07:00"},
		{"a slot is after, never at, the instant asked from", "0 8 * * *", "", "2026-03-01T08:00:00+07:00", "2026-03-02T08:00:00+07:00"},
		{"six fields begin with the second", "*/10 * * * * *", "", "2026-03-01T08:00:01+07:00", "2026-03-01T08:00:10+07:00"},
		{"another zone", "0 0 1 1 *", "UTC", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"a descriptor", "@daily", "", "2026-03-01T08:00:00+07:00", "2026-03-02T00:00:00+07:00"},
		{"every is a multiple since the epoch", "@every 1h", "", "2026-03-01T08:10:00+07:00", "2026-03-01T09:00:00+07:00"},
		{"the hour that summer time skips has no slot", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T02:30:00+02:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse(c.expression, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Next(at(t, c.after)); !got.Equal(at(t, c.want)) {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339), c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expression, zone, code string }{
		{"", "", "schedule-invalid"},
		{"61 * * * *", "", "schedule-invalid"},
		{"* * *", "", "schedule-invalid"},
		{"@every 10ms", "", "schedule-invalid"},
		{"@every -1m", "", "schedule-invalid"},
		{"TZ=UTC 0 0 * * *", "", "schedule-invalid"},
		{"0 0 * * *", "Asia/Atlantis", "zone-unknown"},
		{"0 0 * * *", "Local", "zone-unknown"},
	} {
		_, err := Parse(c.expression, c.zone)
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != c.code {
			t.Errorf("Parse(%q, %q) = %v, want code %s", c.expression, c.zone, err, c.code)
		}
	}
}

// A list of slots, the newest slot of a stretch and step by step walking must tell the same story.
func TestSlotsAgree(t *testing.T) {
	expressions := []string{"*/7 * * * * *", "*/5 * * * *", "15 3 * * 1-5", "0 0 29 2 *", "@every 13s", "@hourly", "0 12 1,15 * *"}
	rapid.Check(t, func(t *rapid.T) {
		s, err := Parse(rapid.SampledFrom(expressions).Draw(t, "expression"), "")
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1_700_000_000, 1_800_000_000).Draw(t, "from"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		next := s.Next(from)
		if next.IsZero() || !next.After(from) || next.Nanosecond() != 0 {
			t.Fatalf("Next(%s) = %s", from, next)
		}
		to := from.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "span")))
		all := s.Between(from, to, 1<<20)
		last, ok := s.Latest(from, to)
		if ok != (len(all) > 0) {
			t.Fatalf("Latest ok=%v, Between has %d", ok, len(all))
		}
		if ok && !last.Equal(all[len(all)-1]) {
			t.Fatalf("Latest %s, Between ends with %s", last, all[len(all)-1])
		}
		for i, slot := range all {
			if i > 0 && !s.Next(all[i-1]).Equal(slot) {
				t.Fatalf("gap before %s", slot)
			}
		}
	})
}

func TestLatestAfterAYearDown(t *testing.T) {
	s, err := Parse("*/10 * * * * *", "")
	if err != nil {
		t.Fatal(err)
	}
	to := at(t, "2026-03-01T08:00:05+07:00")
	got, ok := s.Latest(to.AddDate(-1, 0, 0), to)
	if !ok || !got.Equal(at(t, "2026-03-01T08:00:00+07:00")) {
		t.Errorf("got %s %v", got, ok)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*/10 * * * * *", "")
	f.Add("@every 5m", "UTC")
	f.Fuzz(func(t *testing.T, expression, zone string) {
		s, err := Parse(expression, zone)
		if err != nil {
			return
		}
		from := time.Unix(1_772_323_200, 0)
		if n := s.Next(from); !n.IsZero() && !n.After(from) {
			t.Fatalf("%q: slot %s is not after %s", expression, n, from)
		}
	})
}
