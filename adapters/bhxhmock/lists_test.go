package bhxhmock_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// page asks for a page of a batch's records.
func (p *portal) page(batch string, n int) (r wire.StatusReply) {
	p.t.Helper()
	p.call(wire.DefaultPaths().Status, wire.StatusRequest{Username: account.Username, MaCSKCB: "51901", MaDot: batch, Trang: n}.Form(), &r)
	return r
}

func (p *portal) settlement(r wire.SettlementRequest) (reply wire.SettlementReply) {
	p.t.Helper()
	r.Username, r.MaCSKCB = account.Username, "51901"
	p.call(wire.DefaultPaths().Settlement, r.Form(), &reply)
	return reply
}

// many is a claim file of n episodes.
func many(n int) []byte {
	e := wire.Envelope{MaCSKCB: "51901", NgayLap: "20260401"}
	for i := range n {
		one, _, err := wire.ReadEnvelope(small(fmt.Sprintf("LK%04d", i), "", 1000), wire.DefaultLimits())
		if err != nil {
			panic(err)
		}
		e.HoSo = append(e.HoSo, one.HoSo...)
	}
	return e.Append(nil)
}

func TestABatchListsWhatCounts(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	if r, _, body := p.send(many(wire.MaxMaLK + 1)); r.MaKetQua != wire.Accepted {
		t.Fatal(body)
	}
	p.send(small("LK0007", "PB=2", 3000))
	var batches wire.BatchReply
	p.call(wire.DefaultPaths().Batches, wire.BatchRequest{Username: account.Username, MaCSKCB: "51901", Nam: 2026, Thang: 3}.Form(), &batches)
	if len(batches.DSDot) != 1 || batches.DSDot[0].SoHoSo != wire.MaxMaLK+1 {
		t.Fatalf("%+v", batches)
	}
	seen := map[string]uint64{}
	for n := range 3 {
		r := p.page(batches.DSDot[0].MaDot, n+1)
		if want := []int{wire.MaxMaLK, 1, 0}[n]; r.MaKetQua != wire.Accepted || len(r.DSHoSo) != want || r.TongTrang != 2 {
			t.Errorf("page %d has %d records of %d pages", n+1, len(r.DSHoSo), r.TongTrang)
		}
		for _, h := range r.DSHoSo {
			seen[h.MaLK] = h.PhienBan
		}
	}
	if len(seen) != wire.MaxMaLK+1 || seen["LK0007"] != 2 || seen["LK0008"] != 1 {
		t.Errorf("%d episodes, LK0007 in version %d", len(seen), seen["LK0007"])
	}
	if r := p.page("DOT-51902-202603", 1); r.MaKetQua != wire.BadParameter {
		t.Errorf("another facility's batch: %+v", r.MaKetQua)
	}
}

// A run that was made does not change, and what is paid is paid once: a correction is paid by its difference.
func TestSettlementRuns(t *testing.T) {
	p := start(t, bhxhmock.Options{AssessedAfter: time.Hour, SettledAfter: time.Hour})
	march := wire.SettlementRequest{Nam: 2026, Thang: 3, Trang: 1}
	p.send(small("LK1", "", 100_000))
	p.clock.Advance(10 * time.Minute)
	p.login()
	p.send(small("LK2", "", 50_000))
	p.clock.Advance(119 * time.Minute)
	p.login()
	if r := p.settlement(march); r.TienDaTra != "0.00" || r.NgayQT != "" || len(r.DSQuyetToan) != 0 || r.TongTrang != 0 {
		t.Fatalf("before the run: %+v", r)
	}
	p.clock.Advance(time.Minute)
	p.login()
	first := p.settlement(march)
	if len(first.DSQuyetToan) != 1 || first.DSQuyetToan[0].SoHoSo != 2 || len(first.DSHoSo) != 2 || first.NgayQT != "20260401" || first.TienDaTra != first.TienChapNhan || first.TienDeNghi != "150000.00" {
		t.Fatalf("after the run: %+v", first)
	}
	p.send(small("LK1", "PB=2", 40_000))
	p.send(small("LK3", "", 20_000))
	if r := p.settlement(march); r.NgayQT != "" || r.DSQuyetToan[0] != first.DSQuyetToan[0] || r.TienDaTra != first.TienDaTra || !slices.Equal(r.DSHoSo, first.DSHoSo) {
		t.Errorf("while a correction waits: %+v", r)
	}
	p.clock.Advance(3 * time.Hour)
	p.login()
	second := p.settlement(march)
	if len(second.DSQuyetToan) != 2 || second.DSQuyetToan[0] != first.DSQuyetToan[0] || second.DSQuyetToan[1].SoHoSo != 2 || second.TienDaTra != second.TienChapNhan || second.SoHoSo != 3 {
		t.Errorf("after the second run: %+v", second)
	}
	i := slices.IndexFunc(second.DSHoSo, func(h wire.HoSoDQT) bool { return h.MaLK == "LK1" && h.PhienBan == 2 })
	if i < 0 || second.DSHoSo[i].TienDaTra[0] != '-' || second.DSHoSo[i].TienDeNghi != "40000.00" {
		t.Errorf("the correction: %+v", second.DSHoSo)
	}
	quarter := p.settlement(wire.SettlementRequest{Nam: 2026, Quy: 1})
	if quarter.TienDaTra != second.TienDaTra || quarter.Quy != 1 || quarter.Thang != 0 || quarter.DSHoSo != nil {
		t.Errorf("quarter: %+v", quarter)
	}
	for _, bad := range []wire.SettlementRequest{{Nam: 2026, Quy: 5}, {Nam: 2026, Thang: 13}, {Nam: 26, Quy: 1}, {Nam: 2026}} {
		if r := p.settlement(bad); r.MaKetQua != wire.BadParameter {
			t.Errorf("%+v: %s", bad, r.MaKetQua)
		}
	}
}

// With the contract's deadlines a record received on Wednesday is assessed on Friday and settled on the Tuesday of the
// week after the next; a clock of speed 3600 makes it seconds, and one that is decided on keeps its times.
func TestDeadlinesAndTheirClock(t *testing.T) {
	dir := t.TempDir()
	o := bhxhmock.Options{Dir: dir}.Deadlines()
	p := start(t, o) // Wednesday
	p.send(small("LK1", "", 1000))
	row := p.mock.Rows()[0]
	if row.AssessingAt != "2026-04-01T07:00:00Z" || row.DecidedAt != "2026-04-03T01:00:00Z" || row.SettleAt != "2026-04-14T01:00:00Z" {
		t.Errorf("%+v", row)
	}
	if err := p.mock.Close(); err != nil {
		t.Fatal(err)
	}
	o.ClockSpeed = 3600
	p = start(t, o)
	p.send(small("LK2", "", 1000))
	rows := p.mock.Rows()
	if rows[0].DecidedAt != row.DecidedAt || rows[1].AssessingAt != "2026-04-01T01:00:06Z" || rows[1].DecidedAt != "2026-04-01T01:00:48Z" || rows[1].SettleAt != "2026-04-01T01:05:12Z" {
		t.Errorf("%+v", rows[1])
	}
	for _, bad := range []bhxhmock.Options{{ClockSpeed: -1}, {AssessedAfter: -1}, {SettledDays: -1}} {
		bad.Dir = t.TempDir()
		if _, err := bhxhmock.New(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
