package reconciliation

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
)

// Where both agree what was paid is taken over, and the second run has nothing to write.
func TestWhatIsPaidBecomesSettled(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	rep := w.run()
	if rep.Records != 3 || rep.Matched != 3 || rep.Settled != 3 || rep.Settlements != 1 || rep.Opened != 0 || len(rep.Findings) != 0 {
		t.Errorf("%+v", rep)
	}
	for _, id := range []string{"a", "b", "c"} {
		it := w.item(id)
		if it.State != delivery.Settled || it.Payment == nil || it.Payment.Amount == "" {
			t.Errorf("%s: %+v", id, it)
		}
		notices := w.all("PaymentNotice", "request=Claim/"+id)
		if len(notices) != 1 || notices[0].Get("amount").Get("value").Text() != it.Payment.Amount || notices[0].Get("response").Get("reference").Text() != it.Response {
			t.Errorf("%s: %d notices", id, len(notices))
		}
		run := strings.TrimPrefix(notices[0].Get("payment").Get("reference").Text(), "PaymentReconciliation/")
		if len(w.all("PaymentReconciliation", "_id="+run)) != 1 {
			t.Errorf("the notice names the run %s, which is not there", run)
		}
		task := w.all("Task", "focus=Claim/"+id)
		if len(task) != 1 || task[0].Get("businessStatus").Get("coding").At(0).Get("code").Text() != "settled" {
			t.Errorf("%s: its Task is %s", id, task[0].Raw())
		}
	}
	head := w.head()
	if rep := w.run(); rep.Settled != 0 || rep.Opened != 0 || w.head() != head {
		t.Errorf("the second run wrote: %+v", rep)
	}
	if err := w.runner.Tick(w.ours(), Job); err != nil { // the scheduled run
		t.Error(err)
	}
}

