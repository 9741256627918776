package bhxh

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

func decodeItem(tb testing.TB, raw []byte, it *delivery.Item) {
	tb.Helper()
	if err := json.Unmarshal(raw, it); err != nil {
		tb.Fatal(err)
	}
}

// The main job: a claim that is committed is sent, assessed, and told as FHIR.
func TestAClaimIsDeliveredAndAssessed(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Accepted)
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Accepted)
	w.slots(time.Minute)
	w.wantState(k, delivery.Assessed)
	w.once()

	if task := w.read("Task", "claim-sync-c1"); task.Get("status").Text() != "completed" || task.Get("output").Kind() == resource.None {
		t.Errorf("Task %s", task.Raw())
	}
	response := w.read("ClaimResponse", "claim-response-c1")
	if o := response.Get("outcome").Text(); o != "complete" && o != "partial" || response.Get("request").Get("reference").Text() != "Claim/c1" {
		t.Errorf("ClaimResponse %s", response.Raw())
	}
	lines := 0
	for item := range response.Get("item").Elements() {
		if item.Get("adjudication").Len() < 2 {
			t.Errorf("a line without amounts: %s", item.Raw())
		}
		lines++
	}
	if want := w.read("Claim", "c1").Get("item").Len(); lines != want {
		t.Errorf("%d lines are assessed, want %d", lines, want)
	}
	page, err := w.svc.Search(ours(context.Background()), "Task", "focus=Claim/c1&business-status=assessed", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Errorf("search for the Task: %d matches, %v", len(page.Matches), err)
	}

	st, err := w.outbox.Status(ours(context.Background()), "c1")
	if err != nil {
		t.Fatal(err)
	}
	a := st.Versions[0].Attempts
	if len(a) != 1 || a[0].Outcome != delivery.Accepted || a[0].MaKetQua != "200" || a[0].MaGiaoDich == "" || a[0].HTTPStatus != 200 ||
		a[0].ReplySHA256 == "" || a[0].SHA256 != w.mock.Rows()[0].SHA256 {
		t.Errorf("attempts %+v", a)
	}
}

// Whatever the portal does, the end is right and each version has at most one effect.
func TestEachFault(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name  string
		fault bhxhmock.Faults
		first delivery.State // after the slot in which it happens
	}{
		{"delay", bhxhmock.Faults{Delay: &bhxhmock.Fault{Count: 1, For: bhxhmock.Duration(300 * time.Millisecond)}}, delivery.Accepted},
		{"delay past the time-out, taken before", bhxhmock.Faults{Delay: &bhxhmock.Fault{Count: 1, For: bhxhmock.Duration(time.Hour), Accept: &yes}}, delivery.Unknown},
		{"delay past the time-out, taken afterwards", bhxhmock.Faults{Delay: &bhxhmock.Fault{Count: 1, For: bhxhmock.Duration(time.Hour)}}, delivery.Unknown},
		{"5xx, not taken", bhxhmock.Faults{Status: &bhxhmock.Fault{Count: 1, Status: 503}}, delivery.Unknown},
		{"5xx, taken", bhxhmock.Faults{Status: &bhxhmock.Fault{Count: 1, Status: 502, Accept: &yes}}, delivery.Unknown},
		{"dropped after it was taken", bhxhmock.Faults{DropAfterAccept: &bhxhmock.Fault{Count: 1}}, delivery.Unknown},
		{"dropped before it was taken", bhxhmock.Faults{DropBeforeAccept: &bhxhmock.Fault{Count: 1}}, delivery.Unknown},
		{"HTML with status 200, taken", bhxhmock.Faults{HTML200: &bhxhmock.Fault{Count: 1}}, delivery.Unknown},
		{"HTML with status 200, not taken", bhxhmock.Faults{HTML200: &bhxhmock.Fault{Count: 1, Accept: &no}}, delivery.Unknown},
		{"an empty body", bhxhmock.Faults{EmptyBody: &bhxhmock.Fault{Count: 1}}, delivery.Unknown},
		{"200 without a receipt", bhxhmock.Faults{WrongReply: &bhxhmock.Fault{Count: 1}}, delivery.Unknown},
		{"a session that ended", bhxhmock.Faults{TokenExpired: &bhxhmock.Fault{Count: 1}}, delivery.Accepted},
		{"no log-in", bhxhmock.Faults{Status: &bhxhmock.Fault{Count: 3, On: []string{"token"}}}, delivery.Queued},
		{"a log-in that works at the third time", bhxhmock.Faults{Status: &bhxhmock.Fault{Count: 2, On: []string{"token"}}}, delivery.Accepted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.claim("c1", "a")
			w.faults(c.fault)
			if d := c.fault.Delay; d != nil && c.first == delivery.Unknown {
				w.sync.Timeout = 3 * time.Second // of real time: all that is needed to send a file, and far from the delay
			}
			w.slots(10 * time.Second)
			w.wantState(k, c.first)
			w.sync.Timeout = 0
			w.once()
			w.settle()
			w.wantState(k, delivery.Assessed)
			w.once()
			if n := effects(w); n != 1 {
				t.Errorf("%d effects, want 1", n)
			}
		})
	}
}

