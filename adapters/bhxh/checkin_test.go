package bhxh

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/scheduler"
)

// reception is a world whose hospital sends check-ins.
type reception struct {
	*world
	svc *interaction.Service
}

func newReception(t *testing.T) *reception {
	w := newWorld(t)
	w.sync.CheckIns = true
	r := &reception{w, interaction.New(interaction.Config{Store: w.store, Now: w.clock.Now, Hooks: []interaction.Hook{w.outbox.Enqueue, CheckIns{Store: w.store, Now: w.clock.Now}.Hook}})}
	var err error
	w.runner, err = scheduler.New(scheduler.Config{Store: w.store, Now: w.clock.Now, Holder: "reception", Log: slog.New(slog.DiscardHandler)}, w.sync.Jobs()...)
	if err != nil {
		t.Fatal(err)
	}
	r.minute(0)
	return r
}

// arrive is a patient who comes in; change spoils the row.
func (r *reception) arrive(maLK string, change func(hoso.Row)) {
	r.tb.Helper()
	row := hoso.NewRow(hoso.DecisionAt("20260301").Layout(hoso.XML0))
	for name, v := range map[string]string{"MA_LK": maLK, "STT": "1", "MA_BN": "BN000001", "HO_TEN": "NGUYỄN VĂN THỬ", "SO_CCCD": "051085000011",
		"NGAY_SINH": "198503150000", "GIOI_TINH": "1", "MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202603010700", "MA_LOAI_KCB": "01", "MA_CSKCB": facility, "NGAY_YL": "202603010701", "MA_DICH_VU": "02.1896", "TEN_DICH_VU": "Khám Nội"} {
		row.Set(name, v)
	}
	if change != nil {
		change(row)
	}
	raw, err := mapping.CheckIn(row, mapping.EpisodeOptions{})
	if err != nil {
		r.tb.Fatal(err)
	}
	doc, err := resource.New(raw)
	if err != nil {
		r.tb.Fatal(err)
	}
	if _, err := r.svc.Transaction(ours(context.Background()), doc, interaction.BundleOptions{}); err != nil {
		r.tb.Fatal(err)
	}
}

func (r *reception) minute(d time.Duration) {
	r.tb.Helper()
	r.clock.Advance(d)
	if err := r.runner.Tick(ours(context.Background()), CheckInJob); err != nil {
		r.tb.Fatal(err)
	}
	r.quiet()
}

// rows gives the check-ins by episode, and how often each arrived at the portal.
func (r *reception) rows() (map[string]checkIn, map[string]int) {
	r.tb.Helper()
	rows, arrived := map[string]checkIn{}, map[string]int{}
	for rec, err := range r.store.Records(ours(context.Background()), spaceCheckIns, "", "") {
		var in checkIn
		if err != nil || json.Unmarshal(rec.Value, &in) != nil {
			r.tb.Fatal(err, string(rec.Value))
		}
		rows[in.Episode] = in
	}
	for _, row := range r.mock.Rows() {
		if row.Call == bhxhmock.CallCheckIn {
			arrived[row.MaLK]++
		}
	}
	return rows, arrived
}

