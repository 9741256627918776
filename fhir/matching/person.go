package matching

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// Person is what a Patient says that tells people apart.
type Person struct {
	CCCD    []string // citizen IDs that are possible as such
	Old     []string // CMND and passport numbers, citizen IDs of use "old"
	Cards   []string // insurance cards
	Social  []string // social-insurance numbers, also those within cards
	Records []string // system|value of everything else: record numbers of facilities
	Names   []Name
	Birth   string // yyyy, yyyy-MM or yyyy-MM-dd
	Gender  string
	Phones  []string // digits alone, as dialled within the country
	Commune []string // folded
}

// Name is one name as sets of words, since Vietnamese names come in either order.
type Name struct {
	Folded []string // without case and diacritics, sorted
	Exact  []string // lower case, composed, sorted
}

// PersonOf reads a Patient. Aliases of identifier systems are folded.
func PersonOf(patient resource.Value, systems identity.Systems) Person {
	p := Person{Birth: patient.Get("birthDate").Text(), Gender: patient.Get("gender").Text()}
	for id := range patient.Get("identifier").Elements() {
		p.identifier(systems.Fold(id.Get("system").Text()), strings.TrimSpace(id.Get("value").Text()), id.Get("use").Text() == "old", systems)
	}
	for n := range patient.Get("name").Elements() {
		if name := nameOf(n); len(name.Folded) > 0 {
			p.Names = append(p.Names, name)
		}
	}
	for t := range patient.Get("telecom").Elements() {
		if s := t.Get("system").Text(); s == "phone" || s == "sms" {
			if d := dialled(t.Get("value").Text()); len(d) >= 9 {
				p.Phones = append(p.Phones, d)
			}
		}
	}
	for a := range patient.Get("address").Elements() {
		for _, part := range []string{"city", "district"} {
			if c := folded(a.Get(part).Text()); c != "" {
				p.Commune = append(p.Commune, c)
			}
		}
	}
	return p
}

func (p *Person) identifier(system, value string, old bool, systems identity.Systems) {
	if value == "" {
		return
	}
	switch system {
	case systems.CCCD():
		if _, err := identity.ParseCCCD(value); err != nil {
			return
		}
		if old {
			p.Old = append(p.Old, value)
			return
		}
		p.CCCD = append(p.CCCD, value)
	case systems.CMND(), systems.Passport():
		p.Old = append(p.Old, value)
	case systems.BHYT():
		if card, err := identity.ParseBHYT(value); err == nil {
			p.Cards, p.Social = append(p.Cards, value), append(p.Social, string(card.SocialInsurance()))
		} else if _, err := identity.ParseBHXH(value); err == nil {
			p.Social = append(p.Social, value)
		}
	case systems.BHXH():
		if _, err := identity.ParseBHXH(value); err == nil {
			p.Social = append(p.Social, value)
		}
	default:
		p.Records = append(p.Records, system+"|"+value)
	}
}

func folded(s string) string { return string(search.AppendFolded(nil, s, 0)) }

// nameOf reads a HumanName; its parts go before its text, which says the same.
func nameOf(n resource.Value) Name {
	var parts []string
	parts = append(parts, n.Get("family").Text())
	for part := range n.Get("given").Elements() {
		parts = append(parts, part.Text())
	}
	whole := strings.Join(parts, " ")
	if strings.TrimSpace(whole) == "" {
		whole = n.Get("text").Text()
	}
	name := Name{Folded: strings.Fields(folded(whole)), Exact: strings.Fields(strings.ToLower(composed(whole)))}
	slices.Sort(name.Folded)
	slices.Sort(name.Exact)
	return name
}

// dialled is a phone number within Vietnam: digits alone, +84 and 84 as 0.
func dialled(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	d := b.String()
	if rest, ok := strings.CutPrefix(d, "84"); ok && len(rest) == 9 {
		return "0" + rest
	}
	return d
}
