package bhxhmock

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// receive takes a check-in or a claim file: look at it, decide, write the ledger, sync, answer.
func (m *Mock) receive(call string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// In a form base64 grows by up to three bytes for each + and /, above its own third.
		form, err := values(w, r, int64(m.o.MaxFile)*4+maxForm)
		x := m.faults.pick(call, form.Get("maCSKCB"))
		x.wait(r, false)
		req := request{m: m, call: call, form: form, x: x}
		req.row = Row{
			Time: m.o.Now().UTC().Format(time.RFC3339Nano), Call: call, Account: m.caller(r), Address: address(r),
			Facility: form.Get("maCSKCB"), Reply: x.reply(), Fault: x.name,
		}
		req.read(err)
		if x.name == "tokenExpired" {
			m.tokens.end(r.Header.Get(wire.HeaderAccessToken))
			req.row.Account = ""
		}
		if x.name != "" && x.name != "tokenExpired" && !x.accept {
			rows, err := m.ledger.append(req.rows(DecisionNone, "", ""), nil)
			if err != nil {
				m.broken(w, err)
				return
			}
			if x.name == "otherReply" {
				x.other = m.earlier(rows[0])
			}
			x.answer(w, r, refuse(wire.ServerError, ""))
			return
		}
		reply, err := req.decide()
		if err != nil {
			m.broken(w, err)
			return
		}
		if x.name == "otherReply" {
			x.other = m.earlier(req.row)
		}
		x.wait(r, true)
		x.answer(w, r, reply)
	}
}

// earlier gives the receipt of the facility's last file that was taken before a request, "" if there is none.
func (m *Mock) earlier(of Row) (id string) {
	m.ledger.find(func(x *index) []entry {
		facility := x.facilities.find(of.Facility)
		for i := int32(len(x.rows)) - 1; i >= 0; i-- { //nolint:gosec // as in index
			if k := &x.rows[i]; k.effect && k.facility == facility && (of.MaGiaoDich == "" || x.requestOf(i) != of.Request) {
				id = receipt(of.Facility, x.requestOf(i))
				break
			}
		}
		return nil
	})
	return id
}

// broken is the answer when the ledger cannot be written: nothing was taken.
func (m *Mock) broken(w http.ResponseWriter, err error) {
	m.o.Log.Error("the ledger cannot be written", "err", err)
	w.WriteHeader(http.StatusInternalServerError)
	write(w, refuse(wire.ServerError, ""))
}

// request is a sending call on its way.
type request struct {
	m    *Mock
	call string
	form url.Values
	x    struck

	row     Row      // what all its rows share
	records []record // the episodes of the file
	fault   string   // why the file cannot be taken; "" if it can
}

// read opens the file, so that even a row of a refused request says which episode it was about.
func (q *request) read(err error) {
	if err != nil {
		q.fault = "Không đọc được yêu cầu"
		return
	}
	file, err := base64.StdEncoding.DecodeString(q.form.Get("fileHSBase64"))
	if err != nil || len(file) == 0 {
		q.fault = "fileHSBase64 không hợp lệ"
		return
	}
	q.row.SHA256 = wire.FileHash(file)
	if q.call == CallCheckIn {
		q.records, q.fault = readCheckIn(file, q.m.o.MaxFile)
		return
	}
	q.records, q.fault = readClaim(file, q.row.Facility, q.m.o.MaxFile)
	if q.m.o.Verify != nil && q.fault == "" {
		sig := q.m.o.Verify(q.row.Facility, file, instant(q.row.Time))
		q.row.Signature, q.row.Signer, q.fault = sig.State, sig.Signer, sig.State.fault()
	}
}

