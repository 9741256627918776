package mapping

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/resource"
)

// items makes Claim.item of XML2, then XML3, and gathers Claim.careTeam on the way.
func (b *builder) items() (out list) {
	for _, id := range [...]hoso.ID{hoso.XML2, hoso.XML3} {
		for i, r := range b.h.Rows(id) {
			out = append(out, b.item(place(r), id, len(out)+1, strconv.Itoa(i+1)))
		}
	}
	return out
}

func (b *builder) item(r placed, id hoso.ID, sequence int, stt string) object {
	r.takeIf("MA_LK", func(s string) bool { return s == b.episode })
	r.takeIf("STT", func(s string) bool { return s == stt })
	nhom := r.takeIf("MA_NHOM", isCode)
	groups, _ := hoso.Codes("MA_NHOM")
	group, _ := groups.Find(nhom)

	var products list
	price := "DON_GIA"
	team := b.sequences(r, "MA_BAC_SI", roleOrders)
	if id == hoso.XML2 {
		products = list{b.product(r, csThuoc, "MA_THUOC", "TEN_THUOC")}
	} else {
		products = list{b.product(r, csDichVu, "MA_DICH_VU", "TEN_DICH_VU"), b.product(r, csVatTu, "MA_VAT_TU", "TEN_VAT_TU")}
		price = "DON_GIA_BV"
		team = append(team, b.sequences(r, "NGUOI_THUC_HIEN", rolePerforms)...)
	}
	product := object{"coding", products}
	if resource.Empty(product) {
		product = object{"extension", list{object{"url", absentURL, "valueCode", "unknown"}}}
	}
	quantity := object{"value", literal(r.takeIf("SO_LUONG", jsonNumber)), "unit", r.take("DON_VI_TINH")}
	unitPrice := money(r.takeIf(price, jsonNumber))
	net := money(r.takeIf("THANH_TIEN_BV", jsonNumber))
	done := object{"start", dateTime(r.takeIf("NGAY_TH_YL", isMinute))}
	place := object{"coding", list{b.coding(csKhoa, r.takeIf("MA_KHOA", isCode), "")}}
	return object{
		"extension", list{r.extension(b.s)},
		"sequence", sequence,
		"careTeamSequence", team,
		"category", object{"coding", list{b.coding(csBang, id.String(), ""), b.coding(csNhom, nhom, group.VI)}},
		"productOrService", product,
		"servicedPeriod", done,
		"locationCodeableConcept", place,
		"quantity", quantity,
		"unitPrice", unitPrice,
		"net", net,
		"encounter", list{b.encounter},
	}
}

// product is the coding of a code with its name; a name without a code stays in the extension.
func (b *builder) product(r placed, system, field, nameField string) object {
	code := r.takeIf(field, isCode)
	if code == "" {
		return nil
	}
	return b.coding(system, code, r.take(nameField))
}

// sequences gives the places in Claim.careTeam of the staff that a field names; they are added where they are new.
func (b *builder) sequences(r placed, field, role string) (out list) {
	numbers := r.takeIf(field, func(s string) bool {
		for _, n := range strings.Split(s, ";") {
			if !isCode(n) {
				return false
			}
		}
		return true
	})
	if numbers == "" {
		return nil
	}
	for _, n := range strings.Split(numbers, ";") {
		key := role + "|" + n
		if b.members[key] == 0 {
			b.members[key] = len(b.members) + 1
			b.team = append(b.team, object{
				"sequence", b.members[key],
				"provider", b.practitioner(n),
				"role", object{"coding", list{b.coding(csVaiTro, role, "")}},
			})
		}
		out = append(out, b.members[key])
	}
	return out
}

func (b *builder) practitioner(number string) object {
	if ref, ok := b.staff[number]; ok {
		return ref
	}
	var ref object
	if b.o.Practitioner != nil {
		if s := b.o.Practitioner(number); s != "" {
			ref = object{"reference", s}
		}
	}
	if ref == nil {
		system := b.s.sid().BHXH()
		ref = b.add("Practitioner", "", byIdentifier(system, number), false, object{"identifier", list{identifier(system, number)}})
	}
	b.staff[number] = ref
	return ref
}
