package audit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// ward is a store under watch, with its journal.
type ward struct {
	store   *Store
	journal *Journal
	follow  *Follower
	handler *Handler
	dir     string
	public  string
}

func newWard(t *testing.T) *ward {
	t.Helper()
	return newWardOn(t, enginetest.Open(t, engine.Options{}), "test-server")
}

func newWardOn(t *testing.T, e *engine.Engine, name string) *ward {
	t.Helper()
	s, public := signerOf(t, name)
	w := &ward{dir: t.TempDir(), public: public}
	w.journal = openJournal(t, w.dir, s)
	mask := NewMasker([]byte("0123456789abcdef"))
	w.store = Watch(e, mask)
	w.follow = &Follower{Store: w.store, Journal: w.journal}
	w.handler = &Handler{Journal: w.journal, Mask: mask, Base: "/fhir", Skip: func(p string) bool { return p == "/healthz" }}
	return w
}

var indexed = index.New(index.Options{})

func put(t *testing.T, doc string) store.Put {
	t.Helper()
	d, err := resource.New([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	v := d.Root()
	entries, issues := indexed.Resource(v, 5)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	key := fhir.Key{Type: v.ResourceType(), ID: fhir.ID(v.Get("id").Text())}
	return store.Put{Key: key, Doc: v.Store(key.ID), Entries: entries, Method: store.MethodUpdate}
}

const clinicName = "an-thinh"

func (w *ward) commit(t *testing.T, ctx context.Context, docs ...string) {
	t.Helper()
	var c store.Changes
	for _, d := range docs {
		c.Puts = append(c.Puts, put(t, d))
	}
	if _, err := w.store.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) context.Context { return store.WithFence(t.Context(), store.OpenFence()) }

const (
	person = `{"resourceType":"Patient","id":"p1","name":[{"family":"Nguyễn"}]}`
	dose   = `{"resourceType":"Immunization","id":"i1","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/p1"},"occurrenceDateTime":"2025-01-01"}`
	weight = `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"},"performer":[{"reference":"Patient/p1"}]}`
)

// answer runs a handler behind the audit handler.
func (w *ward) answer(method, target string, run http.HandlerFunc) *httptest.ResponseRecorder {
	w.handler.Next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx := store.WithFence(r.Context(), store.OpenFence())
		TrailOf(ctx).Caller(&access.Caller{Subject: clinicName, Issuer: "https://x", System: true, Role: access.RoleClinic, Organization: "org1", Purpose: "TREAT"})
		run(rw, r.WithContext(ctx))
	})
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest(method, target, nil))
	return rec
}

