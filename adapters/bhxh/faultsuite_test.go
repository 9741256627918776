package bhxh

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
	"github.com/lienthong/lienthong/scheduler"
)

var (
	faultSeeds = flag.Int("faults.seeds", 0, "seeds of TestFaultSuite, each with every fault at every step; 0 = one, at some steps")
	faultSeed  = flag.Uint64("faults.seed", 1, "the first of them")
	faultOnly  = flag.String("faults.only", "", "run the fault of this name alone")
)

// settle is Outbox.Settle of the suite. A file lingers for less than two of it, even less a jump of the clock.
const settle = 15 * time.Minute

// trouble is something that goes wrong while a claim is delivered.
type trouble struct {
	name string
	on   func(a *arena, rng *rand.Rand)
}

func atPortal(f func(rng *rand.Rand) bhxhmock.Faults) func(*arena, *rand.Rand) {
	return func(a *arena, rng *rand.Rand) { a.set(f(rng)) }
}

func one(f bhxhmock.Fault) *bhxhmock.Fault { f.Count = 1; return &f }

// deliveryFaults are all of them. Those of the claim act once; some have a twin that strikes the status query.
func deliveryFaults() []trouble {
	yes, no := true, false
	const long = bhxhmock.Duration(time.Hour) // longer than any patience
	simple := func(name string, f bhxhmock.Faults) trouble {
		return trouble{name, atPortal(func(*rand.Rand) bhxhmock.Faults { return f })}
	}
	return []trouble{
		simple("none", bhxhmock.Faults{}),
		simple("time-out after accept", bhxhmock.Faults{Delay: one(bhxhmock.Fault{For: long, Accept: &yes})}),
		simple("time-out, then accept", bhxhmock.Faults{Delay: one(bhxhmock.Fault{For: long})}),
		simple("5xx, not taken", bhxhmock.Faults{Status: one(bhxhmock.Fault{Status: 500})}),
		simple("5xx, taken", bhxhmock.Faults{Status: one(bhxhmock.Fault{Status: 502, Accept: &yes})}),
		simple("429, not taken", bhxhmock.Faults{RateLimit: one(bhxhmock.Fault{RetryAfter: 30})}),
		simple("429, taken", bhxhmock.Faults{RateLimit: one(bhxhmock.Fault{RetryAfter: 30, Accept: &yes})}),
		simple("trickle", bhxhmock.Faults{Trickle: one(bhxhmock.Fault{For: long})}),
		simple("truncated", bhxhmock.Faults{Truncate: one(bhxhmock.Fault{})}),
		simple("HTML with 200, taken", bhxhmock.Faults{HTML200: one(bhxhmock.Fault{})}),
		simple("HTML with 200, not taken", bhxhmock.Faults{HTML200: one(bhxhmock.Fault{Accept: &no})}),
		simple("empty body", bhxhmock.Faults{EmptyBody: one(bhxhmock.Fault{})}),
		{"late arrival", func(a *arena, rng *rand.Rand) { a.keep(time.Duration(1+rng.IntN(9)) * time.Minute) }},
		simple("reply of an earlier file, not taken", bhxhmock.Faults{OtherReply: one(bhxhmock.Fault{})}),
		simple("reply of an earlier file, taken", bhxhmock.Faults{OtherReply: one(bhxhmock.Fault{Accept: &yes})}),
		simple("duplicate reply", bhxhmock.Faults{TwiceReply: one(bhxhmock.Fault{On: []string{"claim", "status", "token"}})}),
		simple("200 without a receipt", bhxhmock.Faults{WrongReply: one(bhxhmock.Fault{})}),
		simple("connection reset", bhxhmock.Faults{Reset: one(bhxhmock.Fault{})}),
		simple("cut before accept", bhxhmock.Faults{DropBeforeAccept: one(bhxhmock.Fault{})}),
		simple("cut after accept", bhxhmock.Faults{DropAfterAccept: one(bhxhmock.Fault{})}),
		simple("session ended", bhxhmock.Faults{TokenExpired: one(bhxhmock.Fault{})}),
		simple("log-in fails", bhxhmock.Faults{Status: &bhxhmock.Fault{Count: 3, On: []string{"token"}}}),
		simple("status fails, claim cut", bhxhmock.Faults{DropAfterAccept: one(bhxhmock.Fault{}), HTML200: &bhxhmock.Fault{Count: 4, On: []string{"status"}}}),
		simple("status lags, claim cut", bhxhmock.Faults{DropAfterAccept: one(bhxhmock.Fault{}), Lag: &bhxhmock.Fault{For: bhxhmock.Duration(5 * time.Minute)}}),
		{"DNS failure", func(a *arena, rng *rand.Rand) { a.names.fails.Store(int64(1 + rng.IntN(5))) }},
		{"all of them, at random", atPortal(randomFaults)},
	}
}

