package walk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestEachCodeIsInTheCatalogue reads this room's sources for codes and wants a row for each.
func TestEachCodeIsInTheCatalogue(t *testing.T) {
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join(root, "fhir", "outcome", "catalogue", "walk.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(rows)) {
		if f := strings.Split(line, "\t"); !strings.HasPrefix(line, "#") {
			if len(f) != 4 {
				t.Errorf("a row needs four columns: %s", line)
			}
			known[f[0]] = true
		}
	}
	quoted := regexp.MustCompile(`"([a-zA-Z0-9]+-[a-z0-9-]+)"`)
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(src), -1) {
			if !known[m[1]] {
				t.Errorf("%s: %s has no row in walk.tsv", name, m[1])
			}
		}
	}
}