// decide writes the rows and gives the reply.
func (q *request) decide() (any, error) {
	refusal := func(code wire.MaKetQua, text string) (any, error) {
		reply := refuse(code, text)
		_, err := q.m.ledger.append(q.rows(DecisionRefused, code, reply.ThongDiep), nil)
		return reply, err
	}
	loai := map[string]string{CallCheckIn: wire.LoaiHoSoCheckIn, CallClaim: wire.LoaiHoSoClaim}[q.call]
	facility := q.row.Facility
	switch {
	case q.row.Account == "":
		return refusal(wire.NotLoggedIn, "")
	case q.form.Get("username") != q.row.Account || q.form.Get("loaiHoSo") != loai || len(facility) != 5 || q.form.Get("maTinh") != facility[:2]:
		return refusal(wire.BadParameter, "")
	case !q.m.may(q.row.Account, facility):
		return refusal(wire.NotAllowed, "")
	case q.fault != "":
		return refusal(wire.BadParameter, q.fault)
	}
	rows, err := q.m.ledger.append(q.rows(DecisionAccepted, wire.Accepted, ""), q.reconsider)
	if err != nil {
		return nil, err
	}
	q.row.Request, q.row.MaGiaoDich = rows[0].Request, rows[0].MaGiaoDich
	if rows[0].Decision == DecisionRefused {
		return refuse(rows[0].Code, rows[0].Text), nil
	}
	return wire.SendReply{
		MaKetQua: wire.Accepted, MaGiaoDich: rows[0].MaGiaoDich, ThongDiep: "Tiếp nhận thành công",
		ThoiGianTiepNhan: wire.Stamp(instant(rows[0].Time)),
	}, nil
}

// reconsider is called under the ledger's lock, where what came before is known: it decides anew where that changes something.
func (q *request) reconsider(at *index, rows []Row) {
	if q.m.o.RefuseRepeats && repeats(at, rows) {
		for i := range rows {
			rows[i].Decision, rows[i].Code, rows[i].Text = DecisionRefused, wire.BadParameter, "Hồ sơ đã gửi"
			rows[i].Effect = false
		}
		return
	}
	for i := range rows {
		rows[i].MaGiaoDich = receipt(rows[i].Facility, rows[i].Request)
		if over := rows[i].Effect && at.overlaps(&rows[i]); over != q.records[i].overlaps {
			q.records[i].overlaps = over
			q.m.decide(&rows[i], &q.records[i])
		}
	}
}

func repeats(at *index, rows []Row) bool {
	for _, r := range rows {
		for _, e := range at.episode(r.Facility, r.MaLK) {
			if r.Effect && e.version == r.Version {
				return true
			}
		}
	}
	return false
}

// receipt is the number that a request is acknowledged with; index.receipt reads it back.
func receipt(facility string, request uint64) string {
	return fmt.Sprintf("GD%s%010d", facility, request)
}

// receipt gives the rows with effect that were acknowledged with a number.
func (x *index) receipt(facility, id string) []entry {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "GD"+facility), 10, 64)
	if err != nil || receipt(facility, n) != id {
		return nil
	}
	return slices.DeleteFunc(x.request(n), func(e entry) bool { return !e.effect || e.facility != facility })
}

// rows makes a row for each episode, or one if none could be read.
func (q *request) rows(d Decision, code wire.MaKetQua, text string) []Row {
	base := q.row
	base.Decision, base.Code, base.Text = d, code, text
	if len(q.records) == 0 {
		return []Row{base}
	}
	var rows []Row
	for i := range q.records {
		rec, r := &q.records[i], base
		r.MaLK, r.Version, r.Reason = rec.maLK, rec.version, rec.reason
		if d == DecisionAccepted {
			q.m.accept(&r, rec, q.call)
		}
		rows = append(rows, r)
	}
	return rows
}

// accept writes into a row what an episode that is taken comes to.
func (m *Mock) accept(r *Row, rec *record, call string) {
	if call != CallClaim {
		return
	}
	r.Effect, r.Period, r.Errors = true, rec.period, rec.errors
	r.Holder, r.From, r.To = holder(m.salt, rec.total.get("MA_THE_BHYT")), clip(rec.total.get("NGAY_VAO"), 12), clip(rec.total.get("NGAY_RA"), 12)
	rec.overlaps = m.ledger.overlaps(r) // nearly always what it is when the row is written
	m.decide(r, rec)
	m.o.delay(r)
}

// decide writes the decision on each line into a row.
func (m *Mock) decide(r *Row, rec *record) {
	r.Rules = m.o.Rules.ID()
	r.Lines = m.o.Rules.assess(assessment{facility: r.Facility, seed: m.o.Seed, day: dayOf(rec.total, instant(r.Time)), rec: rec})
	claimed, accepted := new(big.Int), new(big.Int)
	for _, l := range r.Lines {
		addTo(claimed, l.BHTT)
		addTo(accepted, l.Accepted)
	}
	r.Claimed, r.Accepted = amount(claimed), amount(accepted)
}

// clip bounds foreign text in the ledger.
func clip(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}
