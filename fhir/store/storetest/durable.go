package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

func reopen(t *testing.T, cfg Config) {
	dir := t.TempDir()
	for round := range 5 {
		s := cfg.Open(t, dir, 0)
		if got := head(t, s); got != fhir.T(round*3) {
			t.Fatalf("DURABLE: the head is %d after %d rounds", got, round)
		}
		for n := range round {
			f, err := s.Read(ours(t.Context()), patient(n), 0)
			if err != nil || f.Version != fhir.Version(round-n)*2-1 {
				t.Fatalf("DURABLE: patient %d has version %d after %d rounds, %v", n, f.Version, round, err)
			}
		}
		var c, d store.Changes
		for n := range round {
			c.Deletes = append(c.Deletes, store.Delete{Key: patient(n)})
		}
		c.Records = []store.Record{{Space: "round", Key: "n", Value: fmt.Append(nil, round)}}
		for n := range round + 1 {
			d.Puts = append(d.Puts, put(patient(n), fmt.Sprint(round), entry(pToken, fmt.Sprint(round))))
		}
		commit(t, s, c)
		commit(t, s, d)
		commit(t, s, store.Changes{Records: []store.Record{{Space: "round", Key: fmt.Sprint(round), Value: []byte{1}}}})
		cfg.Check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// powerCut: writers commit; at some moment the power fails; all that was acknowledged is there, nothing is half there.
func powerCut(t *testing.T, cfg Config) {
	if cfg.CutPower == nil {
		t.Skip("this store cannot lose power")
	}
	rng := random(t)
	s := cfg.Open(t, t.TempDir(), 0)
	acked := map[string]store.Receipt{}
	known := fhir.T(0)
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		acks := make(chan ack) // the writers are at most one bundle ahead each
		ctx, cancel := context.WithCancel(ours(t.Context()))
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() { writer(ctx, s, fmt.Sprintf("%d-%d", round, w), acks) })
		}
		// The cut comes while the writers are at work: nothing of theirs may be needed for it.
		for range 20 + rng.IntN(150) {
			a := <-acks
			acked[a.name] = a.receipt
		}
		next := cfg.CutPower(t, s)
		cancel()
		wg.Wait()
		_ = s.Close() // its disk is gone
		s = next
		known = verifyAcked(t, s, acked, known)
	}
	cfg.Check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// ack is an acknowledged bundle.
type ack struct {
	name    string
	receipt store.Receipt
}

// bundleSize gives the number of resources in bundle n of a writer.
func bundleSize(n int) int { return 1 + n*7%40 }

// bundle makes bundle n of a writer: resources of its own, a shared one, a delete, a record that names them.
func bundle(writer string, n int) store.Changes {
	name := fmt.Sprintf("%s-%d", writer, n)
	c := store.Changes{Records: []store.Record{{Space: "bundle", Key: name, Value: fmt.Append(nil, bundleSize(n))}}}
	for i := range bundleSize(n) {
		key := fhir.Key{Type: "Observation", ID: fhir.ID(fmt.Sprintf("%s-%d", name, i))}
		c.Puts = append(c.Puts, put(key, name, entry(pToken, name), entry(pDate, fmt.Sprintf("%05d", i)), refTo(patient(n%10))))
	}
	c.Puts = append(c.Puts, put(patient(n%10), name, entry(pString, name)))
	if n > 0 {
		c.Deletes = []store.Delete{{Key: fhir.Key{Type: "Observation", ID: fhir.ID(fmt.Sprintf("%s-%d-0", writer, n-1))}}}
	}
	return c
}

// writer commits bundles until ctx ends or the store fails.
func writer(ctx context.Context, s store.Store, name string, acks chan<- ack) {
	for n := 0; ctx.Err() == nil; n++ {
		r, err := s.Commit(ctx, bundle(name, n))
		if err != nil {
			return
		}
		select {
		case acks <- ack{fmt.Sprintf("%s-%d", name, n), r}:
		case <-ctx.Done():
			return
		}
	}
}

