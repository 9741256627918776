package cases

import (
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// A case as FHIR tells of each version where it stands and why, rule by rule, who decided, and each attempt, as the plain one does.
func TestACaseTellsOfItsVersions(t *testing.T) {
	at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	c := Case{Versions: []Version{
		{Version: 1, State: delivery.Withdrawn, Since: at, Reason: &delivery.Reason{Code: "AMT-06"}, Findings: []delivery.Reason{
			{Code: "AMT-06", Path: "XML2[1].T_BHTT", Element: "Claim.item[0]", VI: "sai", EN: "wrong"}, {Code: "TOT-05", Path: "XML1.T_BHTT_GDV"},
		}, Decided: &delivery.Ruling{By: "chi.lan", Decision: delivery.DecideWithdraw, Reason: "gửi nhầm"}},
		{Version: 2, State: delivery.Rejected, Since: at, Reason: &delivery.Reason{Code: "205", VI: "Sai định dạng"}, Attempts: []Attempt{
			{N: 1, Started: at}, {N: 2, Started: at, Ended: at.Add(time.Second), Outcome: delivery.Rejected, MaKetQua: "205", Text: "Sai", FileSHA256: "f00"},
		}},
		{Version: 3, State: delivery.Assessed, Assessment: delivery.Denied, Since: at},
	}}
	got := string(c.Bundle(nil))
	version := func(n string) string { return `{"name":"version","valueString":"` + n + `"}` }
	since := `,{"name":"since","valueInstant":"2026-03-02T01:00:00Z"}`
	for _, want := range []string{
		`{"name":"standing","part":[` + version("1") + `,{"name":"state","valueCode":"withdrawn"}` + since + `,{"name":"code","valueString":"AMT-06"},{"name":"field","valueString":"XML2[1].T_BHTT"},` +
			`{"name":"element","valueString":"Claim.item[0]"},{"name":"reason","part":[{"name":"vi","valueString":"sai"},{"name":"en","valueString":"wrong"}]}]}`,
		since + `,{"name":"code","valueString":"TOT-05"},{"name":"field","valueString":"XML1.T_BHTT_GDV"}]}`,
		`{"name":"decided","part":[` + version("1") + `,{"name":"decision","valueCode":"withdraw"},{"name":"who","valueString":"chi.lan"},{"name":"reason","valueString":"gửi nhầm"}]}`,
		since + `,{"name":"code","valueString":"205"},{"name":"reason","part":[{"name":"vi","valueString":"Sai định dạng"}]}]}`,
		`{"name":"standing","part":[` + version("3") + `,{"name":"state","valueCode":"assessed"},{"name":"assessment","valueCode":"denied"}` + since + `]}`,
		`{"name":"attempt","part":[` + version("2") + `,{"name":"number","valueString":"1"},{"name":"start","valueInstant":"2026-03-02T01:00:00Z"}]}`,
		`{"name":"end","valueInstant":"2026-03-02T01:00:01Z"},{"name":"outcome","valueCode":"rejected"},{"name":"maKetQua","valueString":"205"},{"name":"thongDiep","valueString":"Sai"},{"name":"file-sha256","valueString":"f00"}]}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if n := strings.Count(got, `"standing"`); n != 4 {
		t.Errorf("%d standings", n)
	}
}

func TestReviewsHaveWords(t *testing.T) {
	for _, l := range []outcome.Language{outcome.English, outcome.Vietnamese} {
		for _, o := range Outcomes {
			if o.In(l) == "" {
				t.Errorf("%s: %s has no words", l, o)
			}
		}
		for parameter, list := range Codes {
			if list != wording.Catalogue && Names[outcome.Vietnamese][parameter] == "" {
				t.Errorf("%s has no name", parameter)
			}
		}
	}
	for code, want := range map[string][2]string{"200": {"Tiếp nhận thành công [200]", "Accepted [200]"}, "999": {"999", "999"}, "": {"", ""}} {
		a := Attempt{MaKetQua: code}
		if got := [2]string{a.Result(outcome.Vietnamese), a.Result(outcome.English)}; got != want {
			t.Errorf("%q", got)
		}
	}
}
