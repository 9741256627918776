package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// crashes gives moments to kill at; the seed is printed, so that a failure can be looked at again.
func crashes(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed of the moments: %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// within waits for a random time, at most so long.
func within(rng *rand.Rand, most time.Duration) {
	<-time.After(time.Duration(rng.Int64N(int64(most))))
}

const crashSystem = "https://lienthong.example/sid/crash"

// crashEntries is how many resources a bundle of the crash test has.
const crashEntries = 60

// crashBundle is a transaction whose resources all carry its number.
func crashBundle(n int) string {
	var entries []string
	for i := range crashEntries {
		entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Basic","identifier":[{"system":"%s","value":"%d"}],"code":{"text":"%d"}},"request":{"method":"POST","url":"Basic"}}`, crashSystem, n, i))
	}
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

// untilGone begins senders that send what is numbered by next, one after the other, until send fails since the server is gone;
// wait waits for that.
func untilGone(senders int, next *atomic.Int64, send func(n int) error) (wait func()) {
	var running sync.WaitGroup
	for range senders {
		running.Go(func() {
			for send(int(next.Add(1))-1) == nil {
			}
		})
	}
	return running.Wait
}

// TestKillDuringTransactions: ATOMIC and DURABLE hold when the process dies at any moment.
func TestKillDuringTransactions(t *testing.T) {
	rng := crashes(t)
	dir := filepath.Join(t.TempDir(), "store")
	var mu sync.Mutex
	acknowledged := map[int]bool{}
	var next atomic.Int64
	for range 3 {
		server := startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir)
		wait := untilGone(4, &next, func(n int) error {
			status, _, err := exchange(http.MethodPost, server.info.FHIR, crashBundle(n))
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				acknowledged[n] = status == http.StatusOK
			}
			return err
		})
		fhirtest.Eventually(t, "an acknowledged bundle", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(acknowledged) > 0
		})
		within(rng, 700*time.Millisecond)
		server.kill()
		wait()
	}
	server := startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir)
	whole := 0
	for n := range int(next.Load()) {
		got := total(t, fmt.Sprintf("%s/Basic?identifier=%s%%7C%d&_summary=count", server.info.FHIR, crashSystem, n))
		switch {
		case got != 0 && got != crashEntries:
			t.Errorf("ATOMIC: bundle %d has %d of %d resources", n, got, crashEntries)
		case got == 0 && acknowledged[n]:
			t.Errorf("DURABLE: bundle %d was acknowledged and is not there", n)
		case got > 0:
			whole++
		}
	}
	t.Logf("%d bundles sent, %d acknowledged, %d there", next.Load(), len(acknowledged), whole)
	if code := server.stop(t); code != 0 {
		t.Errorf("the last one ended with %d", code)
	}
}

// portalRow is what the test needs of a row of the mock's ledger.
type portalRow struct {
	Call    string
	MaLK    string `json:"MA_LK"`
	Version uint64
	Effect  bool
}

// effects counts the rows with effect of each episode and version.
func effects(t *testing.T, gateway string) map[string]int {
	t.Helper()
	status, raw, err := exchange(http.MethodGet, gateway+"/ledger.ndjson", "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("the ledger: %d, %v", status, err)
	}
	n := map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(string(raw))); lines.Scan(); {
		var r portalRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Effect && r.Call == "claim" {
			n[fmt.Sprintf("%s version %d", r.MaLK, r.Version)]++
		}
	}
	return n
}

// credentials writes the file that lets a server log in to the mock.
func credentials(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(path, []byte("username: "+demoAccount+"\npassword: "+demoPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startSender starts a server that sends to a portal each second, and does not wait long for anything.
func startSender(t *testing.T, portal, dir string) *child {
	return startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir,
		"--gateway-url", portal, "--gateway-credentials", credentials(t),
		"--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s",
		"--gateway-timeout", "1s", "--gateway-settle", "2s", "--gateway-resend", "settled", "--gateway-lease", "2s",
		"--gateway-ask-every", "100ms", "--gateway-retry-first", "500ms", "--gateway-retry-max", "1s")
}

// TestKillDuringClaimSync: ONCE holds when the server dies while claims are on their way; the portal lives on.
func TestKillDuringClaimSync(t *testing.T) {
	rng := crashes(t)
	portal := startChild(t, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--fault", "delay=60ms", "--assessing-after", "100ms", "--assessed-after", "200ms")
	dir := filepath.Join(t.TempDir(), "store")
	start := func() *child { return startSender(t, portal.info.Gateway, dir) }
	server := start()
	people := synthetic.New(synthetic.Config{Citizens: 60, Seed: 9, Today: time.Now(), SID: "https://lienthong.example/sid/"})
	if err := (seeder{server.info.FHIR, http.DefaultClient}).load(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := len(effects(t, portal.info.Gateway))
		fhirtest.Eventually(t, "a claim at the portal", func() bool { return len(effects(t, portal.info.Gateway)) > before })
		within(rng, 150*time.Millisecond)
		server.kill()
		for claim, n := range effects(t, portal.info.Gateway) {
			if n > 1 {
				t.Errorf("ONCE: %s has %d effects", claim, n)
			}
		}
		server = start()
	}
	want := len(people.Episodes)
	fhirtest.Eventually(t, "the assessment of every claim", func() bool {
		return total(t, server.info.FHIR+"/Task?business-status=assessed&_summary=count") == want
	})
	got := effects(t, portal.info.Gateway)
	if len(got) != want {
		t.Errorf("%d claims of %d reached the portal", len(got), want)
	}
	for claim, n := range got {
		if n != 1 {
			t.Errorf("ONCE: %s has %d effects", claim, n)
		}
	}
	if responses := total(t, server.info.FHIR+"/ClaimResponse?_summary=count"); responses != want {
		t.Errorf("%d answers to %d claims", responses, want)
	}
	server.stop(t)
}

// TestKillOfTheDemo: the whole demo dies twice, its portal too, and goes on in its folder.
func TestKillOfTheDemo(t *testing.T) {
	rng := crashes(t)
	dir := filepath.Join(t.TempDir(), "demo")
	start := func() *child {
		return startChild(t, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--data", dir, "--every", "1s", "--citizens", "50")
	}
	demo := start()
	for range 2 {
		within(rng, 2*time.Second)
		demo.kill()
		demo = start()
	}
	want := total(t, demo.info.FHIR+"/Claim?_summary=count")
	fhirtest.Eventually(t, "the assessment of every claim", func() bool {
		return total(t, demo.info.FHIR+"/Task?business-status=assessed&_summary=count") == want
	})
	for claim, n := range effects(t, demo.info.Gateway) {
		if n != 1 {
			t.Errorf("ONCE: %s has %d effects", claim, n)
		}
	}
	if code := demo.stop(t); code != 0 {
		t.Errorf("the demo ended with %d\n%s", code, demo.out.String())
	}
}
