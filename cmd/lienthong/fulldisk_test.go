package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// TestTooLittleRoom: a server whose disk has less room than it is to keep reads, refuses to write in words of either language, says so
// to its load balancer, ends in order, and takes writes again once there is room.
func TestTooLittleRoom(t *testing.T) {
	enginetest.InFolder(t)
	dir := t.TempDir()
	start := func(reserve string) *child {
		return startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir, "--disk-reserve", reserve, "--metrics-listen", "127.0.0.1:0")
	}
	const basic = `{"resourceType":"Basic","code":{"text":"synthetic"}}`
	server := start("0")
	if status, raw, err := exchange(http.MethodPost, server.info.FHIR+"/Basic", basic); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, raw, err)
	}
	server.stop(t)

	server = start("1000000000") // nobody has a petabyte
	for language, words := range map[string]string{"en": "too little room", "vi": "quá ít chỗ trống"} {
		req, err := http.NewRequest(http.MethodPost, server.info.FHIR+"/Basic", strings.NewReader(basic))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/fhir+json")
		req.Header.Set("Accept-Language", language)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		raw := string(answer)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(raw, words) || !strings.Contains(raw, "store-full") {
			t.Errorf("a write: %d %s", resp.StatusCode, raw)
		}
	}
	if n := total(t, server.info.FHIR+"/Basic?_summary=count"); n != 1 {
		t.Errorf("%d resources", n)
	}
	root := strings.TrimSuffix(server.info.FHIR, "/fhir")
	if status, raw, err := exchange(http.MethodGet, root+"/readyz", ""); err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "store-full") {
		t.Errorf("/readyz: %d %s %v", status, raw, err)
	}
	if _, raw, err := exchange(http.MethodGet, server.info.Metrics, ""); err != nil || !strings.Contains(string(raw), `lienthong_not_ready{code="store-full"} 1`) || !strings.Contains(string(raw), `lienthong_not_ready{code="log-unreachable"} 0`) {
		t.Errorf("the figures: %v", err)
	}
	if status, _, err := exchange(http.MethodGet, root+"/healthz", ""); err != nil || status != http.StatusOK {
		t.Errorf("/healthz: %d %v", status, err)
	}
	if code := server.stop(t); code != 0 {
		t.Errorf("it ended with %d\n%s", code, server.out.String())
	}

	server = start("0")
	root = strings.TrimSuffix(server.info.FHIR, "/fhir")
	if status, raw, err := exchange(http.MethodPost, server.info.FHIR+"/Basic", basic); err != nil || status != http.StatusCreated {
		t.Errorf("%d %s %v", status, raw, err)
	}
	if status, raw, err := exchange(http.MethodGet, root+"/readyz", ""); err != nil || status != http.StatusOK {
		t.Errorf("/readyz: %d %s %v", status, raw, err)
	}
	server.stop(t)
}
