package clients

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// output is what the server prints, read while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// startDemo builds the command and runs its demo: a server with a small population whose claims were all assessed, so
// that ClaimResponse and Task are there too. It gives the base URL; the server ends with the test.
func startDemo(t *testing.T) string {
	t.Helper()
	base, _ := startPrintingDemo(t)
	return base
}

// startPrintingDemo is startDemo, and gives what the demo has printed so far.
func startPrintingDemo(t *testing.T) (base string, out func() string) {
	t.Helper()
	return startDemoUntil(t, "a server with assessed claims", func(base string) bool {
		claims := total(base + "/Claim?_summary=count")
		return claims > 0 && claims == total(base+"/Task?business-status=assessed&_summary=count")
	})
}

// startDemoUntil waits for no more than what ready asks for.
func startDemoUntil(t *testing.T, what string, ready func(base string) bool) (base string, out func() string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "lienthong")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	place := filepath.Join(dir, "info.json")
	var printed output
	cmd := exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0",
		"--data", filepath.Join(dir, "data"), "--every", "1s", "--citizens", "30", "--info", place)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the server ended with %v\n%s", err, printed.String())
			}
		case <-time.After(fhirtest.Patience):
			_ = cmd.Process.Kill()
			t.Errorf("the server does not end\n%s", printed.String())
		}
	})
	var info struct{ FHIR string }
	fhirtest.Eventually(t, what, func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended: %v\n%s", err, printed.String())
		default:
		}
		raw, err := os.ReadFile(place)
		if err != nil || json.Unmarshal(raw, &info) != nil {
			return false
		}
		return ready(info.FHIR)
	})
	return info.FHIR, printed.String
}

// total is Bundle.total of a search, or -1.
func total(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	bundle := struct{ Total int }{-1}
	if json.NewDecoder(resp.Body).Decode(&bundle) != nil {
		return -1
	}
	return bundle.Total
}
