package hoso

import (
	"regexp"
	"slices"
	"strings"
)

var icdForm = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9]{1,2})?[*+]?$`)

// maxBenhKT is the number of further diagnoses that the decision allows.
const maxBenhKT = 12

// listed looks a field up in its list; an unknown code of a list that is not complete is a warning.
func (r at) listed(field string) {
	v := r.Get(field)
	if v == "" || slices.Contains(r.c.o.MoreCodes[field], v) {
		return
	}
	list := codeLists[field]
	if _, ok := list.Find(v); ok {
		return
	}
	if f := r.fail(field); list.Partial {
		f.lower()
	}
}

// summaryCodes is CODE-01.
func summaryCodes(c *checker) {
	for _, f := range [...]string{"GIOI_TINH", "KET_QUA_DTRI", "MA_LOAI_RV", "MA_LOAI_KCB", "MA_DOITUONG_KCB", "MA_KHUVUC"} {
		c.x.listed(f)
	}
}

// lineCodes is CODE-02.
func lineCodes(c *checker) {
	c.lines(func(r at) {
		for _, f := range [...]string{"PHAM_VI", "MA_PTTT", "NGUON_CTRA", "PP_VO_CAM", "MA_NHOM"} {
			r.listed(f)
		}
	})
}

// icdCodes is CODE-03.
func icdCodes(c *checker) {
	wrong := func(s string) bool { return !icdForm.MatchString(s) }
	look := func(r at, field string, most int) {
		if codes := several(r.Get(field)); len(codes) > most || slices.ContainsFunc(codes, wrong) {
			r.fail(field)
		}
	}
	look(c.x, "MA_BENH_CHINH", 1)
	look(c.x, "MA_BENH_KT", maxBenhKT)
	c.lines(func(r at) { look(r, "MA_BENH", maxBenhKT+1) })
}

// duplicateLines is DUP-01: no two rows equal in all but STT.
func duplicateLines(c *checker) {
	for _, id := range [...]ID{XML2, XML3} {
		seen := map[string]bool{}
		for _, r := range c.rows(id) {
			stt := r.layout.Index("STT")
			var key strings.Builder
			for i, v := range r.values {
				if i != stt {
					key.WriteString(v)
					key.WriteByte(0)
				}
			}
			if seen[key.String()] {
				r.fail("")
			}
			seen[key.String()] = true
		}
	}
}

// services gives the codes of services in a table. Supplies have none, which is no service.
func (c *checker) services(id ID) map[string]bool {
	set := map[string]bool{}
	c.every(func(r at) { set[r.Get("MA_DICH_VU")] = true }, id)
	delete(set, "")
	return set
}

// resultsHaveService is REF-01.
func resultsHaveService(c *checker) {
	services := c.services(XML3)
	c.every(func(r at) {
		if !services[r.Get("MA_DICH_VU")] {
			r.fail("MA_DICH_VU")
		}
	}, XML4)
}

// servicesHaveResult is REF-02.
func servicesHaveResult(c *checker) {
	results := c.services(XML4)
	c.every(func(r at) {
		switch r.Get("MA_NHOM") {
		case "1", "2", "3":
			if r.Get("NGAY_KQ") != "" && !results[r.Get("MA_DICH_VU")] {
				r.fail("MA_DICH_VU")
			}
		}
	}, XML3)
}
