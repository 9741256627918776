package ferretdbtest

import (
	"context"
	"errors"
	"sync"
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

// TestWaitByPolling: without a change stream the log is asked for the commit after the last one, which those that were appended here are
// among: neither does one's own append end a wait, nor is the next of another server overlooked.
func TestWaitByPolling(t *testing.T) {
	t.Run("FEED/ferretdb", func(t *testing.T) {
		s := Ferret(t)
		p := NewProxy(t, s, 1)
		l := open(t, Server{s.Name, p.URI, true, ""}, nil)
		defer l.Close()
		for n := range 3 {
			if _, err := l.Append(t.Context(), fhir.T(n), []commitlog.Commit{{ID: commitlog.ID{byte(n + 1)}, At: 5}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, enough := context.WithCancel(t.Context())
		defer enough()
		var mu sync.Mutex
		polls := map[string]int{}
		p.Change(func(request, answer []byte) []byte {
			if q, ok := questionOf(request); ok && q.String() == "find commits" {
				mu.Lock()
				defer mu.Unlock()
				if id, ok := document(request).Lookup("filter", "_id").StringValueOK(); ok {
					if polls[id]++; polls[id] == 3 {
						enough()
					}
				}
			}
			return answer
		})
		if err := l.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait was ended by what was appended here: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(polls) != 1 || polls["0000000000000004"] == 0 {
			t.Errorf("after three commits it asks for %v", polls)
		}
	})
}
