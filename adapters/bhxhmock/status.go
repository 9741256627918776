package bhxhmock

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// asked wraps a call that asks: faults, session, facility; then answer.
func (m *Mock) asked(call string, answer func(facility string, form url.Values, upTo time.Time) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, err := values(w, r, maxForm)
		x := m.faults.pick(call, form.Get("maCSKCB"))
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
			var upTo time.Time
			if x.lag > 0 {
				upTo = m.o.Now().Add(-x.lag)
			}
			reply = answer(facility, form, upTo)
		}
		x.wait(r, true)
		x.answer(w, r, reply)
	}
}

// known leaves out what was received after a time; nothing if it is zero.
func known(rows []entry, upTo time.Time) []entry {
	if upTo.IsZero() {
		return rows
	}
	return slices.DeleteFunc(rows, func(e entry) bool { return e.received.After(upTo) })
}

// status tells what became of records, of those received by a time if it is not zero.
func (m *Mock) status(facility string, form url.Values, upTo time.Time) any {
	now := m.o.Now()
	reply := wire.StatusReply{MaKetQua: wire.Accepted}
	if id := form.Get("maGiaoDich"); id != "" {
		return m.records(reply, now, m.ledger.find(func(x *index) []entry { return known(x.receipt(facility, id), upTo) }))
	}
	if batch := form.Get("maDot"); batch != "" {
		period, ours := strings.CutPrefix(batch, batchID(facility, ""))
		if !ours {
			return refuse(wire.BadParameter, "")
		}
		var rows []entry
		rows, reply.TongTrang = pageOf(newest(m.ledger.find(func(x *index) []entry { return x.period(facility, period) })), max(number(form, "trang"), 1))
		return m.records(reply, now, rows)
	}
	asked := strings.FieldsFunc(form.Get("dsMaLK"), func(c rune) bool { return c == ';' || c == ',' || c == ' ' })
	if len(asked) == 0 || len(asked) > wire.MaxMaLK {
		return refuse(wire.BadParameter, "")
	}
	for _, maLK := range asked {
		rows := m.ledger.find(func(x *index) []entry { return known(x.episode(facility, maLK), upTo) })
		if len(rows) == 0 {
			reply.DSHoSo = append(reply.DSHoSo, wire.HoSo{MaLK: maLK, MaCSKCB: facility, TrangThai: wire.KhongCo})
			continue
		}
		var ok bool
		if reply, ok = m.records(reply, now, rows).(wire.StatusReply); !ok {
			return refuse(wire.ServerError, "")
		}
	}
	return reply
}

// records adds to a reply what the mock tells of rows.
func (m *Mock) records(reply wire.StatusReply, now time.Time, rows []entry) any {
	for _, e := range rows {
		r, err := m.ledger.row(e)
		if err != nil {
			m.o.Log.Error("the ledger cannot be read", "err", err)
			return refuse(wire.ServerError, "")
		}
		reply.DSHoSo = append(reply.DSHoSo, hoSo(r, e, now))
	}
	return reply
}

// hoSo is what the mock tells of a row with effect.
func hoSo(r Row, e entry, now time.Time) wire.HoSo {
	h := wire.HoSo{
		MaLK: r.MaLK, MaCSKCB: r.Facility, MaGiaoDich: r.MaGiaoDich, TiepNhan: true, PhienBan: r.Version, SHA256: r.SHA256,
		TrangThai: e.state(now), ThoiGianTiepNhan: wire.Stamp(e.received),
	}
	switch h.TrangThai {
	case wire.LoiDinhDang:
		h.Loi = r.Errors
	case wire.DaGiamDinh:
		h.ThoiGianGiamDinh = wire.Stamp(e.decided)
		for _, l := range r.Lines {
			h.ChiTiet = append(h.ChiTiet, wire.ChiTiet{Bang: l.Table, STT: l.STT, TienDeNghi: l.BHTT, TienChapNhan: l.Accepted, MaLyDo: l.Code, LyDo: l.Text})
		}
	}
	return h
}

func batchID(facility, period string) string { return "DOT-" + facility + "-" + period }

// batches tells the assessment batch of a month: there is one for each month with records.
func (m *Mock) batches(facility string, form url.Values, _ time.Time) any {
	year, month := number(form, "nam"), number(form, "thang")
	if year < 2000 || year > 9999 || month < 1 || month > 12 {
		return refuse(wire.BadParameter, "")
	}
	period := fmt.Sprintf("%04d%02d", year, month)
	reply := wire.BatchReply{MaKetQua: wire.Accepted}
	rows := newest(m.ledger.find(func(x *index) []entry { return x.period(facility, period) }))
	if len(rows) == 0 {
		return reply
	}
	state, now := wire.DaGiamDinh, m.o.Now()
	for _, e := range rows {
		if now.Before(e.decided) {
			state = wire.DangGiamDinh
		}
	}
	reply.DSDot = []wire.Dot{{MaDot: batchID(facility, period), Ky: period, SoHoSo: len(rows), TrangThai: state}}
	return reply
}

func number(form url.Values, name string) int {
	n, err := strconv.Atoi(form.Get(name))
	if err != nil {
		return 0
	}
	return n
}
