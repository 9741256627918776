package bhxh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
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

const facility = "51901"

// world is a server with its store, and the mock assessment system behind a real HTTP server.
type world struct {
	tb    testing.TB
	clock *fhirtest.Clock
	dir   string

	mock   *bhxhmock.Mock
	portal *httptest.Server
	busy   atomic.Int64 // requests that the mock is at work on

	store  *dying
	svc    *interaction.Service
	outbox *delivery.Outbox
	sync   *Sync
	runner *scheduler.Runner
	starts int
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{tb: tb, dir: tb.TempDir(), clock: fhirtest.NewClock(time.Date(2026, 3, 1, 1, 0, 5, 0, time.UTC))}
	m, err := bhxhmock.New(bhxhmock.Options{
		Dir:      filepath.Join(w.dir, "mock"),
		Accounts: []bhxhmock.Account{{Username: "51901_BV", Password: "mat-khau", Facilities: []string{facility}}},
		Now:      w.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.mock = m
	w.portal = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.busy.Add(1)
		defer w.busy.Add(-1)
		m.Handler().ServeHTTP(rw, r)
	}))
	w.portal.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.start()
	tb.Cleanup(func() {
		w.store.Close()
		w.portal.Close()
		m.Close()
	})
	return w
}

// start opens the store and makes a server on it.
func (w *world) start() {
	w.tb.Helper()
	s := enginetest.OpenAt(w.tb, filepath.Join(w.dir, "store"), engine.Options{Now: w.clock.Now})
	w.store = &dying{Store: s}
	w.store.left.Store(1 << 40)
	w.outbox = delivery.New(delivery.Config{
		Store: w.store, Now: w.clock.Now, Settle: time.Minute, AskEvery: time.Minute,
		Retry:   delivery.Retry{First: 10 * time.Second, Max: 10 * time.Second},
		Episode: func(v resource.Value) (string, string, bool) { return mapping.EpisodeOf(v, mapping.Systems{}) },
	})
	w.svc = interaction.New(interaction.Config{Store: w.store, Now: w.clock.Now, Hooks: []interaction.Hook{w.outbox.Enqueue}})
	w.outbox.Use(w.svc)
	w.starts++
	w.connect(w.portal.URL)
}

// portalBut is the address of the portal, but for the calls that instead answers: it says whether it did.
func (w *world) portalBut(instead func(http.ResponseWriter, *http.Request) bool) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !instead(rw, r) {
			w.mock.Handler().ServeHTTP(rw, r)
		}
	}))
	w.tb.Cleanup(s.Close)
	return s.URL
}

