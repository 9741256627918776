package mapping

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/resource"
)

// member is one entry of Claim.careTeam.
type member struct {
	number string // social-insurance number; "" if it cannot be told
	orders bool   // MA_BAC_SI
	does   bool   // NGUOI_THUC_HIEN
}

// member reads an entry of Claim.careTeam; one without a role of ours is taken for who ordered.
func (m *mapper) member(c resource.Value) member {
	role := c.Get("role")
	x := member{
		number: m.practitioner(c.Get("provider")),
		orders: hasCode(role, m.s.CodeSystem(csVaiTro), roleOrders),
		does:   hasCode(role, m.s.CodeSystem(csVaiTro), rolePerforms),
	}
	x.orders = x.orders || !x.does
	return x
}

func (m *mapper) practitioner(ref resource.Value) string {
	if id := ref.Get("identifier"); m.sid.Fold(id.Get("system").Text()) == m.sid.BHXH() {
		return text(id.Get("value"))
	}
	p, _ := m.resolve(ref, "Practitioner")
	return m.identifier(p, m.sid.BHXH())
}

// line is where an item of a Claim stands in the claim file.
type line struct {
	item     resource.Value
	sequence int
	table    hoso.ID // XML2 or XML3; 0 if it cannot be told
	stt      string
}

// linesOf gives the lines of a Claim in the order of their sequence.
func linesOf(claim resource.Value, s Systems) []line {
	var out []line
	count := map[hoso.ID]int{}
	for _, item := range bySequence(claim.Get("item")) {
		l := line{item: item, sequence: sequence(item), table: tableOf(item, s)}
		if l.table != 0 {
			count[l.table]++
			l.stt = strconv.Itoa(count[l.table])
			for e := range extensionOf(item, s.Extension(l.table)).Get("extension").Elements() {
				if e.Get("url").Text() == "STT" {
					if v, ok := fieldValue(e, hoso.NoFormat); ok && v != "" {
						l.stt = v
					}
				}
			}
		}
		out = append(out, l)
	}
	return out
}

// drugGroups are the MA_NHOM of XML2: drugs, and blood and its products.
var drugGroups = map[string]bool{"4": true, "5": true, "6": true, "7": true, "17": true}

// tableOf tells the table of an item: by its category, else by an extension, else by MA_NHOM.
func tableOf(item resource.Value, s Systems) hoso.ID {
	if id, ok := hoso.ParseID(first(codeOf(item.Get("category"), s.CodeSystem(csBang)))); ok && (id == hoso.XML2 || id == hoso.XML3) {
		return id
	}
	for _, id := range [...]hoso.ID{hoso.XML2, hoso.XML3} {
		if extensionOf(item, s.Extension(id)).Kind() != resource.None {
			return id
		}
	}
	switch nhom, _ := codeOf(item.Get("category"), s.CodeSystem(csNhom)); {
	case drugGroups[nhom]:
		return hoso.XML2
	case nhom != "":
		return hoso.XML3
	}
	return 0
}

func first(a, _ string) string { return a }

// lines fills XML2 and XML3. complete says that there are lines and all found their table: sums over less are no sums.
func (m *mapper) lines() (complete bool) {
	all := linesOf(m.claim, m.s)
	complete = len(all) > 0
	for _, l := range all {
		if l.table == 0 {
			complete = false
			m.find("MAP-05", hoso.XML3, 0, "", "Claim.item.where(sequence="+strconv.Itoa(l.sequence)+").category")
			continue
		}
		m.line(m.out.HoSo.Table(l.table).Add(), l)
	}
	return complete
}

func (m *mapper) line(row hoso.Row, l line) {
	at, _ := strconv.Atoi(l.stt)
	fault := func(rule, field, element string) {
		m.find(rule, l.table, at, field, "Claim.item.where(sequence="+strconv.Itoa(l.sequence)+")."+element)
	}
	set := func(field, value string) {
		if value != "" {
			row.Set(field, value)
		}
	}
	figure := func(field string, v resource.Value, element string) {
		s, ok := number(v.Get("value"))
		if c := v.Get("currency").Text(); !ok || c != "" && c != currency {
			fault("MAP-04", field, element)
			return
		}
		set(field, s)
	}
	item := l.item
	set("MA_LK", m.out.MaLK)
	set("STT", l.stt)
	nhom, _ := codeOf(item.Get("category"), m.s.CodeSystem(csNhom))
	set("MA_NHOM", nhom)
	figure("SO_LUONG", item.Get("quantity"), "quantity")
	set("DON_VI_TINH", text(item.Get("quantity").Get("unit")))
	figure("THANH_TIEN_BV", item.Get("net"), "net")
	khoa, _ := codeOf(item.Get("locationCodeableConcept"), m.s.CodeSystem(csKhoa))
	set("MA_KHOA", khoa)
	if s, ok := stamp(item.Get("servicedPeriod").Get("start").Text(), hoso.Minute); ok {
		set("NGAY_TH_YL", s)
	} else {
		fault("MAP-04", "NGAY_TH_YL", "servicedPeriod.start")
	}
	product := item.Get("productOrService")
	named := func(field, nameField, system string) {
		code, display := codeOf(product, m.s.CodeSystem(system))
		set(field, code)
		if code != "" {
			set(nameField, cmp.Or(display, text(product.Get("text"))))
		}
	}
	var orders, does []string
	for s := range item.Get("careTeamSequence").Elements() {
		who, ok := m.team[s.Text()]
		if !ok || who.number == "" {
			fault("MAP-02", "MA_BAC_SI", "careTeamSequence")
			continue
		}
		if who.orders {
			orders = append(orders, who.number)
		}
		if who.does {
			does = append(does, who.number)
		}
	}
	set("MA_BAC_SI", strings.Join(orders, ";"))
	if l.table == hoso.XML2 {
		named("MA_THUOC", "TEN_THUOC", csThuoc)
		figure("DON_GIA", item.Get("unitPrice"), "unitPrice")
	} else {
		named("MA_DICH_VU", "TEN_DICH_VU", csDichVu)
		named("MA_VAT_TU", "TEN_VAT_TU", csVatTu)
		figure("DON_GIA_BV", item.Get("unitPrice"), "unitPrice")
		set("NGUOI_THUC_HIEN", strings.Join(does, ";"))
	}
	fields, bad := extensionFields(item, m.s.Extension(l.table), row.Layout())
	m.out.Claimed.add(l, fields)
	for _, name := range bad {
		fault("MAP-04", name, "extension")
	}
	for name, v := range fields {
		if name == "MA_LK" && v != m.out.MaLK {
			m.contradict(l.table, at, name, "Claim.identifier", "Claim.item.where(sequence="+strconv.Itoa(l.sequence)+").extension('"+m.s.Extension(l.table)+"').extension('MA_LK')")
			continue
		}
		set(name, v)
	}
}
