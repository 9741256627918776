package bhxhmock

import (
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// payment is one record of a run: what is paid for it.
type payment struct {
	entry
	paid *big.Int // accepted, less what earlier runs paid for the episode
}

// run is one run of a month's settlement.
type run struct {
	at       time.Time
	payments []payment
}

// runs gives the runs of a facility's month that were made by now, and whether something is left for a later one.
//
// A run takes all that was received since the last, and is made when the last of it may be settled. So runs follow from
// the ledger alone, and one that was made stays as it is: what comes later, a correction too, waits for the next.
// Assumed: no public source says how corrections of a settled month are paid.
func runs(rows []entry, now time.Time) (made []run, open bool) {
	paid := map[string]*big.Int{}
	counts := map[string]uint64{} // the version that was paid last
	for len(rows) > 0 {
		var at time.Time
		n := 0
		for n < len(rows) && (at.IsZero() || rows[n].received.Before(at)) {
			if s := rows[n].settled; s.After(at) {
				at = s
			}
			n++
		}
		r := run{at: at}
		for _, e := range newest(withoutFaulty(rows[:n])) {
			if e.version < counts[e.maLK] {
				continue
			}
			p := payment{entry: e, paid: new(big.Int)}
			if v, ok := hundredths(string(e.accepted)); ok {
				p.paid.Set(v)
			}
			before := paid[e.maLK]
			paid[e.maLK], counts[e.maLK] = new(big.Int).Set(p.paid), e.version
			if before != nil {
				p.paid.Sub(p.paid, before)
			}
			r.payments = append(r.payments, p)
		}
		rows = rows[n:]
		if len(r.payments) == 0 {
			continue
		}
		if now.Before(at) {
			return made, true
		}
		made = append(made, r)
	}
	return made, false
}

func withoutFaulty(rows []entry) []entry {
	var out []entry
	for _, e := range rows {
		if !e.faulty {
			out = append(out, e)
		}
	}
	return out
}

// totals adds up what is claimed, accepted and paid, in hundredths.
type totals struct{ claimed, accepted, paid big.Int }

func (t *totals) add(e entry, paid *big.Int) {
	addTo(&t.claimed, e.claimed)
	addTo(&t.accepted, e.accepted)
	t.paid.Add(&t.paid, paid)
}

func (t *totals) reduced() wire.Amount { return amount(new(big.Int).Sub(&t.claimed, &t.accepted)) }

// settlement tells the settlement of a quarter or of a month.
func (m *Mock) settlement(facility string, form url.Values, _ time.Time) any {
	year, quarter, month := number(form, "nam"), number(form, "quy"), number(form, "thang")
	first, last := month, month
	if month == 0 {
		first, last = quarter*3-2, quarter*3
	}
	if year < 2000 || year > 9999 || first < 1 || last > 12 {
		return refuse(wire.BadParameter, "")
	}
	reply := wire.SettlementReply{MaKetQua: wire.Accepted, MaCSKCB: facility, Nam: year, Quy: quarter, Thang: month}
	if month != 0 {
		reply.Quy = (month + 2) / 3
	}
	now := m.o.Now()
	var all totals
	var details []wire.HoSoDQT
	open, date := false, ""
	for ; first <= last; first++ {
		period := fmt.Sprintf("%04d%02d", year, first)
		rows := m.ledger.find(func(x *index) []entry { return x.period(facility, period) })
		for _, e := range newest(rows) {
			reply.SoHoSo++
			if e.state(now) == wire.DaGiamDinh {
				all.add(e, new(big.Int))
			}
		}
		made, more := runs(rows, now)
		open = open || more
		for i, r := range made {
			dot, records := r.tell(facility, period, i+1)
			reply.DSQuyetToan, details = append(reply.DSQuyetToan, dot), append(details, records...)
			for _, p := range r.payments {
				all.paid.Add(&all.paid, p.paid)
			}
			date = max(date, dot.NgayQT)
		}
	}
	reply.TienDeNghi, reply.TienChapNhan, reply.TienGiam, reply.TienDaTra = amount(&all.claimed), amount(&all.accepted), all.reduced(), amount(&all.paid)
	if !open {
		reply.NgayQT = date
	}
	if page := number(form, "trang"); page > 0 {
		reply.DSHoSo, reply.TongTrang = pageOf(details, page)
	}
	return reply
}

// tell is a run as the portal tells it.
func (r run) tell(facility, period string, n int) (wire.DotQT, []wire.HoSoDQT) {
	id, date := fmt.Sprintf("QT-%s-%s-%d", facility, period, n), wire.Stamp(r.at)[:8]
	var sum totals
	var records []wire.HoSoDQT
	for _, p := range r.payments {
		sum.add(p.entry, p.paid)
		records = append(records, wire.HoSoDQT{
			MaQT: id, MaLK: p.maLK, MaGiaoDich: receipt(p.facility, p.request), PhienBan: p.version,
			TienDeNghi: p.claimed, TienChapNhan: p.accepted, TienDaTra: amount(p.paid), NgayTra: date,
		})
	}
	return wire.DotQT{
		MaQT: id, Ky: period, Lan: n, NgayQT: date, SoHoSo: len(records),
		TienDeNghi: amount(&sum.claimed), TienChapNhan: amount(&sum.accepted), TienGiam: sum.reduced(), TienDaTra: amount(&sum.paid),
	}, records
}

// pageOf gives a page of records and the number of pages.
func pageOf[T any](all []T, page int) ([]T, int) {
	pages := (len(all) + wire.MaxMaLK - 1) / wire.MaxMaLK
	if page > pages {
		return nil, pages
	}
	from := (page - 1) * wire.MaxMaLK
	return all[from:min(from+wire.MaxMaLK, len(all))], pages
}

func addTo(sum *big.Int, a wire.Amount) {
	if v, ok := hundredths(string(a)); ok {
		sum.Add(sum, v)
	}
}