func effects(w *world) (n int) {
	for _, r := range w.mock.Rows() {
		if r.Effect {
			n++
		}
	}
	return n
}

func TestStatusQueriesThatFailChangeNothing(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", "a")
	w.faults(bhxhmock.Faults{DropAfterAccept: &bhxhmock.Fault{Count: 1}, HTML200: &bhxhmock.Fault{On: []string{"status"}}})
	w.slots(10 * time.Second)
	for range 5 {
		w.slots(time.Minute)
		w.wantState(k, delivery.Unknown)
	}
	w.faults(bhxhmock.Faults{})
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
}

// A status query that answers and does not speak of the episode has not said that it was not received: nothing is sent again, however often
// that happens.
func TestSilenceAboutAnEpisodeIsNoAnswer(t *testing.T) {
	w := newWorld(t)
	w.connect(w.portalBut(func(rw http.ResponseWriter, r *http.Request) bool {
		asked := strings.HasSuffix(r.URL.Path, "/KQGiamDinhHoSo")
		if asked {
			_, _ = io.WriteString(rw, `{"maKetQua":"200","dsHoSo":[]}`)
		}
		return asked
	}))
	k := w.claim("c1", "a")
	w.faults(bhxhmock.Faults{HTML200: &bhxhmock.Fault{Count: 1}}) // taken, and no reply
	for range 20 {
		w.slots(time.Minute)
		w.wantState(k, delivery.Unknown)
	}
	if it := w.item(k); it.Sends != 1 || it.Asks < 10 {
		t.Errorf("sent %d times, asked about %d times", it.Sends, it.Asks)
	}
	w.connect(w.portal.URL)
	w.settle()
	w.wantState(k, delivery.Assessed)
	w.once()
}

// A format error that the portal finds after it accepted a file ends the wait for a decision, with the portal's own words.
func TestAFormatErrorOfThePortalRejects(t *testing.T) {
	w := newWorld(t)
	var receipt atomic.Value
	receipt.Store("")
	w.connect(w.portalBut(func(rw http.ResponseWriter, r *http.Request) bool {
		asked := strings.HasSuffix(r.URL.Path, "/KQGiamDinhHoSo")
		if asked {
			_, _ = fmt.Fprintf(rw, `{"maKetQua":"200","dsHoSo":[{"maLK":"LK-c1","maCSKCB":"51901","maGiaoDich":%q,"tiepNhan":true,"phienBan":1,"trangThai":"LOI_DINH_DANG","dsLoi":[{"ma":"L1","noiDung":"Sai cấu trúc"}]}]}`, receipt.Load())
		}
		return asked
	}))
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Accepted)
	receipt.Store(w.item(k).MaGiaoDich)
	for range 3 {
		w.slots(time.Minute)
	}
	w.wantState(k, delivery.Rejected)
	if why := w.item(k).Reason; why == nil || !strings.Contains(why.VI, "L1 Sai cấu trúc") {
		t.Errorf("%+v", why)
	}
}

func TestAPortalThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", "a")
	w.connect("http://" + fhirtest.Nowhere(t))
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Queued)
	got, err := w.runner.Slots(ours(context.Background()), SyncJob, 1)
	if err != nil || got[0].Message == "" {
		t.Errorf("the slot does not say what was wrong: %+v %v", got, err)
	}
	if it := w.item(k); it.Sends != 0 {
		t.Errorf("%d attempts are on record, none was made", it.Sends)
	}
	w.connect(w.portal.URL)
	w.settle()
	w.wantState(k, delivery.Assessed)
}

func TestAFaultyClaimIsHeldAndItsCorrectionIsSent(t *testing.T) {
	w := newWorld(t)
	k := w.claim("c1", faulty)
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Held)
	if it := w.item(k); len(it.Findings) == 0 || it.Findings[0].VI == "" {
		t.Errorf("findings %+v", it.Findings)
	}
	if n := len(w.mock.Rows()); n != 0 {
		t.Errorf("%d requests reached the portal", n)
	}
	k2 := w.claim("c1", "mended")
	w.settle()
	w.wantState(k, delivery.Withdrawn)
	w.wantState(k2, delivery.Assessed)
	w.once()
}

func TestACorrectionCarriesItsVersionAndReason(t *testing.T) {
	w := newWorld(t)
	w.claim("c1", "a")
	w.settle()
	k2 := w.claim("c1", "b")
	w.settle()
	w.wantState(k2, delivery.Assessed)
	rows := w.mock.Rows()
	last := rows[len(rows)-1]
	if last.Version != 2 || last.Reason != DefaultReason {
		t.Errorf("row %+v", last)
	}
	w.once()
}

