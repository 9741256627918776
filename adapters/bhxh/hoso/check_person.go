package hoso

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

var (
	idForm   = regexp.MustCompile(`^([0-9]{9}|[0-9]{12}|[A-Z][0-9]{7})$`)
	cardForm = regexp.MustCompile(`^([A-Z]{2}[1-5][0-9]{2}[0-9]{10}|[0-9]{10})$`)
	icdForm  = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9]{1,2})?[*+]?$`)
)

// maxBenhKT is the number of further diagnoses that the decision allows.
const maxBenhKT = 12

// person are the rules on who was treated: ID-01 to ID-03, CARD-01, DT-01 to DT-03, DATE-05.
func (c *checker) person(r at) {
	if id := r.Get("SO_CCCD"); id != "" {
		switch {
		case !idForm.MatchString(id):
			r.fail("ID-01", "SO_CCCD")
		case len(id) == 12 && !agrees(id, r.Get("NGAY_SINH"), r.Get("GIOI_TINH")):
			r.fail("ID-02", "SO_CCCD")
		}
	}
	for _, card := range split(r.Get("MA_THE_BHYT")) {
		if !cardForm.MatchString(card) {
			r.fail("ID-03", "MA_THE_BHYT")
			break
		}
	}
	if field, ok := cards(r.Row); !ok {
		r.fail("CARD-01", field)
	}
	born, admitted := r.Get("NGAY_SINH"), r.Get("NGAY_VAO")
	if birth(born) && minute(admitted) {
		from, to := bornBetween(born)
		in, _ := parseMinute(admitted)
		if from.After(in) || in.Year()-to.Year() > 130 {
			r.fail("DATE-05", "NGAY_SINH")
		}
		if r.Get("MA_DOITUONG_KCB") == "1.7" && in.After(to.AddDate(0, 0, 29)) {
			r.fail("DT-01", "MA_DOITUONG_KCB")
		}
	}
	switch doiTuong := r.Get("MA_DOITUONG_KCB"); {
	case doiTuong == "1.3" && r.Get("GIAY_CHUYEN_TUYEN") == "":
		r.fail("DT-03", "GIAY_CHUYEN_TUYEN")
	case doiTuong == "1.3" && r.Get("MA_NOI_DI") == "":
		r.fail("DT-03", "MA_NOI_DI")
	case doiTuong != "1.1" && doiTuong != "2" && r.Get("MA_DKBD") != "" && r.Get("MA_DKBD") == r.Get("MA_CSKCB"):
		r.fail("DT-02", "MA_DOITUONG_KCB")
	}
}

// agrees is ID-02: the fourth digit of a citizen ID holds century and gender, the next two the year of birth.
func agrees(id, ngaySinh, gioiTinh string) bool {
	if !birth(ngaySinh) || id[3] > '5' {
		return id[3] <= '5'
	}
	k := id[3] - '0'
	century := []string{"19", "20", "21"}[k/2]
	if century+id[4:6] != ngaySinh[:4] {
		return false
	}
	return gioiTinh != "1" && gioiTinh != "2" || gioiTinh == []string{"1", "2"}[k%2]
}

// bornBetween gives the first and last moment that a valid NGAY_SINH can mean.
func bornBetween(v string) (from, to time.Time) {
	if v[4:8] == "0000" {
		from, _ = parseDay(v[:4] + "0101")
		return from, from.AddDate(1, 0, -1)
	}
	from, _ = parseMinute(v)
	return from, from
}

// cards is CARD-01. A card without an end (GT_THE_DEN empty) is valid until further notice: newer cards print none.
func cards(r Row) (field string, ok bool) {
	card, from, to, dkbd := split(r.Get("MA_THE_BHYT")), split(r.Get("GT_THE_TU")), split(r.Get("GT_THE_DEN")), split(r.Get("MA_DKBD"))
	if len(card)+len(from)+len(to)+len(dkbd) == 0 {
		return "", true
	}
	switch n := len(card); {
	case len(from) != n:
		return "GT_THE_TU", false
	case len(to) != n && len(to) != 0:
		return "GT_THE_DEN", false
	case len(dkbd) != n:
		return "MA_DKBD", false
	}
	type span struct{ from, to string }
	var spans []span
	for i := range from {
		s := span{from: from[i], to: "99991231"}
		if len(to) > 0 && to[i] != "" {
			s.to = to[i]
		}
		if !day(s.from) || s.to != "99991231" && !day(s.to) {
			return "", true // FLD-04 says it
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b span) int { return strings.Compare(a.from, b.from) })
	for i := range spans {
		if spans[i].to < spans[i].from || i > 0 && spans[i].from <= spans[i-1].to {
			return "GT_THE_TU", false
		}
	}
	admitted := r.Get("NGAY_VAO")
	if !minute(admitted) {
		return "", true
	}
	valid := slices.ContainsFunc(spans, func(s span) bool { return s.from <= admitted[:8] && admitted[:8] <= s.to })
	return "GT_THE_DEN", valid
}

// listed is CODE-01 and CODE-02 for one field; an unknown code of a list that is not complete is a warning.
func (c *checker) listed(r at, rule, field string) {
	v := r.Get(field)
	if v == "" || slices.Contains(c.o.MoreCodes[field], v) {
		return
	}
	list := codeLists[field]
	if _, ok := list.Find(v); ok {
		return
	}
	if list.Partial {
		warning := fhir.SeverityWarning
		c.addAs(rule, r.table, r.stt, field, &warning)
		return
	}
	r.fail(rule, field)
}

func (c *checker) codes1(r at) {
	for _, f := range [...]string{"GIOI_TINH", "KET_QUA_DTRI", "MA_LOAI_RV", "MA_LOAI_KCB", "MA_DOITUONG_KCB", "MA_KHUVUC"} {
		c.listed(r, "CODE-01", f)
	}
	c.icd(r, "MA_BENH_CHINH", 1)
	c.icd(r, "MA_BENH_KT", maxBenhKT)
}

func (c *checker) codes23(r at) {
	for _, f := range [...]string{"PHAM_VI", "MA_PTTT", "NGUON_CTRA", "PP_VO_CAM", "MA_NHOM"} {
		c.listed(r, "CODE-02", f)
	}
	c.icd(r, "MA_BENH", maxBenhKT+1)
}

// icd is CODE-03.
func (c *checker) icd(r at, field string, most int) {
	codes := split(r.Get(field))
	if len(codes) > most || slices.ContainsFunc(codes, func(s string) bool { return !icdForm.MatchString(s) }) {
		r.fail("CODE-03", field)
	}
}

// stay are the rules on time and length of the stay: DATE-01, DATE-02, DATE-06, DAY-01.
func (c *checker) stay(r at) {
	in, okIn := parseMinute(r.Get("NGAY_VAO"))
	out, okOut := parseMinute(r.Get("NGAY_RA"))
	ward, okWard := parseMinute(r.Get("NGAY_VAO_NOI_TRU"))
	if okWard && (okIn && ward.Before(in) || okOut && ward.After(out)) {
		r.fail("DATE-02", "NGAY_VAO_NOI_TRU")
	}
	if !okIn || !okOut {
		return
	}
	if out.Before(in) {
		r.fail("DATE-01", "NGAY_RA")
	}
	month := r.Get("THANG_QT")
	if len(month) == 1 {
		month = "0" + month
	}
	if !c.o.Now.IsZero() && out.After(c.o.Now) {
		r.fail("DATE-06", "NGAY_RA")
	} else if period := r.Get("NAM_QT") + month; len(period) == 6 && period < r.Get("NGAY_RA")[:6] {
		r.fail("DATE-06", "THANG_QT")
	}
	want := -1
	switch r.Get("MA_LOAI_KCB") {
	case "01", "07", "09":
		want = 0
	case "02", "03", "04", "06":
		want = int(midnight(out).Sub(midnight(in)).Hours()/24) + 1
	}
	if n, ok := r.Decimal("SO_NGAY_DTRI"); ok && want >= 0 {
		if got, err := n.Int64(); err != nil || got != int64(want) {
			r.fail("DAY-01", "SO_NGAY_DTRI")
		}
	}
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, wire.Zone)
}

// dates23 are DATE-03 and DATE-04. Valid times have one form, so their texts compare as times.
func (c *checker) dates23(r at, xml1 Row) {
	order := r.Get("NGAY_YL")
	if in, out := xml1.Get("NGAY_VAO"), xml1.Get("NGAY_RA"); minute(order) && minute(in) && minute(out) && (order < in || order > out) {
		r.fail("DATE-03", "NGAY_YL")
	}
	if r.layout.ID != XML3 {
		return
	}
	last := ""
	for _, f := range [...]string{"NGAY_YL", "NGAY_TH_YL", "NGAY_KQ"} {
		v := r.Get(f)
		if !minute(v) {
			continue
		}
		if v < last {
			r.fail("DATE-04", f)
			return
		}
		last = v
	}
}
