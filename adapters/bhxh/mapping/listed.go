package mapping

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Listed is what a Claim says by itself, for those who read many of them: nothing that it refers to is read. Amounts are
// texts of VND with two decimals, "" where they cannot be told.
type Listed struct {
	MaCSKCB, MaLK string
	// Discharged is the day of NGAY_RA (2026-03-20, Việt Nam): of the extension, else of billablePeriod, else of created.
	Discharged string
	Total      string // T_TONGCHI_BV: Claim.total, else the sum of the lines
	Lines      []ListedLine
}

// ListedLine is one line, in the order of Claim.item.sequence.
type ListedLine struct {
	Sequence        int
	Table, STT      string // place in the claim file; "" if it has none
	MaNhom          string
	Code, Name      string
	Quantity, Unit  string
	UnitPrice       string
	Submitted       string // THANH_TIEN_BV
	Eligible        string // THANH_TIEN_BH
	Requested       string // T_BHTT
	Copay           string // T_BNCCT
	PatientPays     string // T_BNTT
	OtherSources    string // T_NGUONKHAC
	Served, Ordered string // NGAY_TH_YL, NGAY_YL as they stand in the file
}

// ListClaim reads a Claim. Amounts that follow from others by the decision's formulas are computed, as when it is sent.
func ListClaim(claim resource.Value, s Systems) Listed {
	m := &mapper{s: s, sid: s.sid(), claim: claim}
	var out Listed
	out.MaCSKCB, out.MaLK, _ = episodeIdentifier(claim, m.sid)
	ra := m.discharge()
	m.out.MaCSKCB, m.out.MaLK = out.MaCSKCB, out.MaLK
	m.out.HoSo = hoso.NewHoSo(hoso.DecisionAt(ra), hoso.XML1, hoso.XML2, hoso.XML3)
	m.out.HoSo.Table(hoso.XML1).Add()
	if m.lines() {
		m.out.HoSo.FillAmounts()
	}
	if len(ra) >= 8 {
		if t, err := time.Parse("20060102", ra[:8]); err == nil {
			out.Discharged = t.Format(time.DateOnly)
		}
	}
	if created := claim.Get("created").Text(); out.Discharged == "" && len(created) >= len(time.DateOnly) {
		out.Discharged = strings.Clone(created[:len(time.DateOnly)])
		if t, err := time.Parse(time.RFC3339, created); err == nil {
			out.Discharged = t.In(wire.Zone).Format(time.DateOnly)
		}
	}
	if total, ok := number(claim.Get("total").Get("value")); ok && total != "" {
		if d, ok := hoso.ParseDecimal(total); ok {
			out.Total = hoso.Money(&d)
		}
	}
	out.Total = cmp.Or(out.Total, m.out.HoSo.XML1().Get("T_TONGCHI_BV"))
	seen := map[hoso.ID]int{}
	for _, l := range linesOf(claim, s) {
		line := ListedLine{Sequence: l.sequence, STT: l.stt}
		if l.table != 0 {
			line.fill(l.table, m.out.HoSo.Table(l.table).Rows[seen[l.table]])
			seen[l.table]++
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// fill takes over a row of XML2 or XML3.
func (l *ListedLine) fill(id hoso.ID, r hoso.Row) {
	l.Table, l.STT, l.MaNhom = id.String(), r.Get("STT"), r.Get("MA_NHOM")
	l.Code = cmp.Or(r.Get("MA_THUOC"), r.Get("MA_DICH_VU"), r.Get("MA_VAT_TU"))
	l.Name = cmp.Or(r.Get("TEN_THUOC"), r.Get("TEN_DICH_VU"), r.Get("TEN_VAT_TU"))
	l.Quantity, l.Unit, l.UnitPrice = r.Get("SO_LUONG"), r.Get("DON_VI_TINH"), cmp.Or(r.Get("DON_GIA"), r.Get("DON_GIA_BV"))
	l.Submitted, l.Eligible, l.Requested = money2(r, "THANH_TIEN_BV"), money2(r, "THANH_TIEN_BH"), money2(r, "T_BHTT")
	l.Copay, l.PatientPays, l.OtherSources = money2(r, "T_BNCCT"), money2(r, "T_BNTT"), money2(r, "T_NGUONKHAC")
	l.Served, l.Ordered = r.Get("NGAY_TH_YL"), r.Get("NGAY_YL")
}

func money2(r hoso.Row, field string) string {
	d, ok := r.Decimal(field)
	if !ok {
		return ""
	}
	return hoso.Money(&d)
}

// Decided is what a ClaimResponse of ours says: the decision of the portal.
type Decided struct {
	MaGiaoDich  string // receipt that it is about
	Outcome     string // queued, complete, error or partial
	Disposition string
	Created     string
	Totals      Amounts
	Lines       map[int]DecidedLine // by Claim.item.sequence
	Errors      []string
}

// Amounts of a line, or of a whole claim, as the adjudication has them; "" = not told.
type Amounts struct{ Submitted, Requested, Eligible, Copay, Benefit string }

// DecidedLine is the decision on a line.
type DecidedLine struct {
	Amounts
	Reason string // code of the portal
	Text   string
}

// ReadDecision reads a ClaimResponse that ClaimResponse or Refusal wrote.
func ReadDecision(response resource.Value, s Systems) Decided {
	d := Decided{
		Outcome: text(response.Get("outcome")), Disposition: text(response.Get("disposition")), Created: text(response.Get("created")),
		Lines: map[int]DecidedLine{},
	}
	for id := range response.Get("identifier").Elements() {
		if id.Get("system").Text() == s.Receipt() {
			d.MaGiaoDich = text(id.Get("value"))
		}
	}
	for t := range response.Get("total").Elements() {
		d.Totals.take(t, s)
	}
	for item := range response.Get("item").Elements() {
		var l DecidedLine
		for a := range item.Get("adjudication").Elements() {
			l.take(a, s)
			if reason := a.Get("reason"); reason.Kind() != resource.None {
				code, name := codeOf(reason, s.CodeSystem(csLyDo))
				l.Reason, l.Text = code, cmp.Or(text(reason.Get("text")), name)
			}
		}
		n, _ := strconv.Atoi(item.Get("itemSequence").Text())
		d.Lines[n] = l
	}
	for e := range response.Get("error").Elements() {
		d.Errors = append(d.Errors, text(e.Get("code").Get("text")))
	}
	return d
}

// take reads an adjudication or a total.
func (a *Amounts) take(v resource.Value, s Systems) {
	n, ok := number(v.Get("amount").Get("value"))
	if !ok || n == "" {
		return
	}
	category := v.Get("category")
	if hasCode(category, s.CodeSystem(csGiamDinh), requestedFund) {
		a.Requested = n
	}
	switch code, _ := codeOf(category, adjudicationCode); code {
	case "submitted":
		a.Submitted = n
	case "eligible":
		a.Eligible = n
	case "copay":
		a.Copay = n
	case "benefit":
		a.Benefit = n
	}
}
