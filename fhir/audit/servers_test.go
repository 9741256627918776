package audit

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// TestTrailsOfTwoServers: two servers over one log, each with a journal of its own. Either's report tells the writes of both,
// the checkpoints of both stand in the log, and each journal is proven against its own among them as the other server has them:
// one whose lines are gone is found out.
func TestTrailsOfTwoServers(t *testing.T) {
	stores := enginetest.Servers(t, engine.Options{}, 2)
	a, b := newWardOn(t, stores[0], "server-a"), newWardOn(t, stores[1], "server-b")
	by := func(who string) func(w *ward, doc string) {
		return func(w *ward, doc string) {
			w.commit(t, access.WithCaller(open(t), &access.Caller{Subject: who, Role: access.RoleService}), doc)
		}
	}
	by("first")(a, person)
	by("second")(b, dose)
	for _, w := range []*ward{a, b} {
		all := w.about(t, "p1")
		if len(all) != 2 || all[0].Agent.Who != "second" || all[1].Agent.Who != "first" {
			t.Fatalf("%+v", all)
		}
		w.answer(http.MethodGet, "/fhir/Immunization/i1", func(_ http.ResponseWriter, r *http.Request) {
			if _, err := w.store.Read(r.Context(), fhir.Key{Type: "Immunization", ID: "i1"}, 0); err != nil {
				t.Error(err)
			}
		})
		if err := w.follow.Checkpoint(open(t), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range []*ward{a, b} {
		r := &Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}
		raw, err := r.Report(open(t), Inquiry{People: []fhir.ID{"p1"}, Most: 10, Language: outcome.English})
		if n := strings.Count(string(raw), `"resourceType":"AuditEvent"`); err != nil || n != 3 {
			t.Errorf("server %d tells %d events of two writes and its own reading: %v %s", i, n, err, raw)
		}
		other := []*ward{b, a}[i]
		logged := &Logged{}
		for c, err := range other.store.Feed(open(t), 0) { // as the other server has it
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range c.Records {
				logged.Add(c.T, r)
			}
		}
		if n := logged.Checkpoints(); n != 2 {
			t.Errorf("%d checkpoints in the log", n)
		}
		if v, err := Verify(w.dir, []string{w.public}, logged); err != nil || !v.OK() || v.Commits != 2 {
			t.Errorf("server %d: %+v %v", i, v, err)
		}
		signer, _ := signerOf(t, "lost")
		empty := t.TempDir()
		if err := openJournal(t, empty, signer).Close(); err != nil {
			t.Fatal(err)
		}
		if v, err := Verify(empty, []string{w.public}, logged); err == nil && v.OK() {
			t.Errorf("server %d: an empty journal passes beside checkpoints in the log: %+v", i, v)
		}
	}
}
