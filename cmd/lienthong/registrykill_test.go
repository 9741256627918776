package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// registered is a transaction with an invented child and the dose of the day of birth.
func registered(n int) string {
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
{"resource":{"resourceType":"Patient","id":"k%d","name":[{"text":"Synthetic"}],"birthDate":"2025-01-10","address":[{"city":"Xã %d"}]},"request":{"method":"PUT","url":"Patient/k%[1]d"}},
{"resource":{"resourceType":"Immunization","id":"d%[1]d","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"19"}]},"patient":{"reference":"Patient/k%[1]d"},"occurrenceDateTime":"2025-01-10","lotNumber":"L-1"},"request":{"method":"PUT","url":"Immunization/d%[1]d"}}]}`, n, n%3)
}

var counted = regexp.MustCompile(`"count":\s*([0-9]+)`)

// TestKillWhileTheRegistryCounts: whatever moment the server dies at, the counters come to what a recount gives: each child
// once, with its dose.
func TestKillWhileTheRegistryCounts(t *testing.T) {
	rng := crashes(t)
	dir := filepath.Join(t.TempDir(), "store")
	start := func() *child {
		return startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir)
	}
	var next, done atomic.Int64
	for range 3 {
		server := start()
		before := done.Load()
		wait := untilGone(3, &next, func(n int) error {
			status, raw, err := exchange(http.MethodPost, server.info.FHIR, registered(n))
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("child %d: %d %.300s", n, status, raw)
				t.Error(err)
			}
			if err == nil {
				done.Add(1)
			}
			return err
		})
		fhirtest.Eventually(t, "a child", func() bool { return done.Load() > before+5 })
		within(rng, 1500*time.Millisecond) // the counters follow a second behind: it dies in the middle of that
		server.kill()
		wait()
	}
	server := start()
	children := total(t, server.info.FHIR+"/Patient?_summary=count")
	if doses := total(t, server.info.FHIR+"/Immunization?_summary=count"); doses != children {
		t.Fatalf("ATOMIC: %d children, %d doses", children, doses)
	}
	// what the counters say of BCG: people, given, in time
	numbers := func() (all []int) {
		status, raw, err := exchange(http.MethodGet, server.info.FHIR+"/$immunization-coverage?cohort=2025&series=BCG", "")
		if err != nil || status != http.StatusOK {
			return nil
		}
		for _, m := range counted.FindAllStringSubmatch(string(raw), -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
		return all
	}
	fhirtest.Eventually(t, "counters that come to the recount", func() bool {
		whole := 0
		for _, n := range numbers() {
			if n > children {
				t.Fatalf("%d are counted, and there are %d children", n, children)
			}
			if n == children {
				whole++
			}
		}
		return whole >= 2
	})
	for _, path := range []string{"$immunization-due?commune=X%C3%A3%200&series=OPV&_count=1", "$immunization-recall?lot=L-1&_count=1"} {
		status, raw, err := exchange(http.MethodGet, server.info.FHIR+"/"+path, "")
		if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `"relation":"next"`) || !strings.Contains(string(raw), `"mode":"match"`) {
			t.Errorf("%s: %d %v %.300s", path, status, err, raw)
		}
	}
	t.Logf("%d children of %d sent", children, next.Load())
	if code := server.stop(t); code != 0 {
		t.Errorf("the last one ended with %d", code)
	}
}
