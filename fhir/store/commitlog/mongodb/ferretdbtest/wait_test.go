package ferretdbtest

import (
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// TestWait: what another server appends ends a wait, what was appended here does not. The last figure is how long it took.
func TestWait(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("FEED/"+s.Name, func(t *testing.T) {
			slow := func(c *mongodb.Config) { c.Timeout = time.Minute }
			l, other := open(t, s, slow), open(t, s, slow)
			defer l.Close()
			defer other.Close()
			head := fhir.T(0)
			put := func(by *mongodb.Log) {
				t.Helper()
				if _, err := by.Append(t.Context(), head, []commitlog.Commit{{ID: commitlog.ID{byte(head), byte(head >> 8), 1}, At: 5}}); err != nil {
					t.Fatal(err)
				}
				head++
			}
			put(l)
			if err := l.Wait(t.Context(), head); err != nil { // opens the stream, where there is one
				t.Fatal(err)
			}
			var took time.Duration
			for range 10 {
				put(l)
				ended := make(chan error, 1)
				go func(after fhir.T) { ended <- l.Wait(t.Context(), after) }(head)
				began := time.Now()
				put(other)
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				took += time.Since(began)
				if h, err := l.Head(t.Context()); err != nil || h != head {
					t.Fatalf("head %d, %v, want %d", h, err, head)
				}
			}
			t.Logf("append of another server until it is known here: %s", took/10)
		})
	}
}
