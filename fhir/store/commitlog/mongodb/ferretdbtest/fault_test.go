package ferretdbtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// seed gives the seed of a run, which is printed; FERRETDBTEST_SEED repeats one.
func seed(t *testing.T) uint64 {
	n := rand.Uint64()
	if s := os.Getenv("FERRETDBTEST_SEED"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FERRETDBTEST_SEED=%d", n)
	return n
}

// recorder gathers a history.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	all   []porcupine.Operation
}

func (r *recorder) do(client int, in step, run func() seen) {
	call := time.Since(r.began)
	out := run()
	end := time.Since(r.began)
	if out.Unknown {
		if in.Kind == readStep {
			return // it says nothing
		}
		end = math.MaxInt64
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(call), Return: int64(end)})
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	known := 0
	for _, o := range r.all {
		if !o.Output.(seen).Unknown {
			known++
		}
	}
	t.Logf("%d steps, the outcome of %d is unknown", len(r.all), len(r.all)-known)
	if known < 50 {
		t.Fatalf("only %d steps have an outcome", known)
	}
	switch porcupine.CheckOperationsTimeout(register, r.all, 20*time.Second) {
	case porcupine.Illegal:
		t.Fatal("EXACT: the history is not linearizable")
	case porcupine.Unknown:
		t.Log("the checker ran out of time")
	}
}

// sample holds a number.
func sample(id string, n int) store.Put {
	return storetest.Sample("Patient", fhir.ID(id), 16, strconv.Itoa(n))
}

// valueOf gives the number in a document of sample.
func valueOf(tb testing.TB, d resource.Stored) int {
	tb.Helper()
	indexed, err := storetest.Index(fhir.Key{}, d)
	if err != nil || len(indexed.Entries) != 1 {
		tb.Errorf("no number in %s: %v", d.Body, err)
		return 0
	}
	v, err := strconv.Atoi(string(indexed.Entries[0].Value))
	if err != nil {
		tb.Error(err)
	}
	return v
}

// run does a step on a store.
func (s step) run(ctx context.Context, tb testing.TB, e store.Store) seen {
	ctx = ours(ctx)
	key := fhir.Key{Type: "Patient", ID: fhir.ID(s.Register)}
	read := func() (int, fhir.Version, error) {
		f, err := e.Read(ctx, key, 0)
		if refused, ok := errors.AsType[*fhir.Error](err); ok && refused.Kind == fhir.NotFound {
			return 0, 0, nil
		}
		if err != nil {
			return 0, 0, err
		}
		return valueOf(tb, f.Stored), f.Version, nil
	}
	if s.Kind == readStep {
		v, _, err := read()
		return seen{Value: v, Unknown: err != nil}
	}
	put := sample(s.Register, s.Value)
	if s.Kind == casStep {
		v, version, err := read()
		switch {
		case err != nil:
			return seen{Unknown: true}
		case v != s.Expect:
			return seen{}
		}
		put.IfVersion = &version
	}
	_, err := e.Commit(ctx, store.Changes{Puts: []store.Put{put}})
	refused, _ := errors.AsType[*fhir.Error](err)
	switch {
	case err == nil:
		return seen{Done: true}
	case refused != nil && refused.Code == "version-conflict":
		return seen{}
	}
	return seen{Unknown: true}
}

// TestLinearizable: clients of three servers read, write and compare-and-set while the network between servers and log
// cuts, halves, delays and loses answers.
func TestLinearizable(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("EXACT/"+s.Name, func(t *testing.T) { linearizable(t, s) })
	}
}

func linearizable(t *testing.T, s Server) {
	n := seed(t)
	rng := rand.New(rand.NewPCG(n, 0))
	var proxies []*Proxy
	var servers []*engine.Engine
	for i := range 3 {
		p := NewProxy(t, s, n+uint64(i))
		proxies = append(proxies, p)
		l, err := mongodb.Open(t.Context(), mongodb.Config{URI: p.URI, Single: s.Single, Timeout: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.Open(t.TempDir(), options(l))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(e.Close(), l.Close()); err != nil {
				t.Error(err)
			}
		})
		servers = append(servers, e)
	}
	r := &recorder{began: time.Now()}
	ctx, stop := context.WithCancel(t.Context())
	var clients, trouble sync.WaitGroup
	for c := range 6 {
		own := rand.New(rand.NewPCG(n, uint64(10+c)))
		clients.Go(func() {
			for i := range 60 {
				in := step{Register: fmt.Sprint("r", own.IntN(3)), Kind: stepKind(own.IntN(3)), Value: 1 + c*1000 + i}
				e := servers[own.IntN(len(servers))]
				if in.Kind == casStep {
					v := step{Register: in.Register}.run(ctx, t, e)
					if v.Unknown {
						continue
					}
					in.Expect = v.Value
				}
				r.do(c, in, func() seen { return in.run(ctx, t, e) })
			}
		})
	}
	trouble.Go(func() {
		for ctx.Err() == nil {
			p := proxies[rng.IntN(len(proxies))]
			h := Harm{CutBefore: 0.02, Half: 0.02, CutAfter: 0.05, Delay: time.Duration(rng.IntN(4)) * time.Millisecond}
			h.Down = rng.IntN(4) == 0
			p.Set(h)
			wait(ctx, time.Duration(20+rng.IntN(60))*time.Millisecond)
			p.Set(Harm{})
			wait(ctx, time.Duration(rng.IntN(60))*time.Millisecond)
		}
	})
	clients.Wait()
	stop()
	trouble.Wait()
	for _, p := range proxies {
		p.Set(Harm{})
	}
	r.check(t)
	var heads []fhir.T
	for _, e := range servers {
		h, err := e.Head(ours(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
		if err := e.Verify(ours(t.Context())); err != nil {
			t.Errorf("the state does not follow from the log: %v", err)
		}
	}
	if heads[0] != heads[1] || heads[1] != heads[2] {
		t.Errorf("FRESH: heads %v", heads)
	}
}

// wait waits; it is the rhythm of the trouble, not of the test.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// TestAnswerLost: the answers to appends are lost, all of them, for a while: each is in the log once.
func TestAnswerLost(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("ATOMIC/"+s.Name, func(t *testing.T) {
			p := NewProxy(t, s, seed(t))
			// So long that no run of bad luck, on however busy a machine, leaves an outcome unknown.
			l := open(t, Server{s.Name, p.URI, s.Single, ""}, func(c *mongodb.Config) { c.Timeout = 5 * time.Minute })
			defer l.Close()
			e, err := engine.Open(t.TempDir(), options(l))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			p.Set(Harm{CutAfter: 0.2})
			done := 0
			for i := range 15 {
				put := sample("a", i+1)
				version := fhir.Version(done)
				put.IfVersion = &version
				r, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{put}})
				if err != nil {
					t.Fatalf("%d: %v", i, err)
				}
				done = int(r.Puts[0].Version)
				if done != i+1 {
					t.Fatalf("EXACT: version %d after %d commits", done, i+1)
				}
			}
			p.Set(Harm{})
			if err := e.Verify(ours(t.Context())); err != nil {
				t.Errorf("the state does not follow from the log: %v", err)
			}
		})
	}
}