// Each way of the portal to differ is a finding of its kind, once; it is closed when the portal says again what we hold.
func TestEachDifferenceIsAFinding(t *testing.T) {
	record := func(change func(h map[string]any)) func(string, map[string]any) {
		return func(path string, reply map[string]any) {
			if path == paths.Status {
				for _, h := range of(reply, "dsHoSo", "LK-b") {
					change(h)
				}
			}
		}
	}
	drop := func(reply map[string]any, list, maLK string) {
		var left []any
		for _, one := range reply[list].([]any) {
			if one.(map[string]any)["maLK"] != maLK {
				left = append(left, one)
			}
		}
		reply[list] = left
	}
	for name, c := range map[string]struct {
		twist func(path string, reply map[string]any)
		want  string
	}{
		"not received any more": {func(path string, reply map[string]any) {
			if path != paths.Status {
				return
			}
			if _, batch := reply["tongTrang"]; batch {
				drop(reply, "dsHoSo", "LK-b")
				return
			}
			for _, h := range of(reply, "dsHoSo", "LK-b") {
				h["tiepNhan"], h["trangThai"] = false, "KHONG_CO"
			}
		}, "missing-there LK-b"},
		"a record that nobody sent": {func(path string, reply map[string]any) {
			if all, ok := reply["dsHoSo"].([]any); ok && path == paths.Status {
				copied := map[string]any{}
				for k, v := range all[0].(map[string]any) {
					copied[k] = v
				}
				copied["maLK"], copied["maGiaoDich"] = "LK-lạ", "GD999"
				reply["dsHoSo"] = append(all, copied)
			}
		}, "unknown-here LK-lạ"},
		"an amount": {record(func(h map[string]any) {
			h["dsChiTiet"].([]any)[0].(map[string]any)["tienDeNghi"] = "1.00"
		}), "amounts-differ LK-b"},
		"a line less": {record(func(h map[string]any) { h["dsChiTiet"] = h["dsChiTiet"].([]any)[1:] }), "amounts-differ LK-b"},
		"one claim more in a run than is listed": {func(path string, reply map[string]any) {
			if path == paths.Settlement {
				for _, r := range reply["dsQuyetToan"].([]any) {
					r.(map[string]any)["soHoSo"] = 3
				}
			}
		}, "amounts-differ "},
		"payment of a version that was never sent": {func(path string, reply map[string]any) {
			for _, p := range of(reply, "dsHoSo", "LK-b") {
				if path == paths.Settlement {
					p["phienBan"] = 7
				}
			}
		}, "version-differs LK-b"},
		"a version": {record(func(h map[string]any) { h["phienBan"] = 7 }), "version-differs LK-b"},
		"a file":    {record(func(h map[string]any) { h["sha256"] = strings.Repeat("0", 64) }), "file-differs LK-b"},
		"a state":   {record(func(h map[string]any) { h["trangThai"] = "LOI_DINH_DANG" }), "state-differs LK-b"},
		"paid twice": {func(path string, reply map[string]any) {
			if path != paths.Settlement {
				return
			}
			for _, p := range of(reply, "dsHoSo", "LK-b") {
				again := map[string]any{}
				for k, v := range p {
					again[k] = v
				}
				again["maQT"] = "QT-2"
				reply["dsHoSo"] = append(reply["dsHoSo"].([]any), again)
			}
		}, "paid-twice LK-b"},
		"paid less": {func(path string, reply map[string]any) {
			for _, p := range of(reply, "dsHoSo", "LK-b") {
				if path == paths.Settlement {
					p["tienDaTra"] = "5.00"
				}
			}
		}, "amounts-differ LK-b, amounts-differ "}, // the run's sum is no longer that of its records, too
		"payment of another decision": {func(path string, reply map[string]any) {
			for _, p := range of(reply, "dsHoSo", "LK-b") {
				if path == paths.Settlement {
					p["tienChapNhan"], p["tienDaTra"] = "7.00", "7.00"
				}
			}
		}, "amounts-differ LK-b, amounts-differ "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "a", "b")
			w.run()
			w.say(c.twist)
			rep := w.run()
			if got := kinds(rep); got != c.want || rep.Opened != len(rep.Findings) {
				b, _ := json.MarshalIndent(rep, "", " ")
				t.Fatalf("found %q, want %q: %s", got, c.want, b)
			}
			issues := w.all("DetectedIssue", "code=reconciliation")
			if len(issues) != len(rep.Findings) || issues[0].Get("status").Text() != "preliminary" || issues[0].Get("mitigation").At(0).Get("action").Get("text").Text() == "" {
				t.Errorf("%d issues", len(issues))
			}
			head := w.head()
			if again := w.run(); again.Opened != 0 || kinds(again) != c.want || w.head() != head {
				t.Errorf("the second run wrote, or found %q", kinds(again))
			}
			w.say(nil)
			w.Advance(time.Minute)
			if rep = w.run(); rep.Closed != len(issues) || len(rep.Findings) != 0 {
				t.Errorf("%d closed, %q is left", rep.Closed, kinds(rep))
			}
			for _, i := range w.all("DetectedIssue", "code=reconciliation") {
				if i.Get("status").Text() != "final" || i.Get("mitigation").Len() != 2 {
					t.Errorf("%s", i.Raw())
				}
			}
			w.say(c.twist)
			if rep = w.run(); rep.Opened != len(issues) {
				t.Errorf("it came again, and %d were opened", rep.Opened)
			}
		})
	}
}

// A line that the portal has and we have not is named.
func TestALineTooManyIsNamed(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.say(func(path string, reply map[string]any) {
		for _, h := range of(reply, "dsHoSo", "LK-b") {
			if path == paths.Status {
				lines := h["dsChiTiet"].([]any)
				more := maps.Clone(lines[0].(map[string]any))
				more["stt"] = 99
				h["dsChiTiet"] = append(lines, more)
			}
		}
	})
	if rep := w.run(); len(rep.Findings) != 1 || !strings.Contains(rep.Findings[0].Here, "/99 –") || !strings.Contains(rep.Findings[0].There, "/99 ") {
		t.Errorf("%+v", rep.Findings)
	}
}