// A Claim that was deleted has had its episode's versions: the next Claim of the episode goes on counting, in the file too, for the portal would
// take a second version 1 for the same file again.
func TestTheVersionOfAnEpisodeGoesOnAfterADeletedClaim(t *testing.T) {
	w := newWorld(t)
	w.claim("c1", "a")
	w.settle()
	if _, err := w.svc.Delete(ours(t.Context()), fhir.Key{Type: "Claim", ID: "c1"}, interaction.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := resource.New([]byte(strings.NewReplacer(`"id":"c1`, `"id":"c2`, "/c1", "/c2").Replace(string(episode(t, "c1", "b").Root().Raw()))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.svc.Transaction(ours(t.Context()), again, interaction.BundleOptions{}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	k := delivery.Key{Claim: "c2", Version: 1}
	w.wantState(k, delivery.Assessed)
	rows := w.mock.Rows()
	if last := rows[len(rows)-1]; w.item(k).PB != 2 || last.MaLK != "LK-c1" || last.Version != 2 || !last.Effect {
		t.Errorf("PB %d, row %+v", w.item(k).PB, last)
	}
	w.once()
}

func TestAFacilityWithoutAnAccount(t *testing.T) {
	w := newWorld(t)
	w.sync.Accounts[0].Facilities = []string{"51999"}
	k := w.claim("c1", "a")
	w.slots(10 * time.Second)
	w.wantState(k, delivery.Queued)
	if it := w.item(k); it.Reason == nil || it.Reason.Code != delivery.ReasonNoAccount {
		t.Errorf("reason %+v", it.Reason)
	}
}

// A server is killed at each commit of a slot in turn, also between sending and the record of the outcome.
func TestAServerThatDiesAtEachStep(t *testing.T) {
	for step := range 12 {
		t.Run(fmt.Sprint("after ", step, " commits"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.claim("c1", "a")
			w.store.left.Store(int64(step))
			w.slots(10 * time.Second)
			w.restart()
			w.once()
			w.settle()
			w.wantState(k, delivery.Assessed)
			w.once()
		})
	}
}

func TestTwoServersOnOneStore(t *testing.T) {
	w := newWorld(t)
	var keys []delivery.Key
	for i := range 20 {
		keys = append(keys, w.claim(fmt.Sprint("c", i), "a"))
	}
	other := &world{tb: t, clock: w.clock, portal: w.portal, mock: w.mock, store: w.store, svc: w.svc, outbox: w.outbox, starts: 100}
	other.connect(w.portal.URL)
	for range 10 {
		w.clock.Advance(10 * time.Second)
		done := make(chan struct{})
		go func() { defer close(done); other.slots(0) }()
		w.slots(0)
		<-done
	}
	w.settle()
	for _, k := range keys {
		w.wantState(k, delivery.Assessed)
	}
	w.once()
}

var (
	onceRuns = flag.Int("once.runs", 8, "worlds of TestOnceUnderRandomFaults")
	onceSeed = flag.Uint64("once.seed", 0, "seed of its first world; 0 = a new one each time")
)

// Random faults, random deaths, random corrections: at most one effect for each version, no accepted item without one,
// and in the end every newest version is assessed.
func TestOnceUnderRandomFaults(t *testing.T) {
	first := *onceSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for i := range *onceRuns {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("ONCE/once.seed=", seed), func(t *testing.T) {
			t.Parallel()
			liveAtRandom(newWorld(t), rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

func liveAtRandom(w *world, rng *rand.Rand) {
	const claims = 3
	newest := map[string]delivery.Key{}
	for i := range claims {
		id := fmt.Sprint("c", i)
		newest[id] = w.claim(id, "v0")
	}
	for step := range 10 {
		w.faults(randomFaults(rng))
		if rng.IntN(3) == 0 {
			id := fmt.Sprint("c", rng.IntN(claims))
			newest[id] = w.claim(id, fmt.Sprint("v", step+1))
		}
		dies := rng.IntN(2) == 0
		if dies {
			w.store.left.Store(int64(rng.IntN(25)))
		}
		w.slots(time.Duration(rng.IntN(90)+1) * time.Second)
		if dies {
			w.restart()
		}
		w.once()
	}
	w.faults(bhxhmock.Faults{})
	w.settle()
	for _, k := range newest {
		w.wantState(k, delivery.Assessed)
	}
	w.once()
}

// randomFaults switches some faults on, for the portal's every call.
func randomFaults(rng *rand.Rand) bhxhmock.Faults {
	f := bhxhmock.Faults{Seed: rng.Uint64()}
	some := func(p **bhxhmock.Fault, on ...string) *bhxhmock.Fault {
		if rng.IntN(3) != 0 {
			return &bhxhmock.Fault{}
		}
		*p = &bhxhmock.Fault{Probability: 0.2 + 0.6*rng.Float64(), On: on}
		return *p
	}
	accept := rng.IntN(2) == 0
	some(&f.Status, "claim", "status", "token").Accept = &accept
	some(&f.DropAfterAccept, "claim")
	some(&f.DropBeforeAccept, "claim", "status")
	some(&f.HTML200, "claim", "status").Accept = &accept
	some(&f.EmptyBody, "claim", "status", "token").Accept = &accept
	some(&f.WrongReply, "claim").Accept = &accept
	some(&f.TokenExpired, "claim", "status")
	return f
}