// act is what happens to a server at a step.
type act struct {
	name string
	do   func(*arena, *node)
}

// acts are all of them. A server that stands still longer than its lease and the deadline of its attempt is what SIGSTOP,
// a suspended machine or a long garbage collection make of it.
var acts = []act{
	{"killed", func(_ *arena, s *node) { s.dead.Store(true) }},
	{"stands still for 2 min", func(a *arena, s *node) { a.stop(s, 2*time.Minute) }},
	{"stands still for 45 min", func(a *arena, s *node) { a.stop(s, 45*time.Minute) }},
	{"clock 10 min ahead", func(_ *arena, s *node) { s.skew.Add(int64(10 * time.Minute)) }},
	{"clock 10 min back", func(_ *arena, s *node) { s.skew.Add(-int64(10 * time.Minute)) }},
}

// node is one server: everything but the store is its own.
type node struct {
	dead   atomic.Bool
	skew   atomic.Int64 // of its clock, ns
	outbox *delivery.Outbox
	svc    *interaction.Service
	runner *scheduler.Runner
	ticked chan struct{} // closed when its tick is over
	wake   chan struct{} // closed to let it go on; nil if it does not stand still
	until  time.Time     // when it does
}

// arena is a store with servers on it, the mock, and the line between them.
type arena struct {
	tb       testing.TB
	clock    *fhirtest.Clock // the true one: of mock and store
	mock     *bhxhmock.Mock
	portal   *httptest.Server
	busy     atomic.Int64
	names    names
	late     late
	lateAt   time.Time
	store    store.Store
	nodes    []*node
	trap     trap
	n        int
	patience time.Duration // of a call
	answered atomic.Int64

	mu      sync.Mutex // guards what follows, and makes writes and the look at them one
	states  map[string]delivery.State
	unknown map[string]int64 // answered when the item became unknown
	stopped chan *node
	count   tally
}

// tally is what was injected and what came of it.
type tally struct {
	runs, struck, unknown, byQuery, resent, effects int
	// What must stay 0:
	twice, falsely, lost, byOther int
}

func (t *tally) add(o tally) {
	t.runs += o.runs
	t.struck += o.struck
	t.unknown += o.unknown
	t.byQuery += o.byQuery
	t.resent += o.resent
	t.effects += o.effects
	t.twice += o.twice
	t.falsely += o.falsely
	t.lost += o.lost
	t.byOther += o.byOther
}

func newArena(tb testing.TB) *arena {
	tb.Helper()
	dir := tb.TempDir()
	a := &arena{tb: tb, clock: fhirtest.NewClock(time.Date(2026, 3, 1, 1, 0, 5, 0, time.UTC)), states: map[string]delivery.State{},
		unknown: map[string]int64{}, stopped: make(chan *node, 8)}
	var err error
	a.mock, err = bhxhmock.New(bhxhmock.Options{Dir: filepath.Join(dir, "mock"), Now: a.clock.Now, Log: slog.New(slog.DiscardHandler),
		Accounts: []bhxhmock.Account{{Username: "51901_BV", Password: "mat-khau", Facilities: []string{facility}}}})
	if err != nil {
		tb.Fatal(err)
	}
	a.portal = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.busy.Add(1)
		defer a.busy.Add(-1)
		if a.late.keeps(r) {
			panic(http.ErrAbortHandler)
		}
		a.mock.Handler().ServeHTTP(w, r)
	}))
	a.portal.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	a.store = enginetest.OpenAt(tb, filepath.Join(dir, "store"), engine.Options{Now: a.clock.Now})
	tb.Cleanup(func() {
		a.store.Close()
		a.portal.Close()
		a.mock.Close()
	})
	return a
}

