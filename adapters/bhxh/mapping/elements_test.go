package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/resource"
)

// A claim of thousands of lines has a thousand findings: its lines are read once for all of them.
func TestElementsOfManyFindingsReadTheClaimOnce(t *testing.T) {
	const n = 500
	var items, infos []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"sequence":%d,"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"XML%d"}]}}`, i+1, 2+i%2))
		infos = append(infos, fmt.Sprintf(`{"sequence":%d,"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"XML%d"}]}}`, i+1, 4+i%2))
	}
	doc, err := resource.New([]byte(`{"resourceType":"Claim","item":[` + strings.Join(items, ",") + `],"supportingInfo":[` + strings.Join(infos, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	elementOf := Elements(doc.Root(), Systems{})
	for _, c := range []struct {
		table    string
		row, seq int
	}{{"XML2", 1, 1}, {"XML3", 1, 2}, {"XML3", n / 2, n}, {"XML4", 2, 3}, {"XML5", n / 2, n}, {"XML5", n, 0}} {
		f := hoso.NewFinding("AMT-09", c.table, c.row, "MUC_HUONG")
		want := fmt.Sprintf("(sequence=%d)", c.seq)
		if got := elementOf(f); strings.Contains(got, want) != (c.seq > 0) {
			t.Errorf("%s[%d]: %s, want %s", c.table, c.row, got, want)
		}
		if allocs := testing.AllocsPerRun(5, func() { elementOf(f) }); allocs > 40 {
			t.Errorf("%s[%d]: %.0f allocations for one more finding about %d lines", c.table, c.row, allocs, n)
		}
	}
}
