package engine_test

import (
	"context"
	"iter"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// inMemory is a log that costs nothing, so that what remains is the engine's.
type inMemory struct {
	mu      sync.Mutex
	commits []commitlog.Commit
}

func (l *inMemory) Append(_ context.Context, after fhir.T, commits []commitlog.Commit) (fhir.T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after != fhir.T(len(l.commits)) {
		return 0, commitlog.ErrMoved
	}
	for _, c := range commits {
		c.T = fhir.T(len(l.commits) + 1)
		l.commits = append(l.commits, c)
	}
	return fhir.T(len(l.commits)), nil
}

func (l *inMemory) Head(context.Context) (fhir.T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fhir.T(len(l.commits)), nil
}

func (l *inMemory) Read(_ context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return func(yield func(commitlog.Commit, error) bool) {
		l.mu.Lock()
		commits := l.commits[after:]
		l.mu.Unlock()
		for _, c := range commits {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (l *inMemory) Wait(ctx context.Context, _ fhir.T) error { <-ctx.Done(); return ctx.Err() }

func (*inMemory) Close() error { return nil }

// BenchmarkCatchUp is a new server's way from nothing to the head of a log that is in memory, with documents indexed as
// the product does.
func BenchmarkCatchUp(b *testing.B) {
	c := synthea(b)
	x := index.New(index.Options{Base: "http://localhost/fhir"})
	o := engine.Options{Logger: slog.New(slog.DiscardHandler), Index: func(_ fhir.Key, doc resource.Stored) (search.Indexed, error) {
		d, err := resource.New(doc.Body)
		if err != nil {
			return search.Indexed{}, err
		}
		found, _ := x.Document(d.Root(), 1)
		return found, nil
	}}
	l := &inMemory{}
	o.Log = l
	writer := openStore(b, b.TempDir(), o)
	n := copies(b)
	for i := range n {
		for _, changes := range c.bundles {
			changes = copyOf(changes, i)
			for j := range changes.Puts {
				p := &changes.Puts[j]
				found, err := o.Index(p.Key, p.Doc)
				if err != nil {
					b.Fatal(err)
				}
				p.Entries, p.Contained = found.Entries, found.Contained
			}
			if _, err := writer.Commit(ours(b.Context()), changes); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		b.Fatal(err)
	}
	total := float64(c.resources * n)
	for b.Loop() {
		dir, err := os.MkdirTemp("", "catch-up-")
		if err != nil {
			b.Fatal(err)
		}
		cpu, began := cpuTime(b), time.Now()
		e := openStore(b, dir, o)
		b.ReportMetric(total/time.Since(began).Seconds(), "resources/s")
		b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/total, "cpu-µs/resource")
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/total, "closed-cpu-µs/resource")
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
}