func (w *ward) about(t *testing.T, id fhir.ID) (all []Entry) {
	t.Helper()
	if err := w.follow.Now(open(t)); err != nil {
		t.Fatal(err)
	}
	for e, err := range w.journal.About(t.Context(), id, time.Time{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func (w *ward) size(t *testing.T) uint64 {
	t.Helper()
	if err := w.follow.Now(open(t)); err != nil {
		t.Fatal(err)
	}
	return w.journal.Size()
}

func TestEachWayOfReadingLeavesAnEntry(t *testing.T) {
	w := newWard(t)
	w.commit(t, open(t), person, dose, weight)
	all, err := w.store.Head(open(t))
	if err != nil {
		t.Fatal(err)
	}
	imm := fhir.Key{Type: "Immunization", ID: "i1"}
	observations := search.Query{Type: "Observation"}
	flags := search.Query{Type: "Flag"}
	search := func(ctx context.Context) {
		for m, err := range w.store.Search(ctx, observations, 0, store.SearchOptions{}) {
			if err != nil {
				t.Error(err)
			}
			if _, err := w.store.Fetch(ctx, m); err != nil {
				t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		target, do string
		read       func(ctx context.Context)
		gave       []string
		people     []string
	}{
		"read":                {"/fhir/Immunization/i1", "read", func(ctx context.Context) { _, _ = w.store.Read(ctx, imm, 0) }, []string{"Immunization/i1/_history/1"}, []string{"p1"}},
		"read as of a commit": {"/fhir/Immunization/i1", "read", func(ctx context.Context) { _, _ = w.store.Read(ctx, imm, all) }, []string{"Immunization/i1/_history/1"}, []string{"p1"}},
		"vread":               {"/fhir/Immunization/i1/_history/1", "vread", func(ctx context.Context) { _, _ = w.store.ReadVersion(ctx, imm, 1) }, []string{"Immunization/i1/_history/1"}, []string{"p1"}},
		"history": {"/fhir/Immunization/_history", "history", func(ctx context.Context) {
			for range w.store.History(ctx, store.History{Key: fhir.Key{Type: "Immunization"}}) {
			}
		}, []string{"Immunization/i1/_history/1"}, []string{"p1"}},
		"history of one": {"/fhir/Immunization/i1/_history", "history", func(ctx context.Context) {
			for range w.store.History(ctx, store.History{Key: imm}) {
			}
		}, []string{"Immunization/i1/_history/1"}, []string{"p1"}},
		"search":                           {"/fhir/Observation?code=x", "search", search, []string{"Observation/o1/_history/1"}, []string{"p1", "p2"}},
		"search by POST":                   {"/fhir/Observation/_search", "search", search, []string{"Observation/o1/_history/1"}, []string{"p1", "p2"}},
		"nothing was found":                {"/fhir/Immunization/i9", "read", func(context.Context) {}, nil, nil},
		"what the server reads for itself": {"/fhir/Patient/p1", "read", func(ctx context.Context) { _, _ = w.store.Read(store.Ourselves(ctx), imm, 0) }, nil, nil},
		"a number of few":                  {"/fhir/Observation?_summary=count", "search", func(ctx context.Context) { _, _ = w.store.Count(ctx, observations, 0) }, nil, []string{"p1", "p2"}},
		"a number of few, up to": {"/fhir/Observation", "search", func(ctx context.Context) {
			_, _ = w.store.CountUpTo(ctx, observations, 0, 1)
		}, nil, []string{"p1", "p2"}},
		"a number that is none": {"/fhir/Flag", "search", func(ctx context.Context) { _, _ = w.store.Count(ctx, flags, 0) }, nil, nil},
		"a number that the server looks for": {"/fhir/Flag", "search", func(ctx context.Context) {
			_, _ = w.store.Count(store.Ourselves(ctx), observations, 0)
		}, nil, nil},
		"operation": {"/fhir/Patient/p1/$everything", "operation", search, []string{"Observation/o1/_history/1"}, []string{"p1", "p2"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.size(t)
			method := http.MethodGet
			if strings.HasSuffix(c.target, "_search") {
				method = http.MethodPost
			}
			w.answer(method, c.target, func(rw http.ResponseWriter, r *http.Request) {
				c.read(r.Context())
				if got := w.journal.Size(); got != before {
					t.Error("told before there is an answer")
				}
				_, _ = io.WriteString(rw, "x")
				if got := w.journal.Size(); got != before+1 {
					t.Errorf("%d entries are on disk after the first byte", got-before)
				}
			})
			if got := w.journal.Size(); got != before+1 {
				t.Fatalf("%d entries", got-before)
			}
			e := w.last(t)
			slices.Sort(e.People)
			if e.Do != c.do || !slices.Equal(e.Gave, c.gave) || !slices.Equal(e.People, c.people) || e.Status != 200 || e.Agent.Who != clinicName || e.Agent.Address == "" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func (w *ward) last(t *testing.T) (last Entry) {
	t.Helper()
	all, err := segments(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range all {
		if err := eachLine(segmentPath(w.dir, first), 0, func(_ int64, line []byte) (err error) { last, err = parseLine(line); return err }); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func TestAWriteHasItsEntryInItsCommit(t *testing.T) {
	w := newWard(t)
	w.answer(http.MethodPut, "/fhir/Patient/p1", func(rw http.ResponseWriter, r *http.Request) {
		_, _ = w.store.Read(r.Context(), fhir.Key{Type: "Patient", ID: "p1"}, 0) // what an update reads to find out
		w.commit(t, r.Context(), person)
		rw.WriteHeader(http.StatusCreated)
	})
	w.commit(t, access.WithCaller(open(t), &access.Caller{Subject: "sync", Role: access.RoleService}), dose)
	if n := w.journal.Size(); n != 0 {
		t.Errorf("%d entries in the journal besides those of the commits", n)
	}
	all := w.about(t, "p1")
	if len(all) != 2 || all[0].T != 2 || all[1].T != 1 {
		t.Fatalf("%+v", all)
	}
	if e := all[1]; e.Do != "update" || e.On != "Patient/p1" || e.Agent.Who != clinicName || !slices.Equal(e.Wrote, []string{"Patient/p1/_history/1"}) {
		t.Errorf("%+v", e)
	}
	if e := all[0]; e.Agent.Who != "sync" || !slices.Equal(e.Wrote, []string{"Immunization/i1/_history/1"}) {
		t.Errorf("%+v", e)
	}
}

// TestCommitsAreTakenOverOnce opens the journal again and again between commits, also without a checkpoint.
func TestCommitsAreTakenOverOnce(t *testing.T) {
	w := newWard(t)
	for i := range 30 {
		w.commit(t, open(t), fmt.Sprintf(`{"resourceType":"Patient","id":"n%d"}`, i))
		if i%3 == 0 {
			if err := w.follow.Now(open(t)); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 == 0 {
			if err := w.follow.Checkpoint(open(t), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if i%5 == 0 {
			s := w.journal.o.Signer
			if i%2 == 0 {
				if err := w.journal.Close(); err != nil {
					t.Fatal(err)
				}
			}
			w.journal = openJournal(t, w.dir, s)
			w.follow = &Follower{Store: w.store, Journal: w.journal}
		}
	}
	if got := w.size(t); got != 30 {
		t.Errorf("%d entries of 30 commits", got)
	}
	if err := w.follow.Checkpoint(open(t), time.Now()); err != nil {
		t.Fatal(err)
	}
	logged := func(drop fhir.T) *Logged {
		l := &Logged{}
		for c, err := range w.store.Feed(open(t), 0) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range c.Records {
				if c.T != drop {
					l.Add(c.T, r)
				}
			}
		}
		return l
	}
	whole := logged(0)
	if whole.Checkpoints() < 8 {
		t.Errorf("%d checkpoints in the log", whole.Checkpoints())
	}
	if v, err := Verify(w.dir, []string{w.public}, whole); err != nil || !v.OK() || v.Commits != 30 || v.Waiting != 0 {
		t.Errorf("%+v %v", v, err)
	}
	if v, err := Verify(w.dir, []string{w.public}, logged(5)); err != nil || v.OK() {
		t.Errorf("an entry that no commit has passed: %+v %v", v, err)
	}
	w.commit(t, open(t), person)
	if v, err := Verify(w.dir, []string{w.public}, logged(0)); err != nil || !v.OK() || v.Waiting != 1 {
		t.Errorf("%+v %v", v, err)
	}
}

func TestWithoutAJournalThereIsNoAnswer(t *testing.T) {
	w := newWard(t)
	w.commit(t, open(t), person)
	if err := w.journal.Close(); err != nil {
		t.Fatal(err)
	}
	rec := w.answer(http.MethodGet, "/fhir/Patient/p1", func(rw http.ResponseWriter, r *http.Request) {
		f, err := w.store.Read(r.Context(), fhir.Key{Type: "Patient", ID: "p1"}, 0)
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Etag", "x")
		if _, err := rw.Write(f.Stored.Body); err == nil {
			t.Error("the answer went out")
		}
	})
	if rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "Nguy") || !strings.Contains(rec.Body.String(), "audit-unavailable") || rec.Header().Get("Etag") != "" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec = w.answer(http.MethodGet, "/healthz", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok") })
	if rec.Code != http.StatusOK {
		t.Errorf("healthz: %d", rec.Code)
	}
}

func TestNoIdentifierStandsInTheJournal(t *testing.T) {
	w := newWard(t)
	const cccd, name = "051085000011", "Nguyen%20Van%20A"
	for _, target := range []string{
		"/fhir/Patient?identifier=https://lienthong.example/sid/cccd|" + cccd,
		"/fhir/Patient?name=" + name + "&birthdate=1985-01-01",
		"/fhir/Patient?" + cccd + "=x", "/fhir/Patient/" + cccd, "/fhir/Patient/" + cccd + "/_history/1",
		"/fhir/Immunization?patient.identifier=" + cccd + "&date=ge2020&_count=" + cccd,
		"/fhir/" + cccd + "/$x", "/fhir/Patient?_filter=name%20eq%20%22" + name + "%22",
	} {
		w.answer(http.MethodGet, target, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(404) })
	}
	w.handler.Next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		TrailOf(r.Context()).Caller(&access.Caller{Subject: cccd, Role: access.RoleCitizen, Patient: "p1"})
	})
	r := httptest.NewRequest(http.MethodGet, "/fhir/Patient/p1", nil)
	r.Header.Set("X-Request-Id", cccd)
	w.handler.ServeHTTP(httptest.NewRecorder(), r)
	raw, err := os.ReadFile(segmentPath(w.dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(raw), "\n") != 9 {
		t.Errorf("%s", raw)
	}
	for _, never := range []string{cccd, "Nguyen", "1985-01-01"} { // nothing short: hashes and instants are by chance
		if strings.Contains(string(raw), never) {
			t.Errorf("%s stands in the journal: %s", never, raw)
		}
	}
	if !strings.Contains(string(raw), "date=ge2020") {
		t.Error("a harmless value was masked")
	}
}

func TestTheReportTellsInWords(t *testing.T) {
	w := newWard(t)
	w.commit(t, access.WithCaller(open(t), &access.Caller{Role: access.RoleService}), `{"resourceType":"Organization","id":"org1","name":"Phòng khám <An Thịnh>"}`, person, dose)
	if err := w.follow.Now(open(t)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.answer(http.MethodGet, "/fhir/Immunization/i1", func(rw http.ResponseWriter, r *http.Request) {
			_, _ = w.store.Read(r.Context(), fhir.Key{Type: "Immunization", ID: "i1"}, 0)
		})
	}
	r := &Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}
	for l, want := range map[outcome.Language]string{
		outcome.English:    "A clinic (Phòng khám &lt;An Thịnh&gt;) read 1 vaccination. Purpose: treatment.",
		outcome.Vietnamese: "Một phòng khám (Phòng khám &lt;An Thịnh&gt;) đã xem 1 mũi tiêm chủng. Mục đích: điều trị.",
	} {
		raw, err := r.Report(open(t), Inquiry{People: []fhir.ID{"p1"}, Most: 2, Language: l, Self: "http://x/$access-report?"})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := resource.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		first := doc.Root().Get("entry").At(0).Get("resource")
		if _, issues := indexed.Resource(first, 5); len(issues) > 0 {
			t.Errorf("not an AuditEvent: %v", issues)
		}
		if got := first.Get("text").Get("div").Text(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", l, got)
		}
		if doc.Root().Get("entry").Len() != 2 || !strings.HasPrefix(doc.Root().Get("link").At(0).Get("url").Text(), "http://x/$access-report?to=20") {
			t.Errorf("%s", raw)
		}
	}
}

// An event that is about two ids of one person, and looks at one of them more than once, is told once and counts each once.
func TestTheReportTellsAnEventOnce(t *testing.T) {
	w := newWard(t)
	w.commit(t, open(t), person, `{"resourceType":"Patient","id":"p2"}`)
	w.answer(http.MethodPost, "/fhir/Patient/$merge", func(rw http.ResponseWriter, r *http.Request) {
		TrailOf(r.Context()).Caller(&access.Caller{Subject: "clerk", Issuer: "https://x", Role: access.RoleRegistrar})
		for _, id := range []fhir.ID{"p1", "p2", "p1"} {
			_, _ = w.store.Read(r.Context(), fhir.Key{Type: "Patient", ID: id}, 0)
		}
	})
	r := &Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}
	raw, err := r.Report(open(t), Inquiry{People: []fhir.ID{"p1", "p2"}, Most: 10, Language: outcome.English})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "The register of persons used a function of the service (joining two entries of one person), which dealt with 2 personal records."); n != 1 || strings.Count(string(raw), `"resourceType":"AuditEvent"`) != 2 {
		t.Errorf("told %d times: %s", n, raw)
	}
}

// A request that reads what it then writes is told once, by its commit; what it read besides is told too.
func TestTheReportTellsAWriteOnce(t *testing.T) {
	for name, c := range map[string]struct {
		reads []fhir.Key
		times int
	}{
		"of what it wrote":         {[]fhir.Key{{Type: "Patient", ID: "p1"}, {Type: "Patient", ID: "p2"}}, 1},
		"of what it did not write": {[]fhir.Key{{Type: "Patient", ID: "p1"}, {Type: "Immunization", ID: "i1"}}, 2},
	} {
		w := newWard(t)
		w.commit(t, open(t), person, `{"resourceType":"Patient","id":"p2"}`, dose)
		w.answer(http.MethodPost, "/fhir/Patient/$merge", func(rw http.ResponseWriter, r *http.Request) {
			for _, key := range c.reads {
				_, _ = w.store.Read(r.Context(), key, 0)
			}
			w.commit(t, r.Context(), person, `{"resourceType":"Patient","id":"p2","active":false}`)
		})
		r := &Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}
		raw, err := r.Report(open(t), Inquiry{People: []fhir.ID{"p1", "p2"}, Most: 10, Language: outcome.English})
		if n := strings.Count(string(raw), "joining two entries"); err != nil || n != c.times {
			t.Errorf("%s: told %d times, want %d: %v %s", name, n, c.times, err, raw)
		}
	}
}

// TestANameOfARequestHidesNothing: callers name their requests, and one that only reads is told though an earlier one of that name wrote.
func TestANameOfARequestHidesNothing(t *testing.T) {
	w := newWard(t)
	w.commit(t, open(t), person)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.handler.Now = func() time.Time { at = at.Add(time.Millisecond); return at }
	for _, writes := range []bool{true, false, false} {
		w.handler.Next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			ctx := store.WithFence(r.Context(), store.OpenFence())
			TrailOf(ctx).Caller(&access.Caller{Subject: clinicName, Role: access.RoleClinic})
			_, _ = w.store.Read(ctx, fhir.Key{Type: "Patient", ID: "p1"}, 0)
			if writes {
				w.commit(t, ctx, strings.Replace(person, `"id"`, `"active":true,"id"`, 1))
			}
		})
		r := httptest.NewRequest(http.MethodPost, "/fhir", nil)
		r.Header.Set("X-Request-Id", "always-the-same")
		w.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	raw, err := (&Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}).Report(open(t), Inquiry{People: []fhir.ID{"p1"}, Most: 10})
	if n := strings.Count(string(raw), "exchanged several entries at once"); err != nil || n != 3 {
		t.Errorf("told %d times, want 3: %v %s", n, err, raw)
	}
}

// A name in the place of a type, or of a format, is foreign text.
func TestAMisplacedNameIsMasked(t *testing.T) {
	w := newWard(t)
	for _, target := range []string{"/fhir/Tranxuan/1", "/fhir/Patient?_format=Tranxuan", "/fhir/Patient/p1"} {
		w.answer(http.MethodGet, target, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) })
	}
	raw, err := os.ReadFile(w.journal.segmentPath(0))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "Tranxuan") || !strings.Contains(string(raw), `"on":"Patient/p1"`) {
		t.Errorf("%s", raw)
	}
}

// TestWhoTriedToOpenARecordIsToldToItsPerson: also where the answer was that there is none; what names no Patient is nobody's.
func TestWhoTriedToOpenARecordIsToldToItsPerson(t *testing.T) {
	w := newWard(t)
	w.handler.Subjects = func(_ context.Context, key fhir.Key) []fhir.ID {
		if key == (fhir.Key{Type: "Immunization", ID: "i1"}) {
			return []fhir.ID{"p1"}
		}
		return nil
	}
	for path, c := range map[string]struct {
		status int
		told   bool
	}{
		"/fhir/Patient/p1?a=b":               {404, true},
		"/fhir/Patient/p1/$everything":       {403, true},
		"/fhir/Patient/p1/_history":          {404, true},
		"/fhir/Patient/p1/Observation":       {401, false}, // nobody knows who it was
		"/fhir/Patient/p1/_history/1":        {410, false},
		"/fhir/Patient":                      {403, false},
		"/fhir/Patient/051085000011":         {404, false}, // the path has a number, not an id
		"/fhir/Observation/p1":               {404, false},
		"/fhir/Immunization/i1":              {404, true},
		"/fhir/Immunization/i1/_history/1":   {403, true},
		"/fhir/Immunization/i1?x=y":          {401, false},
		"/fhir/Immunization/i2":              {404, false}, // there is none
		"/fhir/Organization/i1":              {404, false},
		"/fhir/Patient/p1/$immds-forecast-x": {200, false},
	} {
		before := len(about(t, w, "p1"))
		w.handler.Next = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(c.status) })
		w.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		entries := about(t, w, "p1")
		if told := len(entries) > before; told != c.told {
			t.Errorf("%s with %d: told %v", path, c.status, told)
		}
		for _, e := range entries {
			if words := e.Words(outcome.English, func(string) string { return "" }); !strings.Contains(words, "was refused: it asked for personal record") && !strings.Contains(words, "was refused: it asked for vaccination (Immunization/i1") {
				t.Error(words)
			}
		}
	}
}

// TestAPersonIsToldOfNumbersAndOfEntriesOfBundles: who looks by asking how many there are, or among others, has looked all the same.
func TestAPersonIsToldOfNumbersAndOfEntriesOfBundles(t *testing.T) {
	w := newWard(t)
	w.handler.Subjects = func(_ context.Context, key fhir.Key) []fhir.ID {
		if key == (fhir.Key{Type: "Immunization", ID: "i1"}) {
			return []fhir.ID{"p1"}
		}
		return nil
	}
	told := func(path string, do func(context.Context), words ...string) (entries []Entry) {
		t.Helper()
		before := len(about(t, w, "p1"))
		w.answer("POST", path, func(rw http.ResponseWriter, r *http.Request) {
			do(r.Context())
			rw.WriteHeader(200)
		})
		if entries = about(t, w, "p1"); len(entries)-before != min(1, len(words)) {
			t.Errorf("%s: told %d times of %q", path, len(entries)-before, words)
		}
		for _, l := range []outcome.Language{outcome.English, outcome.Vietnamese}[:len(words)] {
			if said := entries[0].Words(l, func(string) string { return "" }); !strings.Contains(said, words[0]) {
				t.Errorf("%s: %s", path, said)
			}
			words = words[1:]
		}
		return entries
	}
	var docs []string
	for i := range countedFew + 1 {
		docs = append(docs, fmt.Sprintf(`{"resourceType":"Observation","id":"m%d","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`, i))
	}
	w.commit(t, open(t), docs...)
	count := func(ctx context.Context) { _, _ = w.store.Count(ctx, search.Query{Type: "Observation"}, 0) }
	told("/fhir/Observation/_search", count, "asked how many there are: measurement or finding", "đã hỏi có bao nhiêu:") // all hers
	w.commit(t, open(t), `{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"}}`, strings.Replace(docs[0], "p1", "p2", 1))
	told("/fhir/Observation/_search", count) // many, of several
	tried := func(key fhir.Key) func(context.Context) {
		return func(ctx context.Context) {
			TrailOf(ctx).Tried(key)
			TrailOf(ctx).Tried(fhir.Key{Type: "Patient", ID: "p2"})
		}
	}
	told("/fhir", tried(fhir.Key{Type: "Patient", ID: "p1"}), "Part of it was refused.", "Một phần bị từ chối.")
	entries := told("/fhir", tried(fhir.Key{Type: "Immunization", ID: "i1"}), "Part of it was refused.", "Một phần bị từ chối.")
	told("/fhir", tried(fhir.Key{Type: "Immunization", ID: "i2"}))
	told("/fhir", func(ctx context.Context) {
		tried(fhir.Key{Type: "Patient", ID: "p1"})(store.Ourselves(ctx))
		TrailOf(ctx).writes()
	}, "Part of it was refused.")
	if e := entries[0]; !slices.Equal(e.Tried, []string{"Immunization/i1", "Patient/p2"}) || !slices.Equal(e.People, []string{"p1", "p2"}) {
		t.Errorf("%+v", e)
	}
	raw, err := (&Reporter{Journal: w.journal, Store: w.store, Follow: w.follow}).Report(open(t), Inquiry{People: []fhir.ID{"p1"}, Most: 50})
	if err != nil || strings.Contains(string(raw), "p2") {
		t.Errorf("%v %s", err, raw)
	}
}

func about(t *testing.T, w *ward, id fhir.ID) (out []Entry) {
	t.Helper()
	for e, err := range w.journal.About(t.Context(), id, time.Time{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}
