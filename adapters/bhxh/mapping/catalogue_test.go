package mapping_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// A finding becomes an issue of the catalogue by its rule's id: both must say the same.
func TestRulesStandInTheCatalogueWithTheirTexts(t *testing.T) {
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range []string{"bhxh.tsv", "bhxh-rules.tsv"} {
		f, err := os.Open(filepath.Join(root, "fhir", "outcome", "catalogue", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			row := strings.Split(lines.Text(), "\t")
			if len(row) != 4 || strings.HasPrefix(row[0], "bhxh-") {
				continue
			}
			rule, ok := hoso.RuleByID(row[0])
			if !ok {
				rule.VI, rule.EN = mapping.RuleTexts(row[0])
			}
			if rule.EN != row[2] || rule.VI != row[3] {
				t.Errorf("%s: %q %q, the catalogue has %q %q", row[0], rule.EN, rule.VI, row[2], row[3])
			}
			seen++
		}
	}
	if seen != 48+5+5 {
		t.Errorf("%d rules in the catalogue", seen)
	}
}
