package mapping

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir/resource"
)

// period gives where admission and discharge stand.
func (m *mapper) period() (p resource.Value, element string) {
	if p := m.encounter.Get("period"); p.Get("start").Kind() != resource.None {
		return p, "Encounter.period"
	}
	return m.claim.Get("billablePeriod"), "Claim.billablePeriod"
}

// discharge is NGAY_RA, as far as it can be told; the extension wins, as for every field.
func (m *mapper) discharge() string {
	l := hoso.DecisionAt("").Layout(hoso.XML1)
	if said := extensionField(m.claim, m.s.Extension(hoso.XML1), l, "NGAY_RA"); said != "" {
		return said
	}
	p, _ := m.period()
	s, _ := stamp(p.Get("end").Text(), hoso.Minute)
	return s
}

// summary fills XML1.
func (m *mapper) summary(row hoso.Row) {
	l := row.Layout()
	fields, bad := extensionFields(m.claim, m.s.Extension(hoso.XML1), l)
	for _, name := range bad {
		m.find("MAP-04", hoso.XML1, 0, name, "Claim.extension")
	}
	person, bad := extensionFields(m.patient, m.s.Extension(hoso.XML1), l)
	for _, name := range bad {
		m.find("MAP-04", hoso.XML1, 0, name, "Patient.extension")
	}
	set := func(field, value string) {
		if value != "" {
			row.Set(field, value)
		}
	}
	row.Set("STT", "1") // one episode in each file so far
	set("MA_LK", m.out.MaLK)
	set("MA_CSKCB", m.out.MaCSKCB)
	if m.provider.Kind() != resource.None || m.claim.Get("provider").Get("identifier").Kind() != resource.None {
		if at := m.identifierOfProvider(); at != "" && m.out.MaCSKCB != "" && at != m.out.MaCSKCB {
			m.contradict(hoso.XML1, 0, "MA_CSKCB", "Claim.identifier.system", "Claim.provider")
		}
	}
	m.person(set)
	m.cards(set)
	m.stay(set)
	m.diagnoses(set)
	m.money(set, "T_TONGCHI_BV", m.claim.Get("total"), "Claim.total")
	for name, v := range person {
		if row.Get(name) == "" {
			set(name, v)
		}
	}
	for name, v := range fields {
		switch name {
		case "MA_LK", "MA_CSKCB", "SO_CCCD":
			if have := row.Get(name); have != "" && v != "" && have != v {
				other := summaryElements[name]
				m.contradict(hoso.XML1, 0, name, other, "Claim.extension('"+m.s.Extension(hoso.XML1)+"').extension('"+name+"')")
				continue
			}
		}
		row.Set(name, v) // "": it is said to be absent
	}
	if row.Get("SO_NGAY_DTRI") == "" {
		set("SO_NGAY_DTRI", daysOf(row.Get("MA_LOAI_KCB"), row.Get("NGAY_VAO"), row.Get("NGAY_RA")))
	}
	m.out.MaLK, m.out.MaCSKCB = row.Get("MA_LK"), row.Get("MA_CSKCB")
	m.version(row)
}

func (m *mapper) identifierOfProvider() string {
	ref := m.claim.Get("provider")
	if id := ref.Get("identifier"); m.sid.Fold(id.Get("system").Text()) == m.sid.CSKCB() {
		return text(id.Get("value"))
	}
	return m.identifier(m.provider, m.sid.CSKCB())
}

// person maps the Patient.
func (m *mapper) person(set func(field, value string)) {
	p := m.patient
	if p.Kind() == resource.None {
		return
	}
	set("MA_BN", m.identifier(p, m.sid.MaBN(m.out.MaCSKCB)))
	set("SO_CCCD", cmp.Or(m.identifier(p, m.sid.CCCD()), m.identifier(p, m.sid.CMND()), m.identifier(p, m.sid.Passport())))
	set("HO_TEN", nameOf(p))
	if born, ok := birth(p); ok {
		set("NGAY_SINH", born)
	} else {
		m.find("MAP-04", hoso.XML1, 0, "NGAY_SINH", "Patient.birthDate")
	}
	set("GIOI_TINH", map[string]string{"male": "1", "female": "2", "unknown": "3", "other": "3"}[p.Get("gender").Text()])
	for a := range p.Get("address").Elements() {
		if s := text(a.Get("text")); s != "" {
			set("DIA_CHI", s)
			break
		}
	}
	for t := range p.Get("telecom").Elements() {
		if t.Get("system").Text() == "phone" {
			set("DIEN_THOAI", text(t.Get("value")))
			break
		}
	}
}

