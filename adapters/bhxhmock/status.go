package bhxhmock

import (
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// asked wraps a call that asks: faults, session, facility; then answer.
func (m *Mock) asked(call string, answer func(facility string, form url.Values) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := m.faults.pick(call)
		form, err := values(w, r, maxForm)
		x.wait(r, false)
		if x.name == "tokenExpired" {
			m.tokens.end(r.Header.Get(wire.HeaderAccessToken))
		}
		who, facility := m.caller(r), form.Get("maCSKCB")
		var reply any
		switch {
		case who == "":
			reply = refuse(wire.NotLoggedIn, "")
		case err != nil || facility == "":
			reply = refuse(wire.BadParameter, "")
		case !m.may(who, facility):
			reply = refuse(wire.NotAllowed, "")
		default:
			reply = answer(facility, form)
		}
		x.wait(r, true)
		if !x.strike(w) {
			write(w, reply)
		}
	}
}

// status tells what became of records.
func (m *Mock) status(facility string, form url.Values) any {
	now := m.o.Now()
	reply := wire.StatusReply{MaKetQua: wire.Accepted}
	if receipt := form.Get("maGiaoDich"); receipt != "" {
		for _, r := range m.ledger.all() {
			if r.Effect && r.Facility == facility && r.MaGiaoDich == receipt {
				reply.DSHoSo = append(reply.DSHoSo, m.hoSo(r, now))
			}
		}
		return reply
	}
	asked := strings.FieldsFunc(form.Get("dsMaLK"), func(c rune) bool { return c == ';' || c == ',' || c == ' ' })
	if len(asked) == 0 || len(asked) > wire.MaxMaLK {
		return refuse(wire.BadParameter, "")
	}
	for _, maLK := range asked {
		rows := m.ledger.accepted(facility, maLK)
		if len(rows) == 0 {
			reply.DSHoSo = append(reply.DSHoSo, wire.HoSo{MaLK: maLK, MaCSKCB: facility, TrangThai: wire.KhongCo})
		}
		for _, r := range rows {
			reply.DSHoSo = append(reply.DSHoSo, m.hoSo(r, now))
		}
	}
	return reply
}

// newest gives the rows that count of a facility in [from, to] (yyyyMM): of each episode the highest version, and of
// that the last one taken.
func (m *Mock) newest(facility, from, to string) []Row {
	at := map[string]int{}
	var out []Row
	for _, r := range m.ledger.all() {
		if !r.Effect || r.Facility != facility || r.Period < from || r.Period > to {
			continue
		}
		if i, ok := at[r.MaLK]; ok {
			if r.Version >= out[i].Version {
				out[i] = r
			}
			continue
		}
		at[r.MaLK] = len(out)
		out = append(out, r)
	}
	return out
}

// batches tells the assessment batch of a month: there is one for each month with records.
func (m *Mock) batches(facility string, form url.Values) any {
	year, month := number(form, "nam"), number(form, "thang")
	if year < 2000 || year > 9999 || month < 1 || month > 12 {
		return refuse(wire.BadParameter, "")
	}
	period := fmt.Sprintf("%04d%02d", year, month)
	reply := wire.BatchReply{MaKetQua: wire.Accepted}
	rows := m.newest(facility, period, period)
	if len(rows) == 0 {
		return reply
	}
	state, now := wire.DaGiamDinh, m.o.Now()
	for _, r := range rows {
		if s := m.state(r, now); s == wire.DaTiepNhan || s == wire.DangGiamDinh {
			state = wire.DangGiamDinh
		}
	}
	reply.DSDot = []wire.Dot{{MaDot: "DOT-" + facility + "-" + period, Ky: period, SoHoSo: len(rows), TrangThai: state}}
	return reply
}

// settlement sums a quarter up from the ledger. It is dated, and paid, once every record of the quarter is assessed.
func (m *Mock) settlement(facility string, form url.Values) any {
	year, quarter := number(form, "nam"), number(form, "quy")
	if year < 2000 || year > 9999 || quarter < 1 || quarter > 4 {
		return refuse(wire.BadParameter, "")
	}
	from, to := fmt.Sprintf("%04d%02d", year, quarter*3-2), fmt.Sprintf("%04d%02d", year, quarter*3)
	claimed, accepted, now, open, last := new(big.Int), new(big.Int), m.o.Now(), false, ""
	rows := m.newest(facility, from, to)
	for _, r := range rows {
		switch m.state(r, now) {
		case wire.DaGiamDinh:
			for _, l := range r.Lines {
				d := assess(r.Facility, r.MaLK, l)
				addTo(claimed, d.TienDeNghi)
				addTo(accepted, d.TienChapNhan)
			}
			last = max(last, wire.Stamp(received(r).Add(m.o.AssessedAfter)))
		case wire.LoiDinhDang:
		default:
			open = true
		}
	}
	reply := wire.SettlementReply{
		MaKetQua: wire.Accepted, MaCSKCB: facility, Nam: year, Quy: quarter, SoHoSo: len(rows),
		TienDeNghi: amount(claimed), TienChapNhan: amount(accepted), TienGiam: amount(new(big.Int).Sub(claimed, accepted)), TienDaTra: "0.00",
	}
	if !open && last != "" {
		reply.TienDaTra, reply.NgayQT = reply.TienChapNhan, last[:8]
	}
	return reply
}

func addTo(sum *big.Int, a wire.Amount) {
	if v, ok := hundredths(string(a)); ok {
		sum.Add(sum, v)
	}
}

func number(form url.Values, name string) int {
	n, err := strconv.Atoi(form.Get(name))
	if err != nil {
		return 0
	}
	return n
}

// export gives the ledger. It needs no session: it is the judge, not part of the portal.
func (m *Mock) export(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	if err := m.ledger.export(w); err != nil {
		panic(http.ErrAbortHandler) // a cut answer must look cut
	}
}
