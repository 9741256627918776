package fhirtest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what must come. It is long because machines are slow and may stand still for a
// while, not because it should take so long: no test passes because it is over.
const Patience = 2 * time.Minute

// Eventually asks until the answer is yes, and fails the test, saying what did not come, when Patience is over.
func Eventually(tb testing.TB, what string, ask func() bool) {
	tb.Helper()
	end := time.Now().Add(Patience)
	for pause := time.Millisecond; !ask(); pause = min(2*pause, 20*time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%s did not come within %s", what, Patience)
		}
		<-time.After(pause)
	}
}
