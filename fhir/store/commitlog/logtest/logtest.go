// Package logtest is the suite that any commitlog.Log passes: order, compare-and-append under a race, durability over a
// restart, and loss-free reading from any point.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Config says how to make the log under test.
type Config struct {
	// Open opens, or opens again, the log that belongs to this test and place. The suite closes it.
	Open func(t *testing.T, place string) commitlog.Log
}

// Run runs the suite. Subtests are named by promise.
func Run(t *testing.T, cfg Config) {
	for name, test := range map[string]func(*testing.T, Config){
		"LOSSLESS/append-then-read": appendThenRead,
		"EXACT/append-behind-head":  appendBehind,
		"EXACT/race-of-16":          race,
		"DURABLE/reopen":            reopen,
		"FEED/read-from-any-point":  readFrom,
		"ATOMIC/cancelled-append":   cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, cfg) })
	}
}

// sample gives commit n with a bit of everything, from what it must be told apart from the others.
func sample(n int) commitlog.Commit {
	c := commitlog.Commit{ID: commitlog.ID{byte(n), byte(n >> 8), 1}, At: fhir.Instant(1700000000000 + n)}
	for i := range n % 4 {
		w := commitlog.Write{
			Key:      fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("p%d-%d", n, i))},
			Version:  fhir.Version(n + 1),
			Method:   uint8(1 + i),
			Document: fmt.Appendf(nil, "\x01\x00{\"n\":%d.10,\"i\":%d}", n, i),
		}
		if i == 1 {
			w.Unique = []string{fmt.Sprintf("cccd|%012d", n), "Đặng"}
		}
		if i == 2 {
			w.Document = nil
		}
		c.Writes = append(c.Writes, w)
	}
	if n%2 == 0 {
		c.Prev = commitlog.ID{byte(n - 1), byte((n - 1) >> 8), 1}
		c.Sum = commitlog.Sum{Definition: uint32(n), Rows: 1<<63 + uint64(n)}
	}
	if n%3 == 0 {
		c.Records = []commitlog.Record{{Space: "outbox", Key: fmt.Sprint(n), Value: []byte{}}, {Space: "slot", Key: "gone"}}
	}
	return c
}

// numbered gives commit t as it must come back.
func numbered(t int) commitlog.Commit {
	c := sample(t)
	c.T = fhir.T(t)
	return c
}

func appendAll(t *testing.T, l commitlog.Log, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		got, err := l.Append(t.Context(), fhir.T(n-1), []commitlog.Commit{sample(n)})
		if err != nil || got != fhir.T(n) {
			t.Fatalf("append %d: got %d, %v", n, got, err)
		}
	}
}

func check(t *testing.T, seq iter.Seq2[commitlog.Commit, error], from, to int) {
	t.Helper()
	n := from
	for c, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c, numbered(n)) {
			t.Fatalf("commit %d came back as %+v", n, c)
		}
		n++
	}
	if n != to+1 {
		t.Fatalf("read ended before commit %d, want all up to %d", n, to)
	}
}

func closeLog(t *testing.T, l commitlog.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func appendThenRead(t *testing.T, cfg Config) {
	l := cfg.Open(t, "log")
	defer closeLog(t, l)
	check(t, l.Read(t.Context(), 0), 1, 0)
	group := []commitlog.Commit{sample(1), sample(2), sample(3)}
	if got, err := l.Append(t.Context(), 0, group); err != nil || got != 3 {
		t.Fatalf("append: %d, %v", got, err)
	}
	appendAll(t, l, 4, 40)
	check(t, l.Read(t.Context(), 0), 1, 40)
	if head, err := l.Head(t.Context()); err != nil || head != 40 {
		t.Fatalf("head: %d, %v", head, err)
	}
}

func appendBehind(t *testing.T, cfg Config) {
	l := cfg.Open(t, "log")
	defer closeLog(t, l)
	appendAll(t, l, 1, 3)
	for _, after := range []fhir.T{0, 2, 4} {
		if _, err := l.Append(t.Context(), after, []commitlog.Commit{sample(9)}); !errors.Is(err, commitlog.ErrMoved) {
			t.Errorf("append after %d to a log of 3: %v", after, err)
		}
	}
	check(t, l.Read(t.Context(), 0), 1, 3)
}

// race: of all who append after the same commit exactly one gets in, each time.
func race(t *testing.T, cfg Config) {
	l := cfg.Open(t, "log")
	defer closeLog(t, l)
	for n := 1; n <= 20; n++ {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for w := range 16 {
			wg.Go(func() {
				c := sample(n)
				c.ID[15] = byte(w) // two commits are never one
				_, err := l.Append(t.Context(), fhir.T(n-1), []commitlog.Commit{c})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, commitlog.ErrMoved) {
					t.Errorf("append %d: %v", n, err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("%d of 16 appended commit %d", won, n)
		}
	}
	check(t, func(yield func(commitlog.Commit, error) bool) {
		for c, err := range l.Read(t.Context(), 0) {
			c.ID[15] = 0
			if !yield(c, err) {
				return
			}
		}
	}, 1, 20)
}

func reopen(t *testing.T, cfg Config) {
	for round := range 4 {
		l := cfg.Open(t, "log")
		if head, err := l.Head(t.Context()); err != nil || head != fhir.T(round*10) {
			t.Fatalf("head after %d restarts: %d, %v", round, head, err)
		}
		appendAll(t, l, round*10+1, round*10+10)
		check(t, l.Read(t.Context(), 0), 1, round*10+10)
		closeLog(t, l)
	}
}

func readFrom(t *testing.T, cfg Config) {
	l := cfg.Open(t, "log")
	defer closeLog(t, l)
	appendAll(t, l, 1, 12)
	for after := range 13 {
		check(t, l.Read(t.Context(), fhir.T(after)), after+1, 12)
	}
	check(t, l.Read(t.Context(), 99), 100, 99)
	for c, err := range l.Read(t.Context(), 3) { // a reader may leave early
		if err != nil || c.T != 4 {
			t.Fatalf("first after 3: %d, %v", c.T, err)
		}
		break
	}
}

func cancelled(t *testing.T, cfg Config) {
	l := cfg.Open(t, "log")
	defer closeLog(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, 0, []commitlog.Commit{sample(1)}); err == nil {
		t.Fatal("a cancelled append was acknowledged")
	}
	if head, err := l.Head(t.Context()); err != nil || head > 1 {
		t.Fatalf("head: %d, %v", head, err)
	}
}