// Hashes are compared as numbers: the letters of another portal's may be capitals.
func TestAHashInCapitalsIsTheSameFile(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.say(func(path string, reply map[string]any) {
		for _, h := range of(reply, "dsHoSo", "LK-b") {
			if sum, ok := h["sha256"].(string); ok && path == paths.Status {
				h["sha256"] = strings.ToUpper(sum)
			}
		}
	})
	if rep := w.run(); len(rep.Findings) != 0 || rep.Matched != 2 {
		t.Errorf("%+v", rep)
	}
}

// What the portal decided anew is taken over, and the hospital sees it as a version of the ClaimResponse.
func TestAChangedDecisionIsTakenOver(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.say(func(path string, reply map[string]any) {
		for _, h := range of(reply, "dsHoSo", "LK-b") {
			if path == paths.Status {
				line := h["dsChiTiet"].([]any)[0].(map[string]any)
				line["tienChapNhan"], line["maLyDo"], line["lyDo"] = "1.00", "GD09", "Sau khiếu nại"
			}
		}
	})
	if rep := w.run(); rep.Revised != 1 {
		t.Errorf("%+v", rep)
	}
	if it := w.item("b"); it.Assessment != delivery.Partly {
		t.Errorf("%+v", it)
	}
	answer := w.all("ClaimResponse", "request=Claim/b")[0]
	if !strings.Contains(string(answer.Raw()), "GD09") {
		t.Errorf("%s", answer.Raw())
	}
	head := w.head()
	if rep := w.run(); rep.Revised != 0 || w.head() != head {
		t.Errorf("%+v", rep)
	}
}

// A list that cannot be read closes nothing; neither does a run over other months.
func TestARunThatBreaksOffClosesNothing(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.say(func(path string, reply map[string]any) {
		for _, h := range of(reply, "dsHoSo", "LK-b") {
			if path == paths.Status {
				h["sha256"] = strings.Repeat("0", 64)
			}
		}
	})
	if rep := w.run(); kinds(rep) != "file-differs LK-b" {
		t.Fatalf("%+v", rep)
	}
	w.say(nil)
	m, _ := ParseMonth("2026-03")
	for _, path := range []string{paths.Batches, paths.Status, paths.Settlement} {
		w.fail = path
		if rep, err := w.r.Run(w.ours(), facility, m, m); err == nil || rep.Closed != 0 || len(rep.Findings) != 1 {
			t.Errorf("%s: %v %+v", path, err, rep)
		}
	}
	w.fail = ""
	if rep, err := w.r.Run(w.ours(), facility, m+2, m+3); err != nil || rep.Closed != 0 {
		t.Errorf("%v %+v", err, rep)
	}
	for _, bad := range [][2]Month{{m + 1, m}, {m, m + MaxMonths}, {0, 1}} {
		if _, err := w.r.Run(w.ours(), facility, bad[0], bad[1]); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if _, err := w.r.Run(w.ours(), "51902", m, m); err == nil {
		t.Error("a facility without an account was taken")
	}
}

// Two runs at once come to what one would.
func TestRunsMayOverlap(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	w.say(func(path string, reply map[string]any) {
		for _, h := range of(reply, "dsHoSo", "LK-b") {
			if path == paths.Status {
				h["sha256"] = strings.Repeat("0", 64)
			}
		}
	})
	m, _ := ParseMonth("2026-03")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := w.r.Run(w.ours(), facility, m, m); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(w.all("DetectedIssue", "")); n != 1 {
		t.Errorf("%d issues", n)
	}
	for _, id := range []string{"a", "b", "c"} {
		if it := w.item(id); it.State != delivery.Settled {
			t.Errorf("%s is %s", id, it.State)
		}
		if n := len(w.all("PaymentNotice", "request=Claim/"+id)); n != 1 {
			t.Errorf("%s has %d notices", id, n)
		}
	}
	if rep := w.run(); rep.Settled != 0 || rep.Opened != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestMonths(t *testing.T) {
	m, ok := ParseMonth("2026-01")
	if !ok || m.back(1).String() != "2025-12" || (m+12).String() != "2027-01" || m.first().Format(time.DateOnly) != "2026-01-01" {
		t.Error(m)
	}
	for _, bad := range []string{"", "2026", "2026-13", "2026-1", "26-01", "2026-01-01"} {
		if _, ok := ParseMonth(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}