// verifyAcked: each acknowledged bundle is there as its receipt says, and whatever is there is whole. Documents and
// search are looked at for the commits after known; those before were looked at already. It gives the head.
func verifyAcked(tb testing.TB, s store.Store, acked map[string]store.Receipt, known fhir.T) fhir.T {
	tb.Helper()
	ctx := ours(context.Background())
	at := map[string]fhir.T{}
	want := fhir.T(0)
	for c, err := range s.Feed(ctx, 0) {
		want++
		if err != nil || c.T != want {
			tb.Fatalf("FEED: commit %d where %d should be, %v", c.T, want, err)
		}
		if len(c.Records) != 1 {
			tb.Fatalf("ATOMIC: commit %d has %d records", c.T, len(c.Records))
		}
		name := c.Records[0].Key
		at[name] = c.T
		var n int
		fmt.Sscan(string(c.Records[0].Value), &n)
		puts := 0
		for _, f := range c.Writes {
			if f.Deleted() {
				continue
			}
			puts++
			if c.T <= known {
				continue
			}
			got, err := s.ReadVersion(ctx, f.Key, f.Version)
			if err != nil {
				tb.Fatalf("ATOMIC: %s version %s of commit %d: %v", f.Key, f.Version, c.T, err)
			}
			wantDoc(tb, got, f.Stored)
		}
		if puts != n+1 {
			tb.Fatalf("ATOMIC: commit %d has %d of %d puts", c.T, puts, n+1)
		}
		if c.T <= known {
			continue
		}
		if found, err := s.Count(ctx, by("Observation", pToken, name), c.T); found != n || err != nil {
			tb.Fatalf("ATOMIC: %d of the %d of commit %d are found, %v", found, n, c.T, err)
		}
		if _, found, err := s.Record(ctx, "bundle", name); !found || err != nil {
			tb.Fatalf("ATOMIC: no record of commit %d, %v", c.T, err)
		}
	}
	if t0 := head(tb, s); t0 != want {
		tb.Fatalf("the head is %d, the feed ends at %d", t0, want)
	}
	for name, r := range acked {
		if at[name] != r.T {
			tb.Fatalf("DURABLE: %s was acknowledged as commit %d and is commit %d (0 = lost)", name, r.T, at[name])
		}
	}
	return want
}

func checkpoint(t *testing.T, cfg Config) {
	if cfg.LogElsewhere {
		t.Skip("a copy of this store needs its log")
	}
	s := open(t, cfg)
	ctx, cancel := context.WithCancel(ours(t.Context()))
	acks := make(chan ack)
	var wg sync.WaitGroup
	wg.Go(func() { writer(ctx, s, "w", acks) })
	acked := map[string]store.Receipt{}
	take := func() {
		for range 30 {
			a := <-acks
			acked[a.name] = a.receipt
		}
	}
	take()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := s.Checkpoint(ours(t.Context()), dir); err != nil {
		t.Fatal(err)
	}
	refused(t, s.Checkpoint(ours(t.Context()), dir), fhir.Conflict, "checkpoint-exists")
	copied := acked
	acked = map[string]store.Receipt{}
	take()
	cancel()
	wg.Wait()
	c := cfg.Open(t, dir, 0)
	verifyAcked(t, c, copied, 0)
	cfg.Check(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func closing(t *testing.T, cfg Config) {
	s := cfg.Open(t, t.TempDir(), 0)
	commit(t, s, store.Changes{Puts: []store.Put{put(patient(1), ""), put(patient(2), "")}})
	waiting := make(chan error, 1)
	go func() {
		_, err := s.WaitHead(ours(context.Background()), 99)
		waiting <- err
	}()
	closed := make(chan error, 1)
	n := 0
	for m, err := range s.Search(ours(t.Context()), by("Patient", 0, ""), 0, store.SearchOptions{}) {
		if n == 0 { // Close waits for this search; those inside it are refused
			go func() { closed <- s.Close() }()
			refused(t, <-waiting, fhir.Unavailable, "store-closed")
		}
		n++
		if err != nil {
			t.Fatalf("%s: %v", m.Key, err)
		}
	}
	if err := <-closed; err != nil || n != 2 {
		t.Fatalf("closed with %v after %d matches", err, n)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("second close: %v", err)
	}
	_, err := s.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{put(patient(1), "")}})
	refused(t, err, fhir.Unavailable, "store-closed")
	_, err = s.Read(ours(t.Context()), patient(1), 0)
	refused(t, err, fhir.Unavailable, "store-closed")
}
