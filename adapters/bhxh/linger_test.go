package bhxh

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// proxy is a portal behind a proxy that keeps the first claim file after its sender has given up, until it is let go.
type proxy struct {
	*httptest.Server
	kept func() // lets the file go and returns when the portal has answered
}

func (w *world) lingering() *proxy {
	var first atomic.Bool
	release, done := make(chan struct{}), make(chan struct{})
	p := &proxy{kept: func() { close(release); <-done }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "guiHoSoXml") || first.Swap(true) {
			w.mock.Handler().ServeHTTP(rw, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.tb.Error(err)
		}
		kept := r.Clone(context.WithoutCancel(r.Context()))
		kept.Body = io.NopCloser(bytes.NewReader(body))
		go func() {
			defer close(done)
			<-release
			w.mock.Handler().ServeHTTP(httptest.NewRecorder(), kept)
		}()
		panic(http.ErrAbortHandler) // the sender sees a broken connection
	}))
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.tb.Cleanup(p.Close)
	w.connect(p.URL)
	return p
}

// until runs slots until the item is in a state, and gives how much time went by.
func (w *world) until(k delivery.Key, s delivery.State) time.Duration {
	w.tb.Helper()
	for i := range 60 {
		if w.item(k).State == s {
			return time.Duration(i) * 10 * time.Second
		}
		w.slots(10 * time.Second)
	}
	w.tb.Fatalf("%s is still %s, want %s", k, w.item(k).State, s)
	return 0
}

// A request that lingers longer than all patience has a second effect. It cannot be undone, and nobody can overlook it.
func TestASecondEffectIsMarkedAndLogged(t *testing.T) {
	w := newWorld(t)
	p := w.lingering()
	var events bytes.Buffer
	w.sync.Log = slog.New(slog.NewTextHandler(&events, nil))
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Unknown)
	if waited := w.until(k, delivery.Accepted); waited < 2*time.Minute {
		t.Errorf("sent again after %s, want two settle times", waited)
	}
	p.kept()
	if n := effects(w); n != 2 {
		t.Fatalf("%d effects: the test does not do what it says", n)
	}
	w.until(k, delivery.Assessed)
	it := w.item(k)
	if it.Reason == nil || it.Reason.Code != delivery.ReasonSecondEffect || len(it.Others) != 1 || it.Others[0] == it.MaGiaoDich {
		t.Errorf("item %+v", it)
	}
	if task := w.read("Task", "claim-sync-c1"); task.Get("statusReason").Get("coding").At(0).Get("code").Text() != delivery.ReasonSecondEffect {
		t.Errorf("Task %s", task.Raw())
	}
	if n := strings.Count(events.String(), "more than one effect"); n != 1 || !strings.Contains(events.String(), "level=ERROR") {
		t.Errorf("%d events: %s", n, events.String())
	}
}

func TestASecondEffectAfterTheAssessmentIsMarked(t *testing.T) {
	w := newWorld(t)
	p := w.lingering()
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.until(k, delivery.Assessed)
	p.kept()
	for range 60 {
		w.slots(time.Minute)
	}
	if it := w.item(k); it.State != delivery.Assessed || it.Reason == nil || it.Reason.Code != delivery.ReasonSecondEffect {
		t.Errorf("item %+v", it)
	}
}

// What arrives between the second "not received" and the second sending is found by the question before it.
func TestWhatArrivesBeforeItIsSentAgainIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	p := w.lingering()
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Unknown)
	for i := 0; w.item(k).State != delivery.Queued; i++ {
		if i == 60 {
			t.Fatal("it never comes back")
		}
		w.clock.Advance(10 * time.Second)
		if err := w.runner.Tick(ours(context.Background()), StatusJob); err != nil {
			t.Fatal(err)
		}
	}
	p.kept()
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
	if n := effects(w); n != 1 {
		t.Errorf("%d effects", n)
	}
}

// With a person in between nothing is sent again by itself.
func TestByPersonNothingIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.outbox.ByPerson = true
	k := w.claim("c1", "a")
	w.faults(bhxhmock.Faults{DropBeforeAccept: &bhxhmock.Fault{Count: 1}})
	for range 30 {
		w.slots(time.Minute)
	}
	w.wantState(k, delivery.Unknown)
	if _, err := w.outbox.Resolve(ours(context.Background()), k, delivery.Order{Decision: delivery.DecideNotReceived, Reason: "đã gọi điện", Who: "chi.lan"}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
}

// A wrong password is told in the Task, once to the operator for each time that it was tried, and tried less and less often.
func TestAWrongPassword(t *testing.T) {
	w := newWorld(t)
	var logins atomic.Int64
	portal := w.portalBut(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/take") {
			logins.Add(1)
		}
		return false
	})
	client, err := gateway.New(gateway.Config{BaseURL: portal, Username: "51901_BV", Password: "wrong", Now: w.clock.Now, Timeout: fhirtest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	w.sync.Accounts[0].Client = client
	k := w.claim("c1", "a")
	failed := 0
	for range 60 {
		w.slots(time.Minute)
		got, err := w.runner.Slots(ours(context.Background()), SyncJob, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Message != "" {
			failed++
		}
	}
	if n := logins.Load(); n < 3 || n > 5 || failed != int(n) {
		t.Errorf("%d log-ins in an hour, %d slots failed", n, failed)
	}
	w.wantState(k, delivery.Queued)
	task := w.read("Task", "claim-sync-c1")
	if code := task.Get("statusReason").Get("coding").At(0).Get("code").Text(); code != delivery.ReasonLoginRefused {
		t.Errorf("Task %s", task.Raw())
	}
}

func TestAFileThatIsTurnedAwayWith401SaysSo(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", "a")
	w.faults(bhxhmock.Faults{TokenExpired: &bhxhmock.Fault{}})
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Queued)
	if it := w.item(k); it.Reason == nil || it.Reason.Code != delivery.ReasonNotLoggedIn {
		t.Errorf("reason %+v", it.Reason)
	}
	w.faults(bhxhmock.Faults{})
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
}

func TestThePathCanBeChosen(t *testing.T) {
	for path, want := range map[SendPath]string{QD4750: "QD4750", QD3176: "QD3176"} {
		w := newWorld(t)
		var got atomic.Value
		w.connect(w.portalBut(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "guiHoSoXml") {
				got.Store(r.URL.Path)
			}
			return false
		}))
		w.sync.Path = path
		w.claim("c1", "a")
		w.slots(10 * time.Second)
		if !strings.HasSuffix(fmt.Sprint(got.Load()), want) {
			t.Errorf("%s went to %v", path, got.Load())
		}
	}
}

func TestFindingsNameTheElement(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", faulty)
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Held)
	var vi, en []string
	for note := range w.read("Task", "claim-sync-c1").Get("note").Elements() {
		vi = append(vi, note.Get("text").Text())
		en = append(en, note.Get("_text").Get("extension").At(0).Get("extension").At(1).Get("valueString").Text())
	}
	if all := strings.Join(vi, "\n"); !strings.Contains(all, "XML1.T_TONGCHI_BV (Claim.total): Tổng XML1 không khớp") || !strings.Contains(all, "XML3[1].THANH_TIEN_BV (Claim.item.where(sequence=") {
		t.Errorf("notes %s", all)
	}
	if all := strings.Join(en, "\n"); !strings.Contains(all, "XML1.T_TONGCHI_BV (Claim.total): XML1 total differs") {
		t.Errorf("no English: %s", all)
	}
}
