package hoso

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	idForm   = regexp.MustCompile(`^([0-9]{9}|[0-9]{12}|[A-Z][0-9]{7})$`)
	cardForm = regexp.MustCompile(`^([A-Z]{2}[1-5][0-9]{2}[0-9]{10}|[0-9]{10})$`)
)

// identityForm is ID-01.
func identityForm(c *checker) {
	if id := c.x.Get("SO_CCCD"); id != "" && !idForm.MatchString(id) {
		c.x.fail("SO_CCCD")
	}
}

// identityAgrees is ID-02.
func identityAgrees(c *checker) {
	id := c.x.Get("SO_CCCD")
	if len(id) == 12 && idForm.MatchString(id) && !agrees(id, c.x.Get("NGAY_SINH"), c.x.Get("GIOI_TINH")) {
		c.x.fail("SO_CCCD")
	}
}

// cardForms is ID-03.
func cardForms(c *checker) {
	if slices.ContainsFunc(several(c.x.Get("MA_THE_BHYT")), func(card string) bool { return !cardForm.MatchString(card) }) {
		c.x.fail("MA_THE_BHYT")
	}
}

// birthPossible is DATE-05.
func birthPossible(c *checker) {
	born, in := c.x.Get("NGAY_SINH"), c.x.Get("NGAY_VAO")
	if !birth(born) || !minute(in) {
		return
	}
	from, to := bornBetween(born)
	if admitted, _ := parseMinute(in); from.After(admitted) || !admitted.Before(to.AddDate(131, 0, 0)) {
		c.x.fail("NGAY_SINH")
	}
}

// newbornCode is DT-01. The day of birth is day 0.
func newbornCode(c *checker) {
	born, in := c.x.Get("NGAY_SINH"), c.x.Get("NGAY_VAO")
	if c.x.Get("MA_DOITUONG_KCB") != "1.7" || !birth(born) || !minute(in) {
		return
	}
	_, to := bornBetween(born)
	if admitted, _ := parseMinute(in); admitted.After(midnight(to).AddDate(0, 0, 29).Add(-time.Nanosecond)) {
		c.x.fail("MA_DOITUONG_KCB")
	}
}

// registeredHere is DT-02.
func registeredHere(c *checker) {
	doiTuong, at := c.x.Get("MA_DOITUONG_KCB"), several(c.x.Get("MA_DKBD"))
	elsewhere := func(dkbd string) bool { return dkbd != c.h.MaCSKCB() }
	if doiTuong != "1.1" && doiTuong != "2" && len(at) > 0 && !slices.ContainsFunc(at, elsewhere) {
		c.x.fail("MA_DOITUONG_KCB")
	}
}

// referralGiven is DT-03.
func referralGiven(c *checker) {
	if c.x.Get("MA_DOITUONG_KCB") != "1.3" {
		return
	}
	for _, f := range [...]string{"GIAY_CHUYEN_TUYEN", "MA_NOI_DI"} {
		if c.x.Get(f) == "" {
			c.x.fail(f)
		}
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

// cardsValid is CARD-01.
func cardsValid(c *checker) {
	if field, ok := cards(c.x.Row); !ok {
		c.x.fail(field)
	}
}

// cards says whether the cards are sound together and one holds at admission, else which field is wrong. A card without an end (GT_THE_DEN empty) is valid until further notice: newer cards print none.
func cards(r Row) (field string, ok bool) {
	card, from, to, dkbd := several(r.Get("MA_THE_BHYT")), several(r.Get("GT_THE_TU")), several(r.Get("GT_THE_DEN")), several(r.Get("MA_DKBD"))
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
