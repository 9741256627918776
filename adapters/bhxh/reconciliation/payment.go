package reconciliation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// paid are the payments of an episode over all runs of the months looked at, in the portal's order.
type paid struct {
	month    string
	payments []wire.HoSoDQT
}

// settlements takes over what was paid in the months.
func (w *run) settlements(ctx context.Context) error {
	organization, err := w.organization(ctx)
	if err != nil {
		return err
	}
	episodes := map[string]*paid{}
	var order []string
	for m := w.from; m <= w.to; m++ {
		var runs []wire.DotQT
		var records []wire.HoSoDQT
		for page, pages := 1, 1; page <= pages; page++ {
			var s wire.SettlementReply
			err := w.Calling(ctx, w.facility, func() (err error) {
				s, err = w.client.Settlement(ctx, w.facility, int(m)/12, int(m)%12+1, page)
				return err
			})
			if err != nil {
				return err
			}
			runs, pages = s.DSQuyetToan, s.TongTrang
			records = append(records, s.DSHoSo...)
		}
		for _, p := range records {
			if episodes[p.MaLK] == nil {
				episodes[p.MaLK] = &paid{month: m.String()}
				order = append(order, p.MaLK)
			}
			episodes[p.MaLK].payments = append(episodes[p.MaLK].payments, p)
		}
		for _, r := range runs {
			w.report.Settlements++
			if err := w.settlement(ctx, r, records, organization, m.String()); err != nil {
				return err
			}
		}
	}
	for _, maLK := range order {
		if err := w.payment(ctx, maLK, episodes[maLK], organization); err != nil {
			return err
		}
	}
	return nil
}

// settlement writes a run as a PaymentReconciliation, if it is new, and holds its sums against its records.
func (w *run) settlement(ctx context.Context, r wire.DotQT, records []wire.HoSoDQT, organization, month string) error {
	sum, n := new(apd.Decimal), 0
	for _, p := range records {
		if p.MaQT == r.MaQT {
			n++
			add(sum, string(p.TienDaTra))
		}
	}
	if total := money(string(r.TienDaTra)); n != r.SoHoSo || text(sum) != total {
		w.find(Finding{Kind: AmountsDiffer, Subject: r.MaQT, Month: month, Here: fmt.Sprintf("%d: %s", n, text(sum)), There: fmt.Sprintf("%d: %s", r.SoHoSo, total)})
	}
	m, ok := ParseMonth(month)
	if !ok {
		return nil
	}
	date, created := day(r.NgayQT), instant(r.NgayQT)
	if date == "" {
		return nil
	}
	requestor := object{"identifier", object{"value", w.facility}}
	if organization != "" {
		requestor = object{"reference", organization}
	}
	raw := resource.AppendJSON(nil, object{
		"resourceType", "PaymentReconciliation", "id", settlementID(r.MaQT),
		"identifier", list{object{"system", w.system("ma-quyet-toan"), "value", r.MaQT}},
		"status", "active", "period", object{"start", m.first().Format(time.DateOnly), "end", (m + 1).first().AddDate(0, 0, -1).Format(time.DateOnly)},
		"created", created, "requestor", requestor, "outcome", "complete",
		"disposition", fmt.Sprintf("%d: claimed %s, accepted %s, reduced %s", r.SoHoSo, r.TienDeNghi, r.TienChapNhan, r.TienGiam),
		"paymentDate", date, "paymentAmount", vnd(string(r.TienDaTra)),
		"paymentIdentifier", object{"system", w.system("ma-quyet-toan"), "value", r.MaQT},
	})
	return w.once(ctx, settlementID(r.MaQT), raw)
}

// once writes a document unless just this was written before.
func (w *run) once(ctx context.Context, key string, raw []byte) error {
	sum := sha256.Sum256(raw)
	hash := []byte(hex.EncodeToString(sum[:]))
	was, _, err := w.Store.Record(ctx, spaceWritten, key)
	if err != nil || string(was) == string(hash) {
		return err
	}
	doc, err := resource.New(raw)
	if err != nil {
		return err
	}
	_, err = w.Interactions.Apply(ctx, interaction.WriteSet{
		Docs:    []*resource.Document{doc},
		Require: []store.Precondition{store.RecordIs{Space: spaceWritten, Key: key, Value: was}},
		Records: []store.Record{{Space: spaceWritten, Key: key, Value: hash}},
	})
	if lease.Changed(err) {
		return nil // another run was faster
	}
	return err
}

