package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestRolesWithAPublicClient drives a demo as hospital, clinic, auditor, citizen and operator, by the tokens that it prints.
func TestRolesWithAPublicClient(t *testing.T) {
	python := filepath.Join(installation(t), "python", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skipf("not installed here, see .ci/clients: %v", err)
	}
	base, printed := startPrintingDemo(t)
	tokens := map[string]string{}
	fhirtest.Eventually(t, "the printed tokens", func() bool {
		for _, m := range regexp.MustCompile(`# (\w+)\n\s*H='Authorization: Bearer ([^']+)'`).FindAllStringSubmatch(printed(), -1) {
			tokens[m[1]] = m[2]
		}
		return len(tokens) == 5
	})
	raw, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIENTHONG_TOKENS", string(raw))
	client{"roles", python, python, []string{"-B", "testdata/python/drive_roles.py"}}.drive(t, base)
}
