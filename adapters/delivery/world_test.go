package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
	"github.com/lienthong/lienthong/scheduler"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// world is a store with an outbox on it and a clock that tests move by hand.
type world struct {
	tb  testing.TB
	dir string
	*fhirtest.Clock

	store  store.Store
	svc    *interaction.Service
	outbox *Outbox
}

func newWorld(tb testing.TB) *world {
	w := &world{tb: tb, dir: tb.TempDir(), Clock: fhirtest.NewClock(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC))}
	w.open()
	tb.Cleanup(func() { w.store.Close() })
	return w
}

func (w *world) open() {
	w.tb.Helper()
	s := enginetest.OpenAt(w.tb, w.dir, engine.Options{Now: w.Now})
	w.store = s
	w.outbox = New(Config{Store: s, Now: w.Now, Episode: episodeOf, Settle: time.Minute})
	w.svc = interaction.New(interaction.Config{Store: s, Now: w.Now, Hooks: []interaction.Hook{w.outbox.Enqueue}})
	w.outbox.Use(w.svc)
}

// reopen is a restart of the server.
func (w *world) reopen() {
	w.tb.Helper()
	if err := w.store.Close(); err != nil {
		w.tb.Fatal(err)
	}
	w.open()
}

// episodeOf is the rule of the claims in these tests.
func episodeOf(claim resource.Value) (facility, episode string, ok bool) {
	if claim.Get("status").Text() != "active" || claim.Get("use").Text() != "claim" {
		return "", "", false
	}
	for id := range claim.Get("identifier").Elements() {
		if f, ok := strings.CutPrefix(id.Get("system").Text(), DefaultBase+"/sid/malk/"); ok {
			return strings.Clone(f), strings.Clone(id.Get("value").Text()), true
		}
	}
	return "", "", false
}

