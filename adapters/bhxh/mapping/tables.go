package mapping

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// home is the resource that a row of XML4 to XML15 becomes. Its fields are in the elements that element names, all others
// in the table's extension on the resource; Claim.supportingInfo refers to it, with bang-xml#XMLn as category.
type home struct {
	typ      fhir.Type
	title    string // what the document is
	single   bool   // identifier is one, not a list
	security string // label (v3-ActCode) that keeps it from all but those who treat
	// members are the elements that the type must have.
	members func(b *builder, title string) object
	// elements are where fields live in elements of their own.
	elements []field
}

// field is a field of a row and its element.
type field struct {
	name  string
	fits  func(string) bool
	write func(b *builder, v string) object // members
	read  func(m *mapper, v resource.Value) string
	path  string // below the resource
}

var homes = map[hoso.ID]home{
	hoso.XML4: {typ: "Observation", title: "Kết quả cận lâm sàng", members: observation, elements: []field{
		{"NGAY_KQ", isMinute, func(_ *builder, v string) object { return object{"issued", dateTime(v)} }, minuteOf("issued"), "issued"},
		{"MA_BS_DOC_KQ", isOne, staffMember("performer", true), staffOf("performer", true), "performer"},
		{"KET_LUAN", given, func(_ *builder, v string) object { return object{"interpretation", list{object{"text", v}}} }, nil, "interpretation.text"},
		{"MO_TA", given, func(_ *builder, v string) object { return object{"note", list{object{"text", v}}} }, nil, "note.text"},
	}},
	hoso.XML5: {typ: "ClinicalImpression", title: "Diễn biến lâm sàng", members: func(b *builder, _ string) object {
		return object{"status", "completed", "subject", b.patient, "encounter", b.encounter}
	}, elements: []field{
		{"DIEN_BIEN_LS", given, func(_ *builder, v string) object { return object{"description", v} }, func(_ *mapper, v resource.Value) string { return text(v.Get("description")) }, "description"},
		{"THOI_DIEM_DBLS", isMinute, func(_ *builder, v string) object { return object{"effectiveDateTime", dateTime(v)} }, minuteOf("effectiveDateTime"), "effective"},
		{"NGUOI_THUC_HIEN", isOne, staffMember("assessor", false), staffOf("assessor", false), "assessor"},
	}},
	6:  {typ: "CarePlan", title: "Hồ sơ chăm sóc và điều trị HIV/AIDS", security: "HIV", members: carePlan},
	7:  {typ: "Composition", single: true, title: "Giấy ra viện", members: composition},
	8:  {typ: "Composition", single: true, title: "Tóm tắt hồ sơ bệnh án", members: composition},
	9:  {typ: "Composition", single: true, title: "Giấy chứng sinh", members: composition},
	10: {typ: "Composition", single: true, title: "Giấy chứng nhận nghỉ dưỡng thai", members: composition},
	11: {typ: "Composition", single: true, title: "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội", members: composition},
	12: {typ: "Composition", single: true, title: "Biên bản giám định y khoa", members: composition},
	13: {typ: "ServiceRequest", title: "Giấy chuyển tuyến", members: func(b *builder, title string) object {
		return object{"status", "active", "intent", "order", "code", object{"text", title}, "subject", b.patient, "encounter", b.encounter}
	}},
	14: {typ: "Appointment", title: "Giấy hẹn khám lại", members: func(b *builder, title string) object {
		return object{"status", "proposed", "description", title, "participant", list{object{"actor", b.patient, "status", "needs-action"}}}
	}},
	15: {typ: "CarePlan", title: "Điều trị bệnh lao", members: carePlan},
}

func given(s string) bool { return strings.TrimSpace(s) != "" }

// isOne says whether a text is one code, and not several separated by ";".
func isOne(s string) bool { return isCode(s) && !strings.Contains(s, ";") }

func observation(b *builder, title string) object {
	return object{"status", "final", "code", object{"text", title}, "subject", b.patient, "encounter", b.encounter}
}

func carePlan(b *builder, title string) object {
	return object{"status", "active", "intent", "plan", "title", title, "subject", b.patient, "encounter", b.encounter}
}

func composition(b *builder, title string) object {
	date := dateTime(b.x.Get("NGAY_RA"))
	m := object{"status", "final", "type", object{"text", title}, "subject", b.patient, "encounter", b.encounter,
		"date", date, "author", list{b.provider}, "title", title}
	if date == "" {
		m = append(m, "_date", object{"extension", list{object{"url", absentURL, "valueCode", "unknown"}}})
	}
	return m
}

func minuteOf(member string) func(*mapper, resource.Value) string {
	return func(_ *mapper, v resource.Value) string {
		s, _ := stamp(v.Get(member).Text(), hoso.Minute)
		return s
	}
}

func staffMember(member string, several bool) func(*builder, string) object {
	return func(b *builder, v string) object {
		if ref := b.practitioner(v); several {
			return object{member, list{ref}}
		} else {
			return object{member, ref}
		}
	}
}

func staffOf(member string, several bool) func(*mapper, resource.Value) string {
	return func(m *mapper, v resource.Value) string {
		ref := v.Get(member)
		if several {
			for r := range ref.Elements() {
				return m.practitioner(r)
			}
		}
		return m.practitioner(ref)
	}
}

func init() {
	// These two read alike: the text of the first entry of a list.
	for i, member := range map[int]string{2: "interpretation", 3: "note"} {
		homes[hoso.XML4].elements[i].read = func(_ *mapper, v resource.Value) string {
			for e := range v.Get(member).Elements() {
				return text(e.Get("text"))
			}
			return ""
		}
	}
}

