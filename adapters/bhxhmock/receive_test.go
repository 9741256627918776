package bhxhmock

import (
	"fmt"
	"testing"
)

// Of stays that overlap and come at once only the first in the ledger is paid: what was decided before another stay was written
// is decided again when its own row is.
func TestOverlapsThatComeAtOnce(t *testing.T) {
	m, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	table := columnsOf([]string{"T_BHTT", "MA_THE_BHYT", "NGAY_VAO", "NGAY_RA", "MA_LOAI_KCB"})
	var waiting []*request
	var decided [][]Row
	for i := range 3 {
		q := &request{m: m, call: CallClaim, row: Row{Time: "2026-04-01T01:00:00Z", Facility: "51901"}}
		total := fields{table, []string{"", "GD4510000000001", "202603010800", "202603050800", "03"}}
		q.records = []record{{maLK: fmt.Sprint("LK", i), version: 1, total: total, lines: []detail{{"XML3", 1, fields{table, []string{"100.00", "", "", "", ""}}}}}}
		waiting, decided = append(waiting, q), append(decided, q.rows(DecisionAccepted, "200", ""))
	}
	for i, q := range waiting {
		rows, err := m.ledger.append(decided[i], q.reconsider)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows[0].Accepted; (got == "0.00") != (i > 0) || rows[0].Claimed != "100.00" {
			t.Errorf("of the stay that is written as number %d %s is paid", i+1, got)
		}
	}
}
