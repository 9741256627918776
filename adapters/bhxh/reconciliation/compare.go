package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// record holds a record of a list against our versions of the episode.
func (w *run) record(ctx context.Context, h wire.HoSo, month string) error {
	claim, err := w.Outbox.ClaimOfEpisode(ctx, w.facility, h.MaLK)
	if err != nil {
		return err
	}
	if claim == "" {
		w.find(Finding{Kind: UnknownHere, MaLK: h.MaLK, PB: h.PhienBan, Month: month, Here: "–", There: string(h.TrangThai) + " " + h.MaGiaoDich})
		return nil
	}
	st, err := w.Outbox.Status(ctx, claim)
	if err != nil {
		return err
	}
	for i := range st.Versions {
		if v := &st.Versions[i]; v.PB == h.PhienBan {
			return w.compare(ctx, st, v, h, month)
		}
	}
	w.find(Finding{Kind: VersionDiffers, MaLK: h.MaLK, PB: h.PhienBan, Claim: claim, Month: month, Here: versions(st), There: fmt.Sprint(h.PhienBan)})
	return nil
}

func versions(st delivery.Status) string {
	var all []string
	for _, v := range st.Versions {
		all = append(all, fmt.Sprint(v.PB))
	}
	return strings.Join(all, ", ")
}

// compare holds what the portal has of a version against ours.
func (w *run) compare(ctx context.Context, st delivery.Status, it *delivery.VersionStatus, h wire.HoSo, month string) error {
	differs := 0
	find := func(k Kind, here, there string) {
		differs++
		w.find(Finding{Kind: k, MaLK: h.MaLK, PB: h.PhienBan, Claim: it.Claim, Month: month, Here: here, There: there})
	}
	if h.MaGiaoDich != "" && h.MaGiaoDich != it.MaGiaoDich && !slices.Contains(it.Others, h.MaGiaoDich) && it.State != delivery.Sending && it.State != delivery.Unknown {
		// A second effect, or one after all: delivery marks it.
		if _, err := w.Outbox.Observe(ctx, it.Claim, []delivery.Taken{{PB: h.PhienBan, MaGiaoDich: h.MaGiaoDich}}); err != nil && !moved(err) {
			return err
		}
	}
	switch it.State {
	case delivery.Accepted, delivery.Assessed, delivery.Settled:
		if h.TrangThai == wire.LoiDinhDang && !w.fresh(it) {
			find(StateDiffers, string(it.State), string(h.TrangThai))
		}
	case delivery.Sending, delivery.Unknown: // the status query ends it
	case delivery.Rejected:
		if h.TrangThai != wire.LoiDinhDang {
			find(StateDiffers, string(it.State), string(h.TrangThai))
		}
	default:
		find(StateDiffers, string(it.State), string(h.TrangThai))
	}
	if b := believed(st); b != nil && b.PB > h.PhienBan && month != "" && !w.fresh(b) {
		find(VersionDiffers, fmt.Sprint(b.PB), fmt.Sprint(h.PhienBan))
	}
	if h.SHA256 != "" && !slices.ContainsFunc(it.Attempts, func(a delivery.Attempt) bool { return strings.EqualFold(a.SHA256, h.SHA256) }) {
		var sent []string
		for _, a := range it.Attempts {
			sent = append(sent, a.SHA256)
		}
		find(FileDiffers, strings.Join(sent, ", "), h.SHA256)
	}
	if h.TrangThai == wire.DaGiamDinh {
		here, there, err := w.amounts(ctx, it, h)
		if err != nil {
			return err
		}
		if here != there { // a decision on other lines than ours is not ours to take over
			find(AmountsDiffer, here, there)
		} else if err := w.decision(ctx, it, h); err != nil {
			return err
		}
	}
	if differs == 0 {
		w.report.Matched++
	}
	return nil
}

// claim reads the version of the claim that an item stands for.
func (w *run) claim(ctx context.Context, it delivery.Item) (resource.Value, error) {
	f, err := w.Store.ReadVersion(ctx, fhir.Key{Type: "Claim", ID: it.Claim}, it.Version)
	if err != nil {
		return resource.Value{}, err
	}
	doc, err := document(f)
	if err != nil {
		return resource.Value{}, err
	}
	return doc.Root(), nil
}

