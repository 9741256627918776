package ferretdbtest

import (
	"context"
	"testing"
	"time"
)

// BenchmarkCatchUp tells what a new server costs by processor time, of this process and of the members of the set: reading the
// log alone, which is the least it could be, and all of its way from nothing to the head.
func BenchmarkCatchUp(b *testing.B) {
	set := realSet(b)
	bundles, resources := corpus(b)
	s := set.Server(b)
	l := open(b, s, nil)
	e := openOver(b, l)
	ctx := ours(b.Context())
	for _, c := range bundles {
		if _, err := e.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"read", func() error {
			for _, err := range l.Read(context.Background(), 0) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"server", func() error {
			return openOver(b, l).Close()
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			own, theirs, began := ownTime(b), set.processorTime(b), time.Now()
			for b.Loop() {
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(b.N * resources)
			b.ReportMetric(n/time.Since(began).Seconds(), "resources/s")
			b.ReportMetric(float64((ownTime(b)-own).Nanoseconds())/1000/n, "own-cpu-us/resource")
			b.ReportMetric(float64((set.processorTime(b)-theirs).Nanoseconds())/1000/n, "mongod-cpu-us/resource")
		})
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