func TestACheckInIsSentOnce(t *testing.T) {
	r := newReception(t)
	r.arrive("LK-1", nil)
	for range 5 {
		r.minute(time.Minute)
	}
	rows, arrived := r.rows()
	if in := rows["LK-1"]; in.State != "accepted" || in.MaGiaoDich == "" || arrived["LK-1"] != 1 || in.Due != 0 {
		t.Errorf("%+v %v", in, arrived)
	}
	// What is written about the stay later is no second check-in.
	page, err := r.svc.Search(ours(t.Context()), "Encounter", "", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Fatal(err, len(page.Matches))
	}
	id := page.Matches[0].Key.ID
	doc, err := resource.New([]byte(strings.Replace(string(r.read("Encounter", id).Raw()), `"status":"in-progress"`, `"status":"in-progress","priority":{"text":"gấp"}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.svc.Update(ours(t.Context()), fhir.Key{Type: "Encounter", ID: id}, doc, interaction.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.minute(time.Minute)
	if _, arrived := r.rows(); arrived["LK-1"] != 1 {
		t.Errorf("%v", arrived)
	}
}

func TestACheckInWithoutAnAnswerIsSentAgain(t *testing.T) {
	r := newReception(t)
	r.faults(bhxhmock.Faults{DropBeforeAccept: &bhxhmock.Fault{Count: 2, On: []string{"checkIn"}}})
	r.arrive("LK-1", nil)
	for range 12 {
		r.minute(time.Minute)
	}
	rows, _ := r.rows()
	if in := rows["LK-1"]; in.State != "accepted" || in.Tries != 3 {
		t.Errorf("%+v", in)
	}

	// Each attempt is on record with its bodies, whose hashes are those that it says.
	page, err := r.svc.Search(ours(t.Context()), "Encounter", "", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Fatal(err, len(page.Matches))
	}
	id := page.Matches[0].Key.ID
	raw, err := CheckInStatus(ours(t.Context()), r.store, id)
	if err != nil {
		t.Fatal(err)
	}
	status, err := resource.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []string
	for p := range status.Root().Get("parameter").Elements() {
		part := map[string]string{}
		for x := range p.Get("part").Elements() {
			for name, v := range x.Members() {
				if strings.HasPrefix(name, "value") {
					part[x.Get("name").Text()] = v.Text()
				}
			}
		}
		if p.Get("name").Text() != "attempt" {
			continue
		}
		n := len(outcomes) + 1
		outcomes = append(outcomes, part["outcome"])
		sent, err := CheckInBody(ours(t.Context()), r.store, id, n, delivery.Request)
		if err != nil || wire.FileHash(sent) != part["file-sha256"] || !strings.Contains(string(sent), "LK-1") {
			t.Errorf("attempt %d: %v %v %.100s", n, err, part, sent)
		}
		reply, err := CheckInBody(ours(t.Context()), r.store, id, n, delivery.Reply)
		if (n == 3) != (err == nil && strings.Contains(string(reply), rows["LK-1"].MaGiaoDich)) {
			t.Errorf("reply %d: %v %s", n, err, reply)
		}
	}
	if fmt.Sprint(outcomes) != "[unknown unknown accepted]" {
		t.Errorf("outcomes %v", outcomes)
	}
}

// What cannot be sent is not sent: an error of the pre-check, a patient who left, a day that has gone by.
func TestACheckInThatIsNotSent(t *testing.T) {
	r := newReception(t)
	r.arrive("LK-1", func(row hoso.Row) { row.Set("MA_DOITUONG_KCB", "") })
	r.minute(time.Minute)
	rows, arrived := r.rows()
	if in := rows["LK-1"]; in.State != "queued" || in.Text == "" || len(arrived) != 0 {
		t.Errorf("%+v %v", in, arrived)
	}
	r.minute(25 * time.Hour)
	if rows, arrived = r.rows(); rows["LK-1"].State != "ended" || len(arrived) != 0 {
		t.Errorf("%+v %v", rows["LK-1"], arrived)
	}
}

// A check-in whose sender is not registered for its facility is held, as a claim is, with the reason in its status; and goes out once he is.
func TestACheckInOfAForeignFacilityWaits(t *testing.T) {
	r := newReception(t)
	registered := false
	r.sync.Registered = func(_ context.Context, it Sent) (bool, error) {
		if it.Key.Type != "Encounter" || it.Key.ID == "" || it.Facility != facility || it.Sender != "bva" {
			t.Errorf("asked of %+v", it)
		}
		return registered, nil
	}
	r.svc = interaction.New(interaction.Config{Store: r.store, Now: r.clock.Now, Hooks: []interaction.Hook{
		CheckIns{Store: r.store, Sender: func(context.Context) string { return "bva" }, Now: r.clock.Now}.Hook}})
	r.arrive("LK-1", nil)
	for range 5 {
		r.minute(time.Minute)
	}
	rows, arrived := r.rows()
	if in := rows["LK-1"]; in.State != "queued" || in.Reason == nil || in.Reason.Code != delivery.ReasonForeign || in.Reason.Path != "XML0.MA_CSKCB" || arrived["LK-1"] != 0 {
		t.Errorf("%+v %v", in, arrived)
	}
	page, err := r.svc.Search(ours(t.Context()), "Encounter", "", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Fatal(err, len(page.Matches))
	}
	status := func() string {
		raw, err := CheckInStatus(ours(t.Context()), r.store, page.Matches[0].Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if told := delivery.Because(delivery.ReasonForeign); !strings.Contains(status(), told.VI) || !strings.Contains(status(), told.EN) {
		t.Error(status())
	}
	registered = true
	r.minute(time.Hour) // at the latest
	if rows, arrived = r.rows(); rows["LK-1"].State != "accepted" || arrived["LK-1"] != 1 || strings.Contains(status(), delivery.ReasonForeign) {
		t.Errorf("%+v %v %s", rows["LK-1"], arrived, status())
	}
}