// connect makes the jobs, with the portal at url.
func (w *world) connect(url string) {
	w.tb.Helper()
	client, err := gateway.New(gateway.Config{BaseURL: url, Username: "51901_BV", Password: "mat-khau", Now: w.clock.Now, Timeout: fhirtest.Patience})
	if err != nil {
		w.tb.Fatal(err)
	}
	w.sync, err = NewSync(Config{Store: w.store, Outbox: w.outbox, Accounts: []Account{{Client: client, Facilities: []string{facility}}},
		Schedule: "*/10 * * * * *", StatusSchedule: "*/10 * * * * *", Lease: 30 * time.Second, Concurrency: 2, RepeatAfter: time.Millisecond,
		Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.tb.Fatal(err)
	}
	w.runner, err = scheduler.New(scheduler.Config{Store: w.store, Now: w.clock.Now, Holder: fmt.Sprint("server-", w.starts),
		Keep: 5, Log: slog.New(slog.DiscardHandler)}, w.sync.Jobs()...)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.slots(0)
}

// restart is a server that comes back on the same folder.
func (w *world) restart() {
	w.tb.Helper()
	if err := w.store.Close(); err != nil {
		w.tb.Fatal(err)
	}
	w.start()
}

// slots lets d go by and runs what is then due, both jobs. A failed run is on record and is no failure of the test.
func (w *world) slots(d time.Duration) {
	w.tb.Helper()
	w.clock.Advance(d)
	for _, job := range []string{SyncJob, StatusJob} {
		if err := w.runner.Tick(ours(context.Background()), job); err != nil && !errors.Is(err, errDead) {
			w.tb.Fatal(err)
		}
	}
	w.quiet()
}

// quiet waits until the mock has ended its work: a request whose caller went away may still come to an effect.
func (w *world) quiet() {
	w.tb.Helper()
	for end := time.Now().Add(fhirtest.Patience); w.busy.Load() != 0; {
		if time.Now().After(end) {
			w.tb.Fatal("the mock does not come to rest")
		}
		<-time.After(time.Millisecond)
	}
}

// settle runs slots until nothing is queued, sending or unknown, or the patience is over.
func (w *world) settle() {
	w.tb.Helper()
	for range 60 {
		w.slots(30 * time.Second)
		sum, err := w.outbox.Summary(ours(context.Background()))
		if err != nil {
			w.tb.Fatal(err)
		}
		if sum[delivery.Queued]+sum[delivery.Sending]+sum[delivery.Unknown]+sum[delivery.Accepted] == 0 {
			return
		}
	}
}

func (w *world) faults(f bhxhmock.Faults) {
	w.tb.Helper()
	if err := w.mock.SetFaults(f); err != nil {
		w.tb.Fatal(err)
	}
}

var errDead = errors.New("this server is dead")

// dying is a store whose server dies: after so many more commits nothing it does reaches the disk.
type dying struct {
	store.Store
	left atomic.Int64
}

func (d *dying) Commit(ctx context.Context, c store.Changes) (store.Receipt, error) {
	if d.left.Add(-1) < 0 {
		return store.Receipt{}, errDead
	}
	return d.Store.Commit(ctx, c)
}

// claim stores a version of a claim, as a hospital does: the whole episode in one transaction.
func (w *world) claim(id, kind string) delivery.Key {
	w.tb.Helper()
	if _, err := w.svc.Transaction(ours(context.Background()), episode(w.tb, id, kind), interaction.BundleOptions{}); err != nil {
		w.tb.Fatal(err)
	}
	f, err := w.store.Read(ours(context.Background()), fhir.Key{Type: "Claim", ID: fhir.ID(id)}, 0)
	if err != nil {
		w.tb.Fatal(err)
	}
	return delivery.Key{Claim: f.Key.ID, Version: f.Version}
}

func (w *world) item(k delivery.Key) delivery.Item {
	w.tb.Helper()
	row, err := w.outbox.Load(ours(context.Background()), k)
	if err != nil {
		w.tb.Fatal(err)
	}
	return row.Item
}

// read gives the current version of a resource.
func (w *world) read(t fhir.Type, id fhir.ID) resource.Value {
	w.tb.Helper()
	f, err := w.store.Read(ours(context.Background()), fhir.Key{Type: t, ID: id}, 0)
	if err != nil {
		w.tb.Fatal(err)
	}
	doc, err := document(f)
	if err != nil {
		w.tb.Fatal(err)
	}
	return doc.Root()
}

func (w *world) wantState(k delivery.Key, want delivery.State) {
	w.tb.Helper()
	it := w.item(k)
	if it.State != want {
		reason := ""
		if it.Reason != nil {
			reason = it.Reason.Code + " " + it.Reason.EN
		}
		w.tb.Errorf("%s is %s (%s), want %s", k, it.State, reason, want)
	}
}

// once demands ONCE of the ledger: per episode and version at most one effect, and one for each item that counts as having it.
func (w *world) once() {
	w.tb.Helper()
	effects := map[string]int{}
	for _, r := range w.mock.Rows() {
		if r.Effect {
			effects[fmt.Sprint(r.MaLK, "/", r.Version)]++
		}
	}
	for k, n := range effects {
		if n > 1 {
			w.tb.Errorf("ONCE: %s has %d effects", k, n)
		}
	}
	for rec, err := range w.store.Records(ours(context.Background()), delivery.SpaceItems, "", "") {
		if err != nil {
			w.tb.Fatal(err)
		}
		var it delivery.Item
		decodeItem(w.tb, rec.Value, &it)
		n := effects[fmt.Sprint(it.Episode, "/", it.PB)]
		switch it.State {
		case delivery.Accepted, delivery.Assessed, delivery.Settled:
			if n != 1 {
				w.tb.Errorf("%s is %s with %d effects", rec.Key, it.State, n)
			}
		case delivery.Queued, delivery.Held, delivery.Withdrawn:
			if n != 0 {
				w.tb.Errorf("%s is %s with %d effects", rec.Key, it.State, n)
			}
		}
	}
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
