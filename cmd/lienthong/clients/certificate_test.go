package clients

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestForeignReadersVerifyCertificates has certificates of the demo read by libraries that are not ours: the printed page
// is drawn (PDFium), its QR codes are scanned (zxing-cpp), and what they say is verified, the SMART Health Card by
// kill-the-clipboard, the HC1 by cwt and base45.
func TestForeignReadersVerifyCertificates(t *testing.T) {
	dir := installation(t)
	python, packages := filepath.Join(dir, "python", "bin", "python"), filepath.Join(dir, "node", "node_modules")
	_, noNode := os.Stat(filepath.Join(packages, "kill-the-clipboard"))
	noPython := exec.Command(python, "-c", "import base45, cwt, pypdfium2, zxingcpp").Run()
	if err := errors.Join(noNode, noPython); err != nil {
		t.Skipf("NO FOREIGN READER HAS SEEN A CERTIFICATE: not installed here, see .ci/clients: %v", err)
	}
	base := startDemo(t)
	work := t.TempDir()
	keys := filepath.Join(work, "jwks.json")
	download(t, strings.TrimSuffix(base, "/fhir")+"/certificate/.well-known/jwks.json", keys)
	for _, lang := range []string{"vi", "en"} {
		t.Run(lang, func(t *testing.T) {
			printed := filepath.Join(work, lang+".pdf")
			download(t, base+"/"+vaccinated(t, base)+"/$immunization-certificate?format=pdf&lang="+lang, printed)
			codes := filepath.Join(work, lang+".txt")
			ctx, cancel := context.WithTimeout(t.Context(), fhirtest.Patience)
			defer cancel()
			if out, err := exec.CommandContext(ctx, python, "-B", "testdata/python/certificate.py", keys, printed, codes).CombinedOutput(); err != nil {
				t.Fatalf("scan, and HC1: %v\n%s", err, out)
			}
			script := beside(t, "testdata/node/certificate.mjs", packages)
			if out, err := exec.CommandContext(ctx, "node", script, keys, codes).CombinedOutput(); err != nil {
				t.Fatalf("SMART Health Card: %v\n%s", err, out)
			}
		})
	}
}

// vaccinated gives the patient with the most doses among those of the demo, whose card takes several QR codes.
func vaccinated(t *testing.T, base string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "doses.json")
	download(t, base+"/Immunization?status=completed&_count=500&_elements=patient", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct {
			Resource struct{ Patient struct{ Reference string } }
		}
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		t.Fatal(err)
	}
	best, doses := "", map[string]int{}
	for _, e := range bundle.Entry {
		p := e.Resource.Patient.Reference
		if doses[p]++; doses[p] > doses[best] {
			best = p
		}
	}
	return best
}

func download(t *testing.T, url, file string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %.300s", url, resp.StatusCode, err, raw)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
