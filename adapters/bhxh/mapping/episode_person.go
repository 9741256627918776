package mapping

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

var genders = map[string]string{"1": "male", "2": "female", "3": "unknown"}

func (b *builder) person() object {
	if b.o.Patient != "" {
		// The Patient has the rest; the record number is the one of this facility, which the Patient need not know.
		for _, f := range [...]string{"HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "DIEN_THOAI"} {
			b.x.take(f)
		}
		return object{"reference", b.o.Patient}
	}
	b.x.keep("MA_BN", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "DIEN_THOAI")
	if b.x.Get("SO_CCCD") == "" { // else the Patient is found by it
		b.x.keep("SO_CCCD")
	}
	if known := b.known(); known != nil {
		return known
	}
	sid := b.s.sid()
	record := identifier(sid.MaBN(b.facility), b.x.takeIf("MA_BN", isCode))
	var citizen object
	if id := b.x.takeIf("SO_CCCD", func(s string) bool { return idSystem(b.s, s) != "" }); id != "" {
		citizen = identifier(idSystem(b.s, id), id)
	}
	members := object{
		"identifier", list{citizen, record},
		"name", list{object{"use", "official", "text", b.x.take("HO_TEN")}},
		"telecom", list{phone(b.x.take("DIEN_THOAI"))},
		"gender", genders[b.x.takeIf("GIOI_TINH", func(s string) bool { return genders[s] != "" })],
	}
	if born := b.x.takeIf("NGAY_SINH", func(s string) bool { return readsBack(s, birthMembers(s)) }); born != "" {
		members = append(members, birthMembers(born)...)
	}
	members = append(members, "address", list{object{"text", b.x.take("DIA_CHI")}})
	key := citizen
	if key == nil {
		key = record
	}
	if key == nil { // nobody knows this person: found by the episode alone
		key = identifier(sid.MaLK(b.facility), b.episode)
		members[1] = list{key}
	}
	return b.add("Patient", "", byIdentifier(key[1].(string), key[3].(string)), false, members)
}

// known is a reference to the patient by what stands on the card that was shown (docs/decisions/0035); nil if it is not to be, or cannot be
// made.
func (b *builder) known() object {
	number, born := b.x.Get("SO_CCCD"), b.x.Get("NGAY_SINH")
	system := idSystem(b.s, number)
	if !b.o.Known || system == "" || len(born) != 12 || born[4:8] == "0000" || dateTime(born[:8]) == "" {
		return nil
	}
	b.x.take("SO_CCCD")
	return object{"reference", "Patient?" + byIdentifier(system, number) + "&birthdate=" + dateTime(born[:8])}
}

// idSystem tells what kind of number SO_CCCD is by its form; "" if none that is known.
func idSystem(s Systems, id string) string {
	digits := strings.Trim(id, "0123456789") == ""
	switch {
	case digits && len(id) == 12:
		return s.sid().CCCD()
	case digits && len(id) == 9:
		return s.sid().CMND()
	case len(id) == 8 && id[0] >= 'A' && id[0] <= 'Z' && strings.Trim(id[1:], "0123456789") == "":
		return s.sid().Passport()
	}
	return ""
}

func phone(number string) object {
	if number == "" {
		return nil
	}
	return object{"system", "phone", "value", number}
}

// birthMembers are birthDate and, where hour and minute are known, patient-birthTime.
func birthMembers(s string) object {
	switch {
	case len(s) != 12:
		return nil
	case s[4:] == "00000000":
		return object{"birthDate", s[:4]}
	case s[8:] == "0000":
		return object{"birthDate", dateTime(s[:8])}
	}
	return object{
		"birthDate", dateTime(s[:8]),
		"_birthDate", object{"extension", list{object{"url", birthTimeURL, "valueDateTime", dateTime(s)}}},
	}
}

func readsBack(s string, members object) bool {
	if members == nil || resource.Empty(members) {
		return false
	}
	d, err := resource.New(resource.AppendJSON(nil, append(object{"resourceType", "Patient"}, members...)))
	if err != nil {
		return false
	}
	back, ok := birth(d.Root())
	return ok && back == s
}

// cardFields are the lists with a value for each card.
var cardFields = [...]string{"MA_THE_BHYT", "GT_THE_TU", "GT_THE_DEN", "MA_DKBD"}

// cards makes a Coverage for each card, if the four lists fit together.
func (b *builder) cards() (refs []object) {
	n := 0
	var values [len(cardFields)][]string
	for i, f := range cardFields {
		v := b.x.Get(f)
		if i == 0 {
			n = strings.Count(v, ";") + 1
		}
		values[i] = strings.Split(v, ";")
		if v == "" {
			values[i] = make([]string, n)
		}
		if len(values[i]) != n || v != "" && strings.Trim(v, ";") == "" {
			return nil
		}
		for _, s := range values[i] {
			if (i == 0 || s != "") && !isCode(s) || (i == 1 || i == 2) && s != "" && (len(s) != 8 || dateTime(s) == "") {
				return nil
			}
		}
	}
	for _, f := range cardFields {
		b.x.take(f)
	}
	if b.o.ID == "" { // with an id the Coverages are of this episode alone
		b.x.keep(cardFields[:]...)
	}
	for i := range n {
		card, from, to := values[0][i], values[1][i], values[2][i]
		id := fhir.ID("")
		if b.o.ID != "" {
			id = b.o.ID + fhir.ID("-"+strconv.Itoa(i+1))
		}
		period := identifier(b.s.CardPeriod(), card+"-"+from)
		var class list
		if at := values[3][i]; at != "" {
			class = list{object{"type", object{"coding", list{b.coding(csThe, classRegister, "Nơi đăng ký khám bệnh, chữa bệnh ban đầu")}}, "value", at}}
		}
		refs = append(refs, b.add("Coverage", id, byIdentifier(b.s.CardPeriod(), card+"-"+from), false, object{
			"identifier", list{identifier(b.s.sid().BHYT(), card), period},
			"status", "active",
			"beneficiary", b.patient,
			"period", object{"start", dateTime(from), "end", dateTime(to)},
			"payor", list{object{"display", insurerName}},
			"class", class,
		}))
	}
	return refs
}
