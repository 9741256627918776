package immunization

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const campaign = `{"id":"mr-2025","version":"1","title_vi":"Chiến dịch sởi","source":"invented","effectiveFrom":"2025-03-01","effectiveTo":"2025-06-01",
"rules":{"liveVaccineMinIntervalDays":28},"series":[{"series":"MR-campaign","disease_vi":"Sởi","disease_en":"Measles","vaccine_vi":"MR","cvx":["04"],"live":true,
"givenFrom":"2025-03-01","doses":[{"dose":1,"minAge":"1y","recommendedAge":"1y","maxAge":"10y"}]}]}`

func TestAScheduleIsAFileInAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("campaign.json", campaign)
	old := strings.NewReplacer(`"2024-06-13"`, `"2017-11-30"`, `"effectiveFrom":"2024-08-01","effectiveTo":null`, `"effectiveFrom":"2018-01-01","effectiveTo":"2024-08-01"`).Replace(string(national))
	write("old.json", old)
	set, err := LoadSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]string{
		"2024-07-31": "vn-epi|2017-11-30", "2024-08-01": "vn-epi|2024-06-13",
		"2025-02-28": "vn-epi|2024-06-13", "2025-03-01": "mr-2025|1 vn-epi|2024-06-13", "2025-05-31": "mr-2025|1 vn-epi|2024-06-13", "2025-06-01": "vn-epi|2024-06-13",
		"2010-01-01": "",
	} {
		day, _ := time.Parse(time.DateOnly, on)
		in, early := set.On(day)
		var names []string
		for _, s := range in {
			names = append(names, s.Canonical())
		}
		if got := strings.Join(names, " "); got != want || len(early) != 0 {
			t.Errorf("on %s: %q (%d early), want %q", on, got, len(early), want)
		}
	}
	if in, early := Standard().On(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); len(in) != 1 || len(early) != 1 {
		t.Error("before the only version of the national schedule it is used, and said to be early")
	}
	write("twice.json", strings.Replace(old, `"2024-08-01"`, `"2024-09-01"`, 1))
	if _, err := LoadSet(dir); err == nil {
		t.Error("two versions in force on one day were taken")
	}
	write("twice.json", "{")
	if _, err := LoadSet(dir); err == nil || !strings.Contains(err.Error(), "twice.json") {
		t.Errorf("a file that cannot be read: %v", err)
	}
	if _, err := LoadSet(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func TestWhatCannotBeWorkedWithIsRefused(t *testing.T) {
	for why, change := range map[string][2]string{
		"a member that is not known":       {`"minAge"`, `"minAgee"`},
		"a series that is not there":       {`"cvx":["04"]`, `"cvx":["04"],"after":"none:1"`},
		"a series after itself":            {`"cvx":["04"]`, `"cvx":["04"],"after":"MR-campaign:1"`},
		"a dose that is not there":         {`"cvx":["04"]`, `"cvx":["04"],"after":"MR-campaign:2"`},
		"no day from which it holds":       {`"effectiveFrom":"2025-03-01"`, `"effectiveFrom":""`},
		"a day that is none":               {`"givenFrom":"2025-03-01"`, `"givenFrom":"2025-02-30"`},
		"an age that is none":              {`"1y"`, `"1 year"`},
		"no product":                       {`["04"]`, `[]`},
		"doses that are not numbered so":   {`"dose":1`, `"dose":2`},
		"an interval that is out of range": {`:28}`, `:-1}`},
	} {
		if text := strings.Replace(campaign, change[0], change[1], 1); text == campaign {
			t.Errorf("%s: nothing was changed", why)
		} else if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s was taken", why)
		}
	}
	if _, err := Parse([]byte(campaign)); err != nil {
		t.Error(err)
	}
}

func TestProductsOfOneGroup(t *testing.T) {
	set := Standard()
	for _, c := range []struct {
		a, b string
		same bool
	}{{"198", "102", true}, {"198", "01", true}, {"05", "03", true}, {"10", "178", false}, {"35", "139", true}, {"19", "08", false}} {
		a, _ := set.Group(c.a)
		b, _ := set.Group(c.b)
		if (a == b) != c.same {
			t.Errorf("%s and %s: one group %v, want %v", c.a, c.b, a == b, c.same)
		}
	}
	if _, ok := set.Group("140"); ok || set.Known("140") || !set.Known("19") {
		t.Error("a product that no series takes is known")
	}
	for cvx, live := range map[string]bool{"19": true, "05": true, "178": false, "119": false, "198": false, "21": true} {
		if set.Live(cvx) != live {
			t.Errorf("%s: live %v", cvx, !live)
		}
	}
}