// payment holds what was paid for an episode against what was accepted, and records it.
func (w *run) payment(ctx context.Context, maLK string, p *paid, organization string) error {
	last := p.payments[0]
	sum := new(apd.Decimal)
	for _, one := range p.payments {
		add(sum, string(one.TienDaTra))
		if one.PhienBan >= last.PhienBan {
			last = one
		}
	}
	claim, err := w.Outbox.ClaimOfEpisode(ctx, w.facility, maLK)
	if err != nil {
		return err
	}
	find := func(k Kind, subject, here, there string) {
		w.find(Finding{Kind: k, MaLK: maLK, PB: last.PhienBan, Subject: subject, Claim: claim, Month: p.month, Here: here, There: there})
	}
	if claim == "" {
		find(UnknownHere, "payment", "–", text(sum))
		return nil
	}
	accepted, ok := decimal(string(last.TienChapNhan))
	switch {
	case !ok:
	case sum.Cmp(accepted) > 0:
		find(PaidTwice, "", text(accepted), text(sum))
	case sum.Cmp(accepted) < 0:
		find(AmountsDiffer, "payment", text(accepted), text(sum))
	}
	st, err := w.Outbox.Status(ctx, claim)
	if err != nil {
		return err
	}
	for i := range st.Versions {
		it := &st.Versions[i]
		if it.PB != last.PhienBan {
			continue
		}
		switch it.State {
		case delivery.Assessed, delivery.Settled:
		case delivery.Accepted, delivery.Sending, delivery.Unknown:
			return nil // its decision is on the way; the next run settles it
		default:
			find(StateDiffers, "payment", string(it.State), text(sum))
			return nil
		}
		decided, found, err := w.decided(ctx, it)
		if err != nil {
			return err
		}
		if benefit := money(decided.Totals.Benefit); found && decided.MaGiaoDich == last.MaGiaoDich && ok && benefit != text(accepted) {
			find(AmountsDiffer, "decision", benefit, text(accepted))
		}
		return w.settle(ctx, it, p, last, sum, organization)
	}
	find(VersionDiffers, "payment", versions(st), fmt.Sprint(last.PhienBan))
	return nil
}

// decided reads the decision on a claim.
func (w *run) decided(ctx context.Context, it *delivery.VersionStatus) (d mapping.Decided, found bool, err error) {
	if it.Response == "" {
		return d, false, nil
	}
	f, err := w.Store.Read(ctx, fhir.Key{Type: "ClaimResponse", ID: delivery.ResponseID(it.Claim)}, 0)
	if err != nil {
		return d, false, err
	}
	doc, err := document(f)
	if err != nil {
		return d, false, err
	}
	return mapping.ReadDecision(doc.Root(), w.Systems), true, nil
}

// settle makes a version settled, with a PaymentNotice for each payment; one that is known already is left alone.
func (w *run) settle(ctx context.Context, it *delivery.VersionStatus, p *paid, last wire.HoSoDQT, sum *apd.Decimal, organization string) error {
	payment := delivery.Payment{Settlement: last.MaQT, Amount: text(sum), Date: day(last.NgayTra)}
	if was := it.Payment; was != nil && was.Settlement == payment.Settlement && was.Amount == payment.Amount && was.Date == payment.Date {
		return nil
	}
	row, err := w.Outbox.Load(ctx, it.Key())
	if err != nil {
		return err
	}
	var notices []*resource.Document
	seen := map[string]bool{}
	for _, one := range p.payments {
		raw, id := w.notice(it, one, organization)
		if seen[id] || raw == nil {
			continue // told twice: the finding says so
		}
		seen[id] = true
		doc, err := resource.New(raw)
		if err != nil {
			return err
		}
		notices = append(notices, doc)
	}
	if _, err = w.Outbox.Paid(ctx, row, payment, notices); moved(err) {
		return nil
	}
	if err == nil {
		w.report.Settled++
	}
	return err
}

// notice is a payment as a PaymentNotice; nil if it has no date or amount that can be read.
func (w *run) notice(it *delivery.VersionStatus, p wire.HoSoDQT, organization string) (raw []byte, id string) {
	sum := sha256.Sum256([]byte(w.facility + "|" + p.MaQT + "|" + p.MaLK))
	id = "payment-" + hex.EncodeToString(sum[:16])
	if _, ok := decimal(string(p.TienDaTra)); !ok || day(p.NgayTra) == "" {
		return nil, id
	}
	who := object{"identifier", object{"value", w.facility}}
	if organization != "" {
		who = object{"reference", organization}
	}
	var response object
	if it.Response != "" {
		response = object{"reference", it.Response}
	}
	return resource.AppendJSON(nil, object{
		"resourceType", "PaymentNotice", "id", id, "status", "active",
		"request", object{"reference", "Claim/" + string(it.Claim)}, "response", response,
		"created", instant(p.NgayTra), "provider", who,
		"payment", object{"reference", "PaymentReconciliation/" + settlementID(p.MaQT)}, "paymentDate", day(p.NgayTra),
		"recipient", who, "amount", vnd(string(p.TienDaTra)),
		"paymentStatus", object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/paymentstatus", "code", "paid"}}},
	}), id
}

func (w *run) system(name string) string { return w.Systems.Named(name) }

func vnd(amount string) object {
	return object{"value", resource.Literal(money(amount)), "currency", "VND"}
}

// settlementID is the id of the PaymentReconciliation of a run.
func settlementID(maQT string) string {
	if id, err := fhir.ParseID("settlement-" + maQT); err == nil {
		return string(id)
	}
	sum := sha256.Sum256([]byte(maQT))
	return "settlement-" + hex.EncodeToString(sum[:16])
}

// day turns yyyyMMdd into a date, "" if it is none.
func day(s string) string {
	t, err := time.ParseInLocation("20060102", s, wire.Zone)
	if err != nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// instant is the beginning of a day in Việt Nam.
func instant(s string) string {
	t, err := time.ParseInLocation("20060102", s, wire.Zone)
	if err != nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
