package immunization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"pgregory.net/rapid"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAgesAreCalendarUnits(t *testing.T) {
	for _, c := range []struct{ birth, age, want string }{
		{"2025-01-31", "1m", "2025-02-28"},
		{"2024-01-31", "1m", "2024-02-29"},
		{"2024-02-29", "1y", "2025-02-28"},
		{"2024-02-29", "4y", "2028-02-29"},
		{"2024-11-30", "3m", "2025-02-28"},
		{"2024-12-15", "2m", "2025-02-15"},
		{"2024-12-31", "0d", "2024-12-31"},
		{"2024-12-31", "7d", "2025-01-07"},
		{"2023-05-10", "1y+1w", "2024-05-17"},
		{"2024-02-28", "2w", "2024-03-13"},
		{"2024-08-31", "18m", "2026-02-28"},
	} {
		a, err := ParseAge(c.age)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.After(day(c.birth)).Format(time.DateOnly); got != c.want {
			t.Errorf("%s + %s = %s, want %s", c.birth, c.age, got, c.want)
		}
	}
}

func TestWhatIsNoAgeIsRefused(t *testing.T) {
	for _, s := range []string{"", "m", "2", "2x", "-1d", "1w+1y", "1y+", "first contact", "2 m"} {
		if a, err := ParseAge(s); err == nil {
			t.Errorf("ParseAge(%q) = %v, want an error", s, a)
		}
	}
}

func TestAgePropertiesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Age{Months: rapid.IntRange(0, 300).Draw(t, "months"), Days: rapid.IntRange(0, 60).Draw(t, "days")}
		back, err := ParseAge(a.String())
		if err != nil || back != a {
			t.Fatalf("%v written as %s reads as %v, %v", a, a, back, err)
		}
		b1 := day("1990-01-01").AddDate(0, 0, rapid.IntRange(0, 20000).Draw(t, "birth"))
		b2 := b1.AddDate(0, 0, 1)
		if a.After(b2).Before(a.After(b1)) {
			t.Fatalf("born a day later, %s is reached earlier: %s, %s", a, b1, b2)
		}
		if a.Days == 0 && a.After(b1).Day() > b1.Day() {
			t.Fatalf("%s after %s falls on a later day of the month", a, b1)
		}
	})
}

func TestNationalScheduleSaysWhatTheCircularSays(t *testing.T) {
	s := National()
	if s.ID != "vn-epi" || s.Version == "" || s.Source == "" {
		t.Fatalf("schedule without name, version or source: %+v", s)
	}
	five := s.Find("DTP-HepB-Hib")
	if five == nil || len(five.Doses) != 3 || five.Doses[1].MinAge.String() != "3m" || five.Doses[1].MinInterval.String() != "1m" {
		t.Errorf("DTP-HepB-Hib: %+v", five)
	}
	if d := s.Find("HepB-birth").Doses[0]; d.MaxAge == nil || *d.MaxAge != (Age{Days: 7}) || *d.Recommended != (Age{}) {
		t.Errorf("HepB-birth: %+v", d)
	}
	if d := s.Find("JE").Doses[1]; *d.Recommended != (Age{Months: 12, Days: 7}) {
		t.Errorf("JE dose 2: %+v", d)
	}
	if d := s.Find("Tetanus-pregnancy").Doses[0]; d.MinAge != nil || d.Recommended != nil || d.RecommendedText == "" {
		t.Errorf("what hangs on a pregnancy has no age: %+v", d)
	}
	if s.Find("none") != nil {
		t.Error("an unknown series was found")
	}
}

func TestCommittedScheduleIsTheFieldsOwn(t *testing.T) {
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "vaccination", "epi-schedule.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	facts := regexp.MustCompile(`,"note_vi":"[^"]*"`).ReplaceAll(bytes.TrimSpace(national), nil)
	if !bytes.Equal(facts, b.Bytes()) {
		t.Error("schedules/vn-epi.json is not what go generate makes: besides its notes in Vietnamese it has other facts")
	}
}

func TestEachNoteOfTheNationalScheduleIsInBothLanguages(t *testing.T) {
	notes := 0
	both := func(place, en, vi string) {
		if en != "" {
			notes++
		}
		if (en == "") != (vi == "") {
			t.Errorf("%s: %q in English, %q in Vietnamese", place, en, vi)
		}
	}
	for _, s := range National().Series {
		both(s.Name, s.Note, s.NoteVi)
		for _, d := range s.Doses {
			both(fmt.Sprintf("%s dose %d", s.Name, d.Number), d.Note, d.NoteVi)
		}
	}
	if notes < 5 {
		t.Errorf("only %d notes were looked at", notes)
	}
}
