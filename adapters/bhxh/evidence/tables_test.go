package evidence

import (
	"slices"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// Who reads the print or the spreadsheet alone is told in words why each version is where it is, rule by rule.
func TestEachVersionIsExplainedInWords(t *testing.T) {
	c := cases.Case{
		Row: cases.Row{State: delivery.Assessed, Assessment: delivery.Partly, Reason: &delivery.Reason{Code: "late-effect", VI: "lý do", EN: "reason"}},
		Versions: []cases.Version{
			{Version: 1, State: delivery.Rejected, Reason: &delivery.Reason{Code: "205", VI: "Sai định dạng", EN: "Malformed"}},
			{Version: 2, State: delivery.Withdrawn, Reason: &delivery.Reason{Code: "AMT-06"}, Findings: []delivery.Reason{
				{Code: "AMT-06", Path: "XML2[1].T_BHTT", VI: "Phân bổ sai", EN: "Split wrong"}, {Code: "TOT-05", Path: "XML1.T_BHTT_GDV", VI: "Tổng sai", EN: "Sum wrong"},
			}, Decided: &delivery.Ruling{By: "chi.lan", Decision: "withdraw", Reason: "gửi nhầm"}},
			{Version: 3, State: delivery.Assessed, Assessment: delivery.Partly, Attempts: []cases.Attempt{{N: 1, Outcome: delivery.Accepted}}},
		},
		Reviews: []cases.Review{{Outcome: cases.ClaimWrong, Who: "kiem.dinh"}},
	}
	for lang, want := range map[outcome.Language]struct {
		state, sent, review string
		rows                [][]string
	}{
		outcome.Vietnamese: {"Đã giám định: chấp nhận một phần [assessed, partly]: lý do", "Đã tiếp nhận [accepted]", "Cơ sở đề nghị chưa đúng [claim-wrong]", [][]string{
			{"1", "Bị từ chối [rejected]", "", "205", "", "Sai định dạng"},
			{"2", "Đã rút [withdrawn]", "", "AMT-06", "XML2[1].T_BHTT", "Phân bổ sai"}, {"2", "Đã rút [withdrawn]", "", "TOT-05", "XML1.T_BHTT_GDV", "Tổng sai"},
			{"2", "Đã rút [withdrawn]", "", "Rút lại, không gửi [withdraw]", "", "chi.lan: gửi nhầm"},
			{"3", "Đã giám định: chấp nhận một phần [assessed, partly]", "", "", "", ""},
		}},
		outcome.English: {"assessed: granted in part [assessed, partly]: reason", "received by the portal [accepted]", "the hospital claimed what was not due [claim-wrong]", [][]string{
			{"1", "refused by the portal [rejected]", "", "205", "", "Malformed"},
			{"2", "withdrawn", "", "AMT-06", "XML2[1].T_BHTT", "Split wrong"}, {"2", "withdrawn", "", "TOT-05", "XML1.T_BHTT_GDV", "Sum wrong"},
			{"2", "withdrawn", "", "not to be sent [withdraw]", "", "chi.lan: gửi nhầm"},
			{"3", "assessed: granted in part [assessed, partly]", "", "", "", ""},
		}},
	} {
		w := in(lang)
		all := tables(c, w)
		if got := all[1].rows; !slices.EqualFunc(got, want.rows, slices.Equal) {
			t.Errorf("%s: %q", lang, got)
		}
		if got := summary(c, w)[3][1]; got != want.state {
			t.Errorf("%s: %q", lang, got)
		}
		if got := all[2].rows[0][4]; got != want.sent {
			t.Errorf("%s: %q", lang, got)
		}
		if got := all[len(all)-1].rows[0]; got[0] != want.review || got[1] != "kiem.dinh" {
			t.Errorf("%s: %q", lang, got)
		}
		for _, table := range all {
			if len(table.head) != len(table.wide) {
				t.Errorf("%s, %s: %d columns and %d widths", lang, table.name, len(table.head), len(table.wide))
			}
		}
	}
}