// nameOf is the official name, else the first; its text, else family and given names in Vietnamese order.
func nameOf(p resource.Value) string {
	var best resource.Value
	for n := range p.Get("name").Elements() {
		if best.Kind() == resource.None || n.Get("use").Text() == "official" && best.Get("use").Text() != "official" {
			best = n
		}
	}
	if s := text(best.Get("text")); s != "" {
		return s
	}
	parts := []string{text(best.Get("family"))}
	for g := range best.Get("given").Elements() {
		parts = append(parts, text(g))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// birth is NGAY_SINH: what is not known is 0000, as the decision says.
func birth(p resource.Value) (string, bool) {
	date := p.Get("birthDate").Text()
	clock := "0000"
	if at := extensionOf(p.Get("_birthDate"), birthTimeURL).Get("valueDateTime").Text(); len(at) > 10 {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil || t.In(wire.Zone).Format(time.DateOnly) != date {
			return "", false
		}
		clock = t.In(wire.Zone).Format("1504")
	}
	switch len(date) {
	case 0:
		return "", true
	case 4, 7:
		return date[:4] + "00000000", true
	}
	s, ok := stamp(date, hoso.Day)
	return s + clock, ok
}

// cards maps the Coverages, in the order of Claim.insurance.
func (m *mapper) cards(set func(field, value string)) {
	var card, from, to, registered []string
	for _, c := range m.coverages {
		number := cmp.Or(m.identifier(c, m.sid.BHYT()), text(c.Get("subscriberId")))
		if number == "" {
			m.find("MAP-02", hoso.XML1, 0, "MA_THE_BHYT", "Coverage.identifier")
		}
		start, ok1 := stamp(c.Get("period").Get("start").Text(), hoso.Day)
		end, ok2 := stamp(c.Get("period").Get("end").Text(), hoso.Day)
		if !ok1 || !ok2 {
			m.find("MAP-04", hoso.XML1, 0, "GT_THE_TU", "Coverage.period")
		}
		at := ""
		for class := range c.Get("class").Elements() {
			if hasCode(class.Get("type"), m.s.CodeSystem(csThe), classRegister) {
				at = text(class.Get("value"))
			}
		}
		card, from, to, registered = append(card, number), append(from, start), append(to, end), append(registered, at)
	}
	set("MA_THE_BHYT", join(card))
	set("GT_THE_TU", join(from))
	set("GT_THE_DEN", join(to))
	set("MA_DKBD", join(registered))
}

// join separates several values by ";"; nothing but empty ones is nothing.
func join(values []string) string {
	if !slices.ContainsFunc(values, func(s string) bool { return s != "" }) {
		return ""
	}
	return strings.Join(values, ";")
}

// stay maps the Encounter.
func (m *mapper) stay(set func(field, value string)) {
	p, element := m.period()
	for _, x := range [...]struct{ field, member string }{{"NGAY_VAO", "start"}, {"NGAY_RA", "end"}} {
		s, ok := stamp(p.Get(x.member).Text(), hoso.Minute)
		if !ok {
			m.find("MAP-04", hoso.XML1, 0, x.field, element+"."+x.member)
			continue
		}
		set(x.field, s)
	}
	e := m.encounter
	if e.Kind() == resource.None {
		return
	}
	if facility, episode, ok := episodeIdentifier(e, m.sid); ok && (facility != m.out.MaCSKCB || episode != m.out.MaLK) {
		m.contradict(hoso.XML1, 0, "MA_LK", "Claim.identifier", "Encounter.identifier")
	}
	for t := range e.Get("type").Elements() {
		kind, _ := codeOf(t, m.s.CodeSystem(csLoaiKCB))
		set("MA_LOAI_KCB", kind)
		object, _ := codeOf(t, m.s.CodeSystem(csDoiTuong))
		set("MA_DOITUONG_KCB", object)
	}
	for r := range e.Get("reasonCode").Elements() {
		if s := text(r.Get("text")); s != "" {
			set("LY_DO_VV", s)
			break
		}
	}
	h := e.Get("hospitalization")
	result, _ := codeOf(h.Get("dischargeDisposition"), m.s.CodeSystem(csKetQua))
	set("KET_QUA_DTRI", result)
	left, _ := codeOf(h.Get("dischargeDisposition"), m.s.CodeSystem(csLoaiRV))
	set("MA_LOAI_RV", left)
	set("MA_NOI_DI", m.facility(h.Get("origin")))
	set("MA_NOI_DEN", m.facility(h.Get("destination")))
}

// facility gives the code of a facility that a reference names.
func (m *mapper) facility(ref resource.Value) string {
	if id := ref.Get("identifier"); m.sid.Fold(id.Get("system").Text()) == m.sid.CSKCB() {
		return text(id.Get("value"))
	}
	o, _ := m.resolve(ref, "Organization")
	return m.identifier(o, m.sid.CSKCB())
}

// diagnoses maps Claim.diagnosis.
func (m *mapper) diagnoses(set func(field, value string)) {
	var others []string
	principal := false
	for _, d := range bySequence(m.claim.Get("diagnosis")) {
		concept := d.Get("diagnosisCodeableConcept")
		if concept.Kind() == resource.None {
			c, ok := m.resolve(d.Get("diagnosisReference"), "Condition")
			if !ok {
				m.find("MAP-01", hoso.XML1, 0, "MA_BENH_CHINH", "Claim.diagnosis.diagnosisReference")
				continue
			}
			concept = c.Get("code")
		}
		code, display := codeOf(concept, icd10)
		switch {
		case typed(d, "admitting"):
			set("CHAN_DOAN_VAO", cmp.Or(text(concept.Get("text")), display))
		case typed(d, "principal") || !principal && d.Get("type").Kind() == resource.None && code != "":
			if principal {
				m.contradict(hoso.XML1, 0, "MA_BENH_CHINH", "Claim.diagnosis.where(type=principal)[0]", "Claim.diagnosis.where(type=principal)[1]")
			}
			principal = true
			set("MA_BENH_CHINH", code)
			set("CHAN_DOAN_RV", cmp.Or(text(concept.Get("text")), display))
		case code != "":
			others = append(others, code)
		}
	}
	set("MA_BENH_KT", strings.Join(others, ";"))
}

// typed says whether a diagnosis has one of HL7's types.
func typed(d resource.Value, code string) bool {
	for t := range d.Get("type").Elements() {
		if hasCode(t, diagnosisType, code) {
			return true
		}
	}
	return false
}

// money maps a Money; another currency than VND cannot be sent.
func (m *mapper) money(set func(field, value string), field string, v resource.Value, element string) {
	s, ok := number(v.Get("value"))
	if c := v.Get("currency").Text(); !ok || c != "" && c != currency {
		m.find("MAP-04", hoso.XML1, 0, field, element)
		return
	}
	set(field, s)
}

// daysOf is SO_NGAY_DTRI by its formula (rule DAY-01); "" where the formula says nothing.
func daysOf(kind, in, out string) string {
	switch kind {
	case "01", "07", "09":
		return "0"
	case "02", "03", "04", "06":
		from, err1 := time.ParseInLocation("20060102", in[:min(8, len(in))], wire.Zone)
		to, err2 := time.ParseInLocation("20060102", out[:min(8, len(out))], wire.Zone)
		if err1 == nil && err2 == nil && !to.Before(from) {
			return strconv.Itoa(int(to.Sub(from).Hours()/24) + 1)
		}
	}
	return ""
}
