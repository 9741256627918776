package main

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestStopDuringClaimSync: ONCE holds when the server stands still (SIGSTOP) while claims are on their way, for longer than
// its lease, the time of a call, and the time after which "not received" is believed.
func TestStopDuringClaimSync(t *testing.T) {
	rng := crashes(t)
	portal := startChild(t, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--fault", "delay=60ms", "--assessing-after", "100ms", "--assessed-after", "200ms")
	server := startSender(t, portal.info.Gateway, t.TempDir())
	people := synthetic.New(synthetic.Config{Citizens: 40, Seed: 11, Today: time.Now(), SID: "https://lienthong.example/sid/"})
	if err := (seeder{server.info.FHIR, http.DefaultClient}).load(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	fhirtest.Eventually(t, "a claim at the portal", func() bool { return len(effects(t, portal.info.Gateway)) > 0 })
	within(rng, 100*time.Millisecond)
	if err := server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second) // it is the time that goes by that is tested
	if err := server.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	want := len(people.Episodes)
	fhirtest.Eventually(t, "the assessment of every claim", func() bool {
		return total(t, server.info.FHIR+"/Task?business-status=assessed&_summary=count") == want
	})
	for claim, n := range effects(t, portal.info.Gateway) {
		if n != 1 {
			t.Errorf("ONCE: %s has %d effects", claim, n)
		}
	}
	server.stop(t)
}