// further makes a resource of each row of XML4 to XML15 and gives Claim.supportingInfo, which refers to them.
func (b *builder) further() (info list) {
	for id := hoso.XML4; id <= 15; id++ {
		for i, r := range b.h.Rows(id) {
			n := len(info) + 1
			ref := b.document(place(r), homes[id], strconv.Itoa(i+1))
			info = append(info, object{"sequence", n, "category", object{"coding", list{b.coding(csBang, id.String(), homes[id].title)}}, "valueReference", ref})
		}
	}
	return info
}

// document makes the resource of one row.
func (b *builder) document(r placed, h home, place string) object {
	id := r.Layout().ID
	r.takeIf("MA_LK", func(s string) bool { return s == b.episode })
	r.takeIf("STT", func(s string) bool { return s == place })
	name := identifier(b.s.RowSystem(b.facility), b.episode+"/"+id.String()+"/"+place)
	members := object{}
	for _, f := range h.elements {
		if v := r.takeIf(f.name, f.fits); v != "" {
			members = append(members, f.write(b, v)...)
		}
	}
	if id == hoso.XML4 {
		members = append(members, b.value(r)...)
	}
	var ids any = list{name}
	if h.single {
		ids = name
	}
	fixed := h.members(b, h.title)
	if id == hoso.XML4 {
		fixed = replace(fixed, "code", b.measured(r, h.title))
	}
	var rid fhir.ID
	if b.o.ID != "" {
		rid = b.o.ID + fhir.ID("-x"+strconv.Itoa(int(id))+"-"+place)
	}
	b.security = h.security
	return b.add(string(h.typ), rid, byIdentifier(name[1].(string), name[3].(string)), true,
		append(object{"extension", list{r.extension(b.s)}, "identifier", ids}, append(fixed, members...)...))
}

func replace(o object, name string, value any) object {
	for i := 0; i+1 < len(o); i += 2 {
		if o[i] == name {
			o[i+1] = value
		}
	}
	return o
}

// measured is what an Observation measured: the service with its index, and the index's name.
func (b *builder) measured(r placed, title string) object {
	service := b.coding(csDichVu, r.takeIf("MA_DICH_VU", isCode), "")
	index := b.coding(csChiSo, r.takeIf("MA_CHI_SO", isCode), "")
	if name := r.take("TEN_CHI_SO"); name != "" {
		title = name
	}
	return object{"coding", list{service, index}, "text", title}
}

// value is the measured value: a quantity if it is a number that JSON can write as it stands.
func (b *builder) value(r placed) object {
	v, unit := r.Get("GIA_TRI"), r.Get("DON_VI_DO")
	switch {
	case v != "" && jsonNumber(v):
		r.take("GIA_TRI")
		r.take("DON_VI_DO")
		return object{"valueQuantity", object{"value", literal(v), "unit", unit}}
	case v != "":
		return object{"valueString", r.take("GIA_TRI")}
	}
	return nil
}

// documents gives the resources of XML4 to XML15 that a Claim refers to, in the order of Claim.supportingInfo.
func (m *mapper) documents() {
	for _, info := range bySequence(m.claim.Get("supportingInfo")) {
		code, _ := codeOf(info.Get("category"), m.s.CodeSystem(csBang))
		id, ok := hoso.ParseID(code)
		h, known := homes[id]
		if !ok || !known {
			continue // information of another kind
		}
		at := "Claim.supportingInfo.where(sequence=" + strconv.Itoa(sequence(info)) + ")"
		v, ok := m.resolve(info.Get("valueReference"), h.typ)
		if !ok {
			m.find("MAP-01", id, 0, "", at+".value")
			continue
		}
		t := m.out.HoSo.Table(id)
		if t == nil {
			m.out.HoSo.Tables = append(m.out.HoSo.Tables, hoso.Table{Layout: m.out.Decision.Layout(id)})
			t = m.out.HoSo.Table(id)
		}
		m.row(t.Add(), v, h, len(t.Rows), at)
	}
}

// row fills a row from its resource.
func (m *mapper) row(row hoso.Row, v resource.Value, h home, n int, at string) {
	l := row.Layout()
	set := func(field, value string) {
		if value != "" && l.Index(field) >= 0 {
			row.Set(field, value)
		}
	}
	set("MA_LK", m.out.MaLK)
	if !l.Single() {
		set("STT", strconv.Itoa(n))
	}
	for _, f := range h.elements {
		set(f.name, f.read(m, v))
	}
	if l.ID == hoso.XML4 {
		code := v.Get("code")
		service, _ := codeOf(code, m.s.CodeSystem(csDichVu))
		index, _ := codeOf(code, m.s.CodeSystem(csChiSo))
		set("MA_DICH_VU", service)
		set("MA_CHI_SO", index)
		if name := text(code.Get("text")); name != h.title {
			set("TEN_CHI_SO", name)
		}
		set("GIA_TRI", text(v.Get("valueString")))
		q := v.Get("valueQuantity")
		if s, ok := number(q.Get("value")); ok {
			set("GIA_TRI", s)
		} else {
			m.find("MAP-04", l.ID, n, "GIA_TRI", at+".value.resolve().value")
		}
		set("DON_VI_DO", text(q.Get("unit")))
	}
	fields, bad := extensionFields(v, m.s.Extension(l.ID), l)
	for _, name := range bad {
		m.find("MAP-04", l.ID, n, name, at+".value.resolve().extension")
	}
	for name, value := range fields {
		row.Set(name, value)
	}
}