func (a *arena) set(f bhxhmock.Faults) {
	a.tb.Helper()
	if err := a.mock.SetFaults(f); err != nil {
		a.tb.Fatal(err)
	}
}

// keep makes the proxy keep the next claim file for so long.
func (a *arena) keep(d time.Duration) {
	a.late.mu.Lock()
	defer a.late.mu.Unlock()
	a.late.arm, a.lateAt = true, a.clock.Now().Add(d)
}

// start adds a server.
func (a *arena) start() { a.nodes = append(a.nodes, a.server(&a.trap)) }

// server makes one that steps into a trap.
func (a *arena) server(t *trap) *node {
	a.tb.Helper()
	a.n++
	s := &node{}
	now := func() time.Time { return a.clock.Now().Add(time.Duration(s.skew.Load())) }
	st := failing{a.store, s, t, a.watch}
	s.outbox = delivery.New(delivery.Config{Store: st, Now: now, Settle: settle, AskEvery: time.Minute,
		Retry:   delivery.Retry{First: 10 * time.Second, Max: time.Minute},
		Episode: func(v resource.Value) (string, string, bool) { return mapping.EpisodeOf(v, mapping.Systems{}) }})
	s.svc = interaction.New(interaction.Config{Store: st, Now: now, Hooks: []interaction.Hook{s.outbox.Enqueue}})
	s.outbox.Use(s.svc)
	transport := &http.Transport{DialContext: a.names.dial}
	a.tb.Cleanup(transport.CloseIdleConnections)
	client, err := gateway.New(gateway.Config{BaseURL: a.portal.URL, Username: "51901_BV", Password: "mat-khau", Now: now,
		Timeout: a.patience, HTTP: &http.Client{Transport: line{s, t, transport, &a.answered}}})
	if err != nil {
		a.tb.Fatal(err)
	}
	discard := slog.New(slog.DiscardHandler)
	jobs, err := NewSync(Config{Store: st, Outbox: s.outbox, Accounts: []Account{{Client: client, Facilities: []string{facility}}},
		Schedule: "*/10 * * * * *", StatusSchedule: "*/10 * * * * *", Lease: 30 * time.Second, Concurrency: 2,
		RepeatAfter: time.Millisecond, Now: now, Log: discard})
	if err != nil {
		a.tb.Fatal(err)
	}
	if s.runner, err = scheduler.New(scheduler.Config{Store: st, Now: now, Holder: fmt.Sprint("server-", a.n), Keep: 5, Log: discard}, jobs.Jobs()...); err != nil {
		a.tb.Fatal(err)
	}
	return s
}

// watch makes a write and looks at the transitions in it: unknown is left only after a status query was answered, and
// nothing is accepted that is not in the ledger.
func (a *arena) watch(c store.Changes, write func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := write(); err != nil {
		return err
	}
	for _, rec := range c.Records {
		if rec.Space != delivery.SpaceItems {
			continue
		}
		var it delivery.Item
		decodeItem(a.tb, rec.Value, &it)
		was, is := a.states[rec.Key], it.State
		a.states[rec.Key] = is
		if was == is {
			continue
		}
		switch {
		case is == delivery.Unknown:
			a.count.unknown++
			a.unknown[rec.Key] = a.answered.Load()
		case was == delivery.Unknown && a.answered.Load() > a.unknown[rec.Key]:
			a.count.byQuery++
		case was == delivery.Unknown:
			a.count.byOther++
			a.tb.Errorf("%s left unknown for %s without the answer to a status query", rec.Key, is)
		}
		if is == delivery.Accepted || is == delivery.Assessed {
			if a.effects()[fmt.Sprint(it.Episode, "/", it.PB)] == 0 {
				a.count.falsely++
				a.tb.Errorf("%s is falsely %s", rec.Key, is)
			}
		}
	}
	return nil
}

// effects counts the rows with effect of each episode and version.
func (a *arena) effects() map[string]int {
	n := map[string]int{}
	for _, r := range a.mock.Rows() {
		if r.Effect {
			n[fmt.Sprint(r.MaLK, "/", r.Version)]++
		}
	}
	return n
}