func document(f store.Found) (*resource.Document, error) {
	return resource.New(f.Stored.Append(nil, f.Version, f.At))
}

// amounts gives what we asked of the fund and what the portal says that we did: the sums, and each line that differs.
func (w *run) amounts(ctx context.Context, it *delivery.VersionStatus, h wire.HoSo) (here, there string, err error) {
	claim, err := w.claim(ctx, it.Item)
	if err != nil {
		return "", "", err
	}
	ours, theirs := map[string]string{}, map[string]string{}
	var places []string
	for _, l := range mapping.ListClaim(claim, w.Systems).Lines {
		place := l.Table + "/" + l.STT
		ours[place] = l.Requested
		places = append(places, place)
	}
	for _, d := range h.ChiTiet {
		place := fmt.Sprintf("%s/%d", d.Bang, d.STT)
		theirs[place] = money(string(d.TienDeNghi))
		if _, ok := ours[place]; !ok {
			places = append(places, place)
		}
	}
	var a, b []string
	for _, place := range places {
		if ours[place] != theirs[place] && len(a) < 20 {
			a, b = append(a, place+" "+or(ours[place])), append(b, place+" "+or(theirs[place]))
		}
	}
	return strings.Join(a, "; "), strings.Join(b, "; "), nil
}

func or(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// money gives an amount with its two decimals, as it stands if it is none. Amounts of a settlement may be negative.
func money(s string) string {
	d, ok := decimal(s)
	if !ok {
		return s
	}
	return text(d)
}

func decimal(s string) (*apd.Decimal, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	d, ok := hoso.ParseDecimal(digits)
	d.Negative = negative && !d.IsZero()
	return &d, ok
}

func text(d *apd.Decimal) string {
	abs := *d
	abs.Negative = false
	s := hoso.Money(&abs)
	if d.Negative && !d.IsZero() {
		return "-" + s
	}
	return s
}

var exact = apd.BaseContext.WithPrecision(60)

func add(sum *apd.Decimal, s string) bool {
	d, ok := decimal(s)
	if !ok {
		return false
	}
	_, err := exact.Add(sum, sum, d)
	return err == nil
}

// decision takes over a decision that the portal changed after we had it, such as after a dispute.
func (w *run) decision(ctx context.Context, it *delivery.VersionStatus, h wire.HoSo) error {
	if it.State != delivery.Assessed && it.State != delivery.Settled || it.Response == "" {
		return nil
	}
	f, err := w.Store.Read(ctx, fhir.Key{Type: "ClaimResponse", ID: delivery.ResponseID(it.Claim)}, 0)
	if err != nil {
		return err
	}
	doc, err := document(f)
	if err != nil {
		return err
	}
	held := mapping.ReadDecision(doc.Root(), w.Systems)
	if held.MaGiaoDich != h.MaGiaoDich { // of another version
		return nil
	}
	claim, err := w.claim(ctx, it.Item)
	if err != nil {
		return err
	}
	raw, err := mapping.ClaimResponse(mapping.Assessment{ID: delivery.ResponseID(it.Claim), ClaimKey: fhir.Key{Type: "Claim", ID: it.Claim}, Claim: mapping.ClaimedIn(claim, w.Systems), Record: h, Created: w.Now(), Systems: w.Systems})
	if err != nil {
		return err
	}
	now, err := resource.New(raw)
	if err != nil {
		return err
	}
	if same(held, mapping.ReadDecision(now.Root(), w.Systems)) {
		return nil
	}
	row, err := w.Outbox.Load(ctx, it.Key())
	if err != nil {
		return err
	}
	if _, err = w.Outbox.Revise(ctx, row, bhxh.Granted(h), nil, []*resource.Document{now}); moved(err) {
		return nil
	}
	w.report.Revised++
	return err
}

// same says whether two decisions pay the same for the same reasons.
func same(a, b mapping.Decided) bool {
	if a.Outcome != b.Outcome || a.Totals != b.Totals || len(a.Lines) != len(b.Lines) {
		return false
	}
	for n, l := range a.Lines {
		if b.Lines[n] != l {
			return false
		}
	}
	return true
}

// moved says that an item changed at the same moment: the next run sees it as it is then.
func moved(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Code == "delivery-moved" || e.Code == "delivery-transition")
}
