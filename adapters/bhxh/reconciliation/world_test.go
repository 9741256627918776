package reconciliation

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
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

// world is a server whose claims were sent to a mock portal and decided there. What the portal says can be twisted on its way.
type world struct {
	t      *testing.T
	store  store.Store
	outbox *delivery.Outbox
	svc    *interaction.Service
	runner *scheduler.Runner
	r      *Reconciler
	*fhirtest.Clock

	mu    sync.Mutex
	twist func(path string, reply map[string]any) // of each reply of the portal
	fail  string                                  // path that answers with a fault
}

// say changes what the portal says from now on.
func (w *world) say(twist func(path string, reply map[string]any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.twist = twist
}

// ServeHTTP twists what the mock says.
func (w *world) proxy(mock http.Handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		mock.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fail == r.URL.Path {
			body = []byte(`<html>`)
		} else if w.twist != nil {
			var reply map[string]any
			d := json.NewDecoder(bytes.NewReader(body))
			d.UseNumber()
			if d.Decode(&reply) == nil {
				w.twist(r.URL.Path, reply)
				body, _ = json.Marshal(reply)
			}
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(body)
	}
}

func newWorld(t *testing.T, episodes ...string) *world {
	t.Helper()
	w := &world{t: t, Clock: fhirtest.NewClock(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC))}
	quiet := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	mock, err := bhxhmock.New(bhxhmock.Options{Dir: filepath.Join(dir, "mock"), Now: w.Now, Log: quiet,
		Accounts: []bhxhmock.Account{{Username: "u", Password: "p", Facilities: []string{facility}}}})
	if err != nil {
		t.Fatal(err)
	}
	portal := httptest.NewServer(w.proxy(mock.Handler()))
	w.store = enginetest.OpenAt(t, filepath.Join(dir, "store"), engine.Options{Now: w.Now})
	t.Cleanup(func() {
		portal.Close()
		_ = mock.Close()
		_ = w.store.Close()
	})
	w.outbox = delivery.New(delivery.Config{Store: w.store, Now: w.Now, Settle: time.Minute, AskEvery: time.Minute,
		Episode: func(v resource.Value) (string, string, bool) { return mapping.EpisodeOf(v, mapping.Systems{}) }})
	w.svc = interaction.New(interaction.Config{Store: w.store, Now: w.Now, Hooks: []interaction.Hook{w.outbox.Enqueue}})
	w.outbox.Use(w.svc)
	client, err := gateway.New(gateway.Config{BaseURL: portal.URL, Username: "u", Password: "p", Now: w.Now, Timeout: fhirtest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := bhxh.NewSync(bhxh.Config{Store: w.store, Outbox: w.outbox, Accounts: []bhxh.Account{{Client: client}}, Now: w.Now, Log: quiet,
		Schedule: "* * * * *", StatusSchedule: "* * * * *", RepeatAfter: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	w.r = New(Config{Store: w.store, Outbox: w.outbox, Interactions: w.svc, Now: w.Now, Log: quiet, Client: func(f string) *gateway.Client {
		if f == facility {
			return jobs.Client(f)
		}
		return nil
	}})
	if w.runner, err = scheduler.New(scheduler.Config{Store: w.store, Now: w.Now, Log: quiet}, append(jobs.Jobs(), w.r.Job())...); err != nil {
		t.Fatal(err)
	}
	for _, id := range episodes {
		w.episode(id)
	}
	w.slots()
	for range 5 {
		w.Advance(2 * time.Minute)
		w.slots()
	}
	w.Advance(time.Hour)
	return w
}

// slots runs the jobs that send and ask.
func (w *world) slots() {
	w.t.Helper()
	for _, job := range []string{bhxh.SyncJob, bhxh.StatusJob} {
		if err := w.runner.Tick(w.ours(), job); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) ours() context.Context { return store.Ourselves(context.Background()) }

// episode stores a sample under an MA_LK of its own.
func (w *world) episode(id string) {
	w.t.Helper()
	raw, err := os.ReadFile(fhirtest.Data(w.t, "domain", "claim-xml", "samples", "outpatient.xml"))
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		w.t.Fatal(err)
	}
	h := f.HoSo[0]
	for _, t := range h.Tables {
		for _, row := range t.Rows {
			row.Set("MA_LK", "LK-"+id)
		}
	}
	bundle, err := mapping.Episode(h, mapping.EpisodeOptions{ID: fhir.ID(id)})
	if err != nil {
		w.t.Fatal(err)
	}
	doc, err := resource.New(bundle)
	if err == nil {
		_, err = w.svc.Transaction(w.ours(), doc, interaction.BundleOptions{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// run reconciles March 2026, the samples' month.
func (w *world) run() Report {
	w.t.Helper()
	m, _ := ParseMonth("2026-03")
	rep, err := w.r.Run(w.ours(), facility, m, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return rep
}

func (w *world) head() fhir.T {
	w.t.Helper()
	t, err := w.store.Head(w.ours())
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// all gives the resources that a search finds.
func (w *world) all(t fhir.Type, query string) (out []resource.Value) {
	w.t.Helper()
	page, err := w.svc.Search(w.ours(), t, query, interaction.SearchOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range page.Matches {
		d, err := document(f)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, d.Root())
	}
	return out
}

func (w *world) item(id string) delivery.Item {
	w.t.Helper()
	st, err := w.outbox.Status(w.ours(), fhir.ID(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Versions[len(st.Versions)-1].Item
}

// of gives the records of a reply about an episode, "" = all.
func of(reply map[string]any, list, maLK string) (out []map[string]any) {
	all, _ := reply[list].([]any)
	for _, one := range all {
		if r, ok := one.(map[string]any); ok && (maLK == "" || r["maLK"] == maLK) {
			out = append(out, r)
		}
	}
	return out
}

var paths = wire.DefaultPaths()

// kinds are those of open findings, with their episodes.
func kinds(rep Report) string {
	var out []string
	for _, f := range rep.Findings {
		out = append(out, string(f.Kind)+" "+f.MaLK)
	}
	return strings.Join(out, ", ")
}
