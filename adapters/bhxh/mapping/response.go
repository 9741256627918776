package mapping

import (
	"cmp"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Assessment is what is known of a claim at the portal.
type Assessment struct {
	ID       fhir.ID   // of the ClaimResponse
	ClaimKey fhir.Key  // of the Claim
	Claim    Claimed   // of the version that was sent
	Record   wire.HoSo // a bare one (MaLK, MaGiaoDich, TiepNhan, DaTiepNhan) right after sending
	Created  time.Time
	Systems  Systems
}

// ClaimResponse writes the portal's answer as JSON. Its outcome is queued until the assessment is done, error for a
// format error, complete when every line was accepted as claimed, partial when one was cut. Each assessed line has the
// adjudications submitted (the line's amount: Claim.item.net, THANH_TIEN_BV), requested-fund (what is asked of the fund of
// it: T_BHTT, category of ours), eligible (THANH_TIEN_BH), copay (T_BNCCT) and benefit (what the fund pays, with the reason
// if it is less than requested-fund). The totals are the sums of the lines.
func ClaimResponse(a Assessment) ([]byte, error) {
	r := a.Record
	result := "queued"
	var items, errors, totals list
	switch r.TrangThai {
	case wire.LoiDinhDang:
		result = "error"
		for _, e := range r.Loi {
			errors = append(errors, object{"code", object{
				"coding", list{object{"system", a.Systems.CodeSystem(csTrangThai), "code", string(r.TrangThai)}},
				"text", strings.TrimSuffix(e.Ma+": "+e.NoiDung, ": "),
			}})
		}
		if errors == nil {
			errors = list{object{"code", object{"text", stateText(r.TrangThai)}}}
		}
	case wire.DaGiamDinh:
		result = "complete"
		var cut bool
		items, totals, cut = a.items()
		if cut {
			result = "partial"
		}
	}
	return a.write(result, cmp.Or(stateText(r.TrangThai), string(r.TrangThai)), items, totals, errors), nil
}

// stateText is a state at the portal for ClaimResponse.disposition.
func stateText(t wire.TrangThai) string {
	return wording.Of(csTrangThai, string(t), outcome.Vietnamese)
}

// Refusal writes the answer for a file that the portal refused when it was sent.
func Refusal(a Assessment, code wire.MaKetQua, text string) ([]byte, error) {
	vi, _ := code.Meaning()
	said := cmp.Or(text, vi, "Cổng giám định từ chối hồ sơ")
	errors := list{object{"code", object{
		"coding", list{object{"system", a.Systems.CodeSystem(csMaKetQua), "code", string(code), "display", vi}},
		"text", said,
	}}}
	a.Record.TrangThai = ""
	return a.write("error", "Cổng giám định từ chối hồ sơ: "+said, nil, nil, errors), nil
}

func (a Assessment) write(result, disposition string, items, totals, errors list) []byte {
	s, c, r := a.Systems, a.Claim, a.Record
	var ids, state list
	if r.MaGiaoDich != "" {
		ids = list{identifier(s.Receipt(), r.MaGiaoDich)}
	}
	if r.TrangThai != "" {
		state = list{object{"url", s.base() + "/fhir/StructureDefinition/" + csTrangThai, "valueCode", string(r.TrangThai)}}
	}
	insurer := object{"display", insurerName}
	if c.insurer != "" {
		insurer = object{"reference", c.insurer}
	}
	patient := object{"reference", c.patient}
	if at := fhir.ParseReference(c.patient); at.Inside != "" {
		patient = object{"type", "Patient", "display", "(contained in the Claim)"} // "#p1" would point into the answer
	}
	created := a.Created
	if t, err := wire.ParseStamp(cmp.Or(r.ThoiGianGiamDinh, r.ThoiGianTiepNhan)); err == nil {
		created = t
	}
	return resource.AppendJSON(nil, object{
		"resourceType", "ClaimResponse",
		"id", string(a.ID),
		"extension", state,
		"identifier", ids,
		"status", "active",
		"type", object{"coding", list{object{"system", claimTypeCode, "code", c.kind}}},
		"use", "claim",
		"patient", patient,
		"created", created.In(wire.Zone).Format(time.RFC3339),
		"insurer", insurer,
		"request", object{"reference", a.ClaimKey.String()},
		"outcome", result,
		"disposition", disposition,
		"item", items,
		"total", totals,
		"error", errors,
	})
}

// items gives the decisions line by line, their sums, and whether any line was cut. A line that the Claim does not have
// is left out of the items; the sums of what was asked and what is paid have it.
func (a Assessment) items() (items, totals list, cut bool) {
	submitted, requested, benefit := new(apd.Decimal), new(apd.Decimal), new(apd.Decimal)
	for _, d := range a.Record.ChiTiet {
		asked, paid := plus(requested, d.TienDeNghi), plus(benefit, d.TienChapNhan)
		less := asked != nil && paid != nil && paid.Cmp(asked) < 0
		cut = cut || less
		var reason object
		if less || d.MaLyDo != "" || d.LyDo != "" {
			reason = object{"text", d.LyDo}
			if d.MaLyDo != "" {
				reason = object{"coding", list{object{"system", a.Systems.CodeSystem(csLyDo), "code", d.MaLyDo, "display", d.LyDo}}, "text", d.LyDo}
			}
		}
		l, ok := a.Claim.line(d.Bang, d.STT)
		if !ok {
			continue
		}
		decided := list{
			adjudication(adjudicationCode, "submitted", plus(submitted, wire.Amount(l.submitted)), nil),
			adjudication(a.Systems.CodeSystem(csGiamDinh), requestedFund, asked, nil),
			adjudication(adjudicationCode, "eligible", parsed(l.eligible), nil),
			adjudication(adjudicationCode, "copay", parsed(l.copaid), nil),
			adjudication(adjudicationCode, "benefit", paid, reason),
		}
		if !resource.Empty(decided) {
			items = append(items, object{"itemSequence", l.sequence, "adjudication", decided})
		}
	}
	if len(a.Record.ChiTiet) > 0 {
		totals = list{
			adjudication(adjudicationCode, "submitted", submitted, nil),
			adjudication(a.Systems.CodeSystem(csGiamDinh), requestedFund, requested, nil),
			adjudication(adjudicationCode, "benefit", benefit, nil),
		}
	}
	return items, totals, cut
}

// plus adds an amount to a sum and gives it; nil if it is none.
func plus(sum *apd.Decimal, amount wire.Amount) *apd.Decimal {
	d := parsed(string(amount))
	if d == nil {
		return nil
	}
	var r apd.Decimal
	ctx := apd.BaseContext.WithPrecision(60)
	if _, err := ctx.Add(&r, sum, d); err != nil {
		return nil
	}
	sum.Set(&r)
	return d
}

func parsed(s string) *apd.Decimal {
	d, ok := hoso.ParseDecimal(s)
	if !ok {
		return nil
	}
	return &d
}

// adjudication is also the shape of ClaimResponse.total.
func adjudication(system, category string, d *apd.Decimal, reason object) object {
	if d == nil {
		return nil
	}
	return object{
		"category", object{"coding", list{object{"system", system, "code", category}}},
		"reason", reason,
		"amount", money(hoso.Money(d)),
	}
}
