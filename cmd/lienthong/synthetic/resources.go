package synthetic

import (
	"strings"
	"time"
)

// Tag marks a resource as invented.
const (
	TagSystem  = "https://lienthong.example/fhir/CodeSystem/tag"
	TagCode    = "synthetic"
	TagDisplay = "Dữ liệu giả lập, không phải người thật (synthetic data, no real person)"
)

const cvx = "http://hl7.org/fhir/sid/cvx"

// meta is the mark that each invented resource carries.
func meta() object {
	return object{"tag", list{object{"system", TagSystem, "code", TagCode, "display", TagDisplay}}}
}

func (p *Population) identifier(system, value string) object {
	return object{"system", p.cfg.SID + system, "value", value}
}

func text(s string) object { return object{"text", s} }

func reference(typ, id, display string) object {
	return object{"reference", typ + "/" + id, "display", display}
}

// FacilityID is the logical id of a facility's Organization; facilities are the same in each population.
func FacilityID(code string) string { return "cskcb-" + code }

// practitionerID is the logical id of a Practitioner.
func (p *Population) practitionerID(s Practitioner) string { return "nvyt-" + s.Number }

func (p *Population) organization(f Facility) object {
	return object{
		"resourceType", "Organization", "id", FacilityID(f.Code), "meta", meta(),
		"identifier", list{p.identifier("cskcb", f.Code)},
		"active", true,
		"type", list{object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/organization-type", "code", "prov"}}, "text", f.Kind}},
		"name", f.Name,
		"address", list{object{"text", "Tỉnh Quảng Ngãi", "state", "Quảng Ngãi", "country", "VN"}},
	}
}

func (p *Population) practitioner(s Practitioner) object {
	return object{
		"resourceType", "Practitioner", "id", p.practitionerID(s), "meta", meta(),
		"identifier", list{p.identifier("bhxh", s.Number)},
		"active", true,
		"name", list{humanName(s.Name)},
		"gender", gender(s.Female),
	}
}

func (p *Population) practitionerRole(s Practitioner) object {
	return object{
		"resourceType", "PractitionerRole", "id", p.practitionerID(s) + "-" + s.Facility, "meta", meta(),
		"active", true,
		"practitioner", reference("Practitioner", p.practitionerID(s), s.Name),
		"organization", reference("Organization", FacilityID(s.Facility), facilityName(s.Facility)),
		"code", list{text(s.Role)},
	}
}

func (p *Population) patient(c *Citizen) object {
	var contacts list
	for _, parent := range []*Citizen{c.Mother, c.Father} {
		if parent != nil {
			contacts = append(contacts, object{"relationship", list{relationship(parent)}, "name", humanName(parent.Name), "telecom", phone(parent), "gender", gender(parent.Female)})
		}
	}
	return object{
		"resourceType", "Patient", "id", c.ID, "meta", meta(),
		"identifier", list{
			object{"use", "official", "system", p.cfg.SID + "cccd", "value", c.CCCD},
			object{"use", "secondary", "system", p.cfg.SID + "bhyt", "value", c.Card, "period", period(c.CardFrom, c.CardTo)},
			object{"use", "secondary", "system", p.cfg.SID + "mabn/51901", "value", c.Record},
		},
		"active", true,
		"name", list{humanName(c.Name)},
		"telecom", phone(c),
		"gender", gender(c.Female),
		"birthDate", c.Birth.Format(time.DateOnly),
		"address", list{object{"use", "home", "text", c.Address(), "line", list{c.House}, "city", c.Home.name, "state", "Quảng Ngãi", "country", "VN"}},
		"contact", contacts,
		"managingOrganization", reference("Organization", FacilityID(c.Home.station), facilityName(c.Home.station)),
	}
}

// Address is where the citizen lives, in one line.
func (c *Citizen) Address() string { return c.House + ", " + c.Home.name + ", tỉnh Quảng Ngãi" }

func (p *Population) relatedPerson(child, parent *Citizen) object {
	return object{
		"resourceType", "RelatedPerson", "id", child.ID + "-" + strings.ToLower(roleOf(parent)), "meta", meta(),
		"identifier", list{p.identifier("cccd", parent.CCCD)},
		"active", true,
		"patient", reference("Patient", child.ID, child.Name),
		"relationship", list{relationship(parent)},
		"name", list{humanName(parent.Name)},
		"telecom", phone(parent),
		"gender", gender(parent.Female),
		"birthDate", parent.Birth.Format(time.DateOnly),
	}
}

// immunizationID is unique for a dose of a person.
func immunizationID(c *Citizen, d Dose) string {
	return c.ID + "-" + d.Series.Name + "-" + pad(d.Number, 1)
}

func (p *Population) immunization(c *Citizen, d Dose) object {
	route := object{"system", "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "code", "IM", "display", "Tiêm bắp"}
	switch {
	case d.Series.Oral:
		route = object{"system", "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "code", "PO", "display", "Uống"}
	case d.Series.Name == "BCG":
		route = object{"system", "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "code", "IDINJ", "display", "Tiêm trong da"}
	}
	return object{
		"resourceType", "Immunization", "id", immunizationID(c, d), "meta", meta(),
		"status", "completed",
		"vaccineCode", object{"coding", list{object{"system", cvx, "code", d.Series.CVX[0], "display", d.Series.VaccineVi}}, "text", d.Series.VaccineVi},
		"patient", reference("Patient", c.ID, c.Name),
		"occurrenceDateTime", d.On.Format(time.DateOnly),
		"primarySource", true,
		"lotNumber", d.Lot,
		"expirationDate", d.Expiry.Format(time.DateOnly),
		"route", object{"coding", list{route}},
		"performer", list{object{"actor", reference("Organization", FacilityID(d.Facility), facilityName(d.Facility))}},
		"protocolApplied", list{object{
			"series", d.Series.Name,
			"targetDisease", list{text(d.Series.DiseaseVi)},
			"doseNumberPositiveInt", d.Number,
			"seriesDosesPositiveInt", len(d.Series.Doses),
		}},
	}
}

// condition is the main diagnosis of an episode.
func (p *Population) condition(e Episode) object {
	x := e.HoSo.XML1()
	seen, _ := time.Parse("200601021504", x.Get("NGAY_RA"))
	return object{
		"resourceType", "Condition", "id", string(e.ID) + "-cd", "meta", meta(),
		"clinicalStatus", object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/condition-clinical", "code", "active"}}},
		"verificationStatus", object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code", "confirmed"}}},
		"category", list{object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/condition-category", "code", "encounter-diagnosis"}}}},
		"code", object{
			"coding", list{object{"system", "http://hl7.org/fhir/sid/icd-10", "code", x.Get("MA_BENH_CHINH"), "display", x.Get("CHAN_DOAN_RV")}},
			"text", x.Get("CHAN_DOAN_RV"),
		},
		"subject", reference("Patient", e.Citizen.ID, e.Citizen.Name),
		"encounter", object{"reference", "Encounter/" + string(e.ID)},
		"recordedDate", seen.Format("2006-01-02T15:04:05") + "+07:00",
	}
}

func humanName(s string) object {
	words := strings.Fields(s)
	given := list{}
	for _, w := range words[1:] {
		given = append(given, w)
	}
	return object{"use", "official", "text", s, "family", words[0], "given", given}
}

func gender(female bool) string {
	if female {
		return "female"
	}
	return "male"
}

func phone(c *Citizen) list {
	if c.Phone == "" {
		return nil
	}
	all := list{object{"system", "phone", "value", c.Phone, "use", "mobile"}}
	if c.Phone[len(c.Phone)-1]%2 == 0 { // every other one reads mail
		all = append(all, object{"system", "email", "value", c.ID + "@example.com", "use", "home"})
	}
	return all
}

func roleOf(parent *Citizen) string {
	if parent.Female {
		return "MTH"
	}
	return "FTH"
}

func relationship(parent *Citizen) object {
	word := "Cha"
	if parent.Female {
		word = "Mẹ"
	}
	return object{"coding", list{object{"system", "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code", roleOf(parent)}}, "text", word}
}

func period(from, to time.Time) object {
	return object{"start", from.Format(time.DateOnly), "end", to.Format(time.DateOnly)}
}

func facilityName(code string) string {
	for _, f := range facilities {
		if f.Code == code {
			return f.Name
		}
	}
	return ""
}