func claimDoc(tb testing.TB, id, facility, malk, status, note string) *resource.Document {
	tb.Helper()
	d, err := resource.New(fmt.Appendf(nil, `{"resourceType":"Claim","id":%q,
		"identifier":[{"system":"https://lienthong.example/sid/malk/%s","value":%q}],
		"status":%q,"type":{"text":%q},"use":"claim","patient":{"reference":"Patient/p1"},"created":"2026-03-01",
		"provider":{"display":"51901"},"priority":{"text":"normal"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"BHYT"}}]}`,
		id, facility, malk, status, note))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// write stores a version of a claim and gives the version.
func (w *world) write(id, malk, status, note string) (fhir.Version, error) {
	res, err := w.svc.Update(ours(context.Background()), fhir.Key{Type: "Claim", ID: fhir.ID(id)}, claimDoc(w.tb, id, "51901", malk, status, note), interaction.UpdateOptions{})
	return res.Version, err
}

func (w *world) mustWrite(id, malk, status, note string) Key {
	w.tb.Helper()
	v, err := w.write(id, malk, status, note)
	if err != nil {
		w.tb.Fatal(err)
	}
	return Key{fhir.ID(id), v}
}

func (w *world) row(k Key) Row {
	w.tb.Helper()
	row, err := w.outbox.Load(ours(context.Background()), k)
	if err != nil {
		w.tb.Fatal(err)
	}
	return row
}

func (w *world) wantState(k Key, s State, reason string) {
	w.tb.Helper()
	row := w.row(k)
	got := ""
	if row.Reason != nil {
		got = row.Reason.Code
	}
	if row.State != s || got != reason {
		w.tb.Errorf("%s is %s (%s), want %s (%s)", k, row.State, got, s, reason)
	}
}

// slot takes the job's lease as a new holder, by force of time if need be.
func (w *world) slot() scheduler.Slot {
	w.tb.Helper()
	held, c, err := lease.Take(ours(context.Background()), w.store, "job/test", "test", w.Now(), time.Minute)
	if err == nil {
		_, err = w.store.Commit(ours(context.Background()), c)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	return scheduler.Slot{Job: "test", At: w.Now(), Lease: held}
}

func (w *world) release(s scheduler.Slot) {
	w.tb.Helper()
	if _, err := w.store.Commit(ours(context.Background()), s.Lease.Release()); err != nil {
		w.tb.Fatal(err)
	}
}

const timeout = 30 * time.Second

// begin records an attempt that must be possible.
func (w *world) begin(k Key, s scheduler.Slot) *Dispatch {
	w.tb.Helper()
	d, err := w.outbox.Begin(ours(context.Background()), w.row(k), s, []byte("<GIAMDINHHS/>"), timeout)
	if err != nil || d == nil {
		w.tb.Fatalf("begin %s: %v %v", k, d, err)
	}
	return d
}

func (w *world) finish(d *Dispatch, r Result) {
	w.tb.Helper()
	if _, err := w.outbox.Finish(ours(context.Background()), d, r); err != nil {
		w.tb.Fatal(err)
	}
}

// deliver brings a queued item to the state that an attempt can bring.
func (w *world) deliver(k Key, r Result) {
	w.tb.Helper()
	s := w.slot()
	w.finish(w.begin(k, s), r)
	w.release(s)
}

// notReceived lets the other side say, late enough and twice, that it does not have an item.
func (w *world) notReceived(k Key) {
	w.tb.Helper()
	for range 2 {
		w.Advance(2 * time.Minute)
		if _, err := w.outbox.Learn(ours(context.Background()), w.row(k), Answer{Asked: w.outbox.now()}); err != nil {
			w.tb.Fatal(err)
		}
	}
}

// task reads the claim's Task.
func (w *world) task(claim string) (doc *resource.Document, version fhir.Version) {
	w.tb.Helper()
	f, err := w.store.Read(ours(context.Background()), fhir.Key{Type: "Task", ID: TaskID(fhir.ID(claim))}, w.head())
	if err != nil {
		w.tb.Fatal(err)
	}
	doc, err = resource.New(f.Stored.Append(nil, f.Version, f.At))
	if err != nil {
		w.tb.Fatal(err)
	}
	return doc, f.Version
}

func (w *world) head() fhir.T {
	t, err := w.store.Head(ours(context.Background()))
	if err != nil {
		w.tb.Fatal(err)
	}
	return t
}

func (w *world) wantTask(claim string, s State) {
	w.tb.Helper()
	doc, _ := w.task(claim)
	root := doc.Root()
	if got := root.Get("businessStatus").Get("coding").At(0).Get("code").Text(); got != string(s) {
		w.tb.Errorf("Task of %s has business status %s, want %s", claim, got, s)
	}
	if got := root.Get("status").Text(); got != taskStatus[s] {
		w.tb.Errorf("Task of %s has status %s, want %s", claim, got, taskStatus[s])
	}
	if got := root.Get("focus").Get("reference").Text(); got != "Claim/"+claim {
		w.tb.Errorf("Task of %s has focus %s", claim, got)
	}
}

// check demands that the index of due items and the items agree.
func (w *world) check() {
	w.tb.Helper()
	want := map[string]bool{}
	for rec, err := range w.store.Records(ours(context.Background()), SpaceItems, "", "") {
		if err != nil {
			w.tb.Fatal(err)
		}
		k, ok := parseKey(rec.Key)
		if !ok {
			w.tb.Fatalf("key %q", rec.Key)
		}
		row := w.row(k)
		if row.State != stateOf(rec.Value) {
			w.tb.Errorf("%s: state %s is not what is read unparsed: %s", rec.Key, row.State, rec.Value)
		}
		if key := row.dueKey(); key != "" {
			want[key] = true
		}
	}
	for rec, err := range w.store.Records(ours(context.Background()), SpaceDue, "", "") {
		if err != nil {
			w.tb.Fatal(err)
		}
		if !want[rec.Key] {
			w.tb.Errorf("due row %q has no item", rec.Key)
		}
		delete(want, rec.Key)
	}
	for key := range want {
		w.tb.Errorf("due row %q is missing", key)
	}
}

func wantCode(tb testing.TB, err error, code string) {
	tb.Helper()
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != code {
		tb.Errorf("got %v, want code %s", err, code)
	}
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