// stop makes a server stand still, at the step at which it calls this.
func (a *arena) stop(s *node, d time.Duration) {
	a.mu.Lock()
	s.wake, s.until = make(chan struct{}), a.clock.Now().Add(d)
	wake := s.wake
	a.mu.Unlock()
	a.stopped <- s
	<-wake
}

// tick runs what is due at a server.
func (a *arena) tick(s *node) {
	for _, job := range []string{SyncJob, StatusJob} {
		if err := s.runner.Tick(ours(context.Background()), job); !expected(err) {
			a.tb.Error(err)
		}
	}
}

// round lets time go by, delivers what is late, wakes who stood still, and runs what is due at all servers at once. It
// returns when all have ended, or stand still.
func (a *arena) round(d time.Duration) {
	a.clock.Advance(d)
	now := a.clock.Now()
	if now.After(a.lateAt) {
		for _, r := range a.late.take() {
			a.mock.Handler().ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	running := 0
	over := make(chan struct{}, len(a.nodes))
	for i, s := range a.nodes {
		a.mu.Lock()
		wake := s.wake
		if wake != nil && !now.Before(s.until) {
			s.wake = nil
		}
		a.mu.Unlock()
		if wake != nil {
			if now.Before(s.until) {
				continue
			}
			close(wake)
			<-s.ticked
		}
		if s.dead.Load() { // another one comes up in its place
			s = a.server(&a.trap)
			a.nodes[i] = s
		}
		s.ticked = make(chan struct{})
		running++
		go func() {
			defer close(s.ticked)
			a.tick(s)
			over <- struct{}{}
		}()
	}
	for ; running > 0; running-- {
		select {
		case <-over:
		case <-a.stopped:
		}
	}
	for a.busy.Load() != 0 { // what a caller has left may still come to an effect
		<-time.After(time.Millisecond)
	}
}

// deliver has a claim delivered while something is wrong and a server is struck at a step, and looks at the outcome. It says
// whether one was.
func (a *arena) deliver(id string, f trouble, what act, at step, rng *rand.Rand) (struck bool) {
	a.patience, a.nodes = 150*time.Millisecond, nil
	for range 1 + rng.IntN(3) {
		a.start()
	}
	a.round(10 * time.Second) // makes the jobs known
	k := a.claim(id, "a")
	f.on(a, rng)
	a.trap.set(at, func(s *node) { what.do(a, s) })
	corrected := false
	for i := range 8 {
		a.round(time.Duration(10+rng.IntN(80)) * time.Second)
		if i > 2 && !corrected && rng.IntN(12) == 0 {
			corrected = true
			k = a.claim(id, "b")
		}
	}
	struck = a.trap.struck
	a.trap.set(step{}, nil)
	a.set(bhxhmock.Faults{})
	a.names.fails.Store(0)
	for slices.ContainsFunc(a.nodes, func(s *node) bool { return s.wake != nil }) { // who stands still wakes up
		a.round(5 * time.Minute)
	}
	a.patience, a.nodes = 10*time.Second, nil
	a.start()
	for range 60 {
		a.round(2 * time.Minute)
		if it := a.load(k); it.State == delivery.Assessed {
			break
		}
	}
	a.judge(id, k, struck)
	return struck
}

// claim stores a version of a claim, by a server that nothing happens to.
func (a *arena) claim(id, kind string) delivery.Key {
	a.tb.Helper()
	s := a.server(new(trap))
	if _, err := s.svc.Transaction(ours(context.Background()), episode(a.tb, id, kind), interaction.BundleOptions{}); err != nil {
		a.tb.Fatal(err)
	}
	f, err := a.store.Read(ours(context.Background()), fhir.Key{Type: "Claim", ID: fhir.ID(id)}, 0)
	if err != nil {
		a.tb.Fatal(err)
	}
	return delivery.Key{Claim: f.Key.ID, Version: f.Version}
}

func (a *arena) load(k delivery.Key) delivery.Item {
	a.tb.Helper()
	row, err := a.nodes[0].outbox.Load(ours(context.Background()), k)
	if err != nil {
		a.tb.Fatal(err)
	}
	return row.Item
}

// judge counts: no version has more than one effect, none is lost.
func (a *arena) judge(id string, newest delivery.Key, struck bool) {
	a.tb.Helper()
	a.count.runs++
	if struck {
		a.count.struck++
	}
	for k, n := range a.effects() {
		if !strings.HasPrefix(k, "LK-"+id+"/") {
			continue
		}
		a.count.effects += n
		if n > 1 {
			a.count.twice++
			a.tb.Errorf("ONCE: %s has %d effects", k, n)
		}
	}
	for rec, err := range a.store.Records(ours(context.Background()), delivery.SpaceItems, id+"/", id+"0") {
		if err != nil {
			a.tb.Fatal(err)
		}
		var it delivery.Item
		decodeItem(a.tb, rec.Value, &it)
		a.count.resent += max(it.Sends-1, 0)
		if it.State == delivery.Assessed || it.State == delivery.Withdrawn && it.Version != newest.Version {
			continue
		}
		a.count.lost++
		a.tb.Errorf("%s is %s in the end (%+v)", rec.Key, it.State, it.Reason)
	}
}

// TestFaultSuite strikes the delivery of a claim at each of its steps, under each fault. It prints what it injected and
// what it counted; the columns behind the bar must be 0. All of it, 20 seeds long:
//
//	TMPDIR=/dev/shm go test ./adapters/bhxh -run TestFaultSuite -v -timeout 3h -parallel 6 -args -faults.seeds 20
//
// A run of 40 claims takes two to three seconds of processor time; most of what it takes besides are the syncs of a disk, which a
// folder in memory does without: nothing here cuts the power.
func TestFaultSuite(t *testing.T) {
	all := steps()
	seeds, stride := *faultSeeds, 1
	if seeds == 0 {
		seeds, stride = 1, 8
	}
	var mu sync.Mutex // guards the two maps
	byFault, byStep := map[string]*tally{}, map[string]int{}
	faults := deliveryFaults()
	t.Run("each", func(t *testing.T) {
		for i, f := range faults {
			if *faultOnly != "" && f.name != *faultOnly {
				continue
			}
			byFault[f.name] = &tally{}
			for seed := *faultSeed; seed < *faultSeed+uint64(seeds); seed++ {
				t.Run(fmt.Sprintf("%s, faults.seed=%d", f.name, seed), func(t *testing.T) {
					t.Parallel()
					a := newArena(t)
					rng := rand.New(rand.NewPCG(seed, uint64(i)))
					for n := (i + int(seed)) % stride; n < len(all) && !t.Failed(); n += stride {
						what := acts[(n+int(seed)+i)%len(acts)]
						struck := a.deliver(fmt.Sprint("c", n), f, what, all[n], rng)
						if t.Failed() {
							t.Errorf("failed where a server, %s, %s: %v", all[n], what.name, struck)
						}
						mu.Lock()
						if struck {
							byStep[what.name+" "+all[n].name]++
						}
						mu.Unlock()
					}
					mu.Lock()
					defer mu.Unlock()
					byFault[f.name].add(a.count)
				})
			}
		}
	})
	report(t, faults, byFault, byStep)
}

func report(t *testing.T, faults []trouble, byFault map[string]*tally, byStep map[string]int) {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, c tally) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t|\t%d\t%d\t%d\t%d\t\n", name, c.runs, c.struck, c.unknown, c.byQuery, c.resent, c.effects, c.twice, c.falsely, c.lost, c.byOther)
	}
	fmt.Fprintln(w, "fault\tclaims\tstruck\tunknown\tended by a query\tsent again\teffects\t|\ttwice\tfalsely accepted\tlost\tunknown ended otherwise\t")
	var all tally
	for _, f := range faults {
		if c := byFault[f.name]; c != nil {
			row(f.name, *c)
			all.add(*c)
		}
	}
	row("all", all)
	w.Flush()
	t.Logf("\n%s", out.String())
	out.Reset()
	w = tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	var names []string
	for name := range byStep {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s\t%d\n", name, byStep[name])
	}
	w.Flush()
	t.Logf("struck, and how often:\n%s", out.String())
}
