package identity

import (
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// PatientKeys looks at the identifiers of a Patient that is about to be written. Other types give nothing.
//
// The keys are the citizen IDs that no other active Patient may hold after the commit. The issues are about the numbers'
// form and whether they fit the Patient; one of severity error refuses the write. Identifiers of use "old" neither count
// nor are checked, and systems that are not ours or an alias are none of our business.
func (s Systems) PatientKeys(doc resource.Value) (keys []store.UniqueKey, issues []fhir.Issue) {
	if doc.ResourceType() != "Patient" {
		return nil, nil
	}
	base := s.base()
	active := InUse(doc)
	for id := range doc.Get("identifier").Elements() {
		system, value := id.Get("system").Text(), id.Get("value")
		if system == "" || value.Kind() != resource.String || id.Get("use").Text() == "old" {
			continue
		}
		folded := s.Fold(system)
		if len(folded) <= len(base) || folded[:len(base)] != base {
			continue
		}
		text := value.Text()
		switch folded[len(base):] {
		case "cccd":
			if i := faultOfCCCD(text); i.Code != "" {
				i.Severity, i.Path = fhir.SeverityError, value.Path()
				issues = append(issues, i)
				continue
			}
			issues = append(issues, disagreements(CCCD(text), doc, value)...)
			if active {
				keys = appendKey(keys, CCCDKey(CCCD(text)))
			}
		case "bhyt":
			if !cardAccepted(text) {
				issues = append(issues, fhir.Issue{Severity: fhir.SeverityWarning, Code: "bhyt-form", Path: value.Path()})
			}
		case "bhxh":
			_, err := ParseBHXH(text)
			issues = appendWarning(issues, err, "bhxh-form", value)
		case "cmnd":
			_, err := ParseCMND(text)
			issues = appendWarning(issues, err, "cmnd-form", value)
		case "passport":
			_, err := ParsePassport(text)
			issues = appendWarning(issues, err, "passport-form", value)
		}
	}
	return keys, issues
}

// Unique gives the keys of PatientKeys alone.
func (s Systems) Unique(doc resource.Value) []store.UniqueKey {
	keys, _ := s.PatientKeys(doc)
	return keys
}

// CCCDKey is the key under which the store holds a citizen ID: "cccd|" and the number, whatever system it was sent under.
func CCCDKey(c CCCD) store.UniqueKey { return store.UniqueKey("cccd|" + string(c)) }

// InUse says whether a Patient stands for a person's record in use: active is not false, and no other record replaced
// it. A person who died still has one.
func InUse(patient resource.Value) bool {
	if patient.Get("active").Text() == "false" {
		return false
	}
	for link := range patient.Get("link").Elements() {
		if link.Get("type").Text() == "replaced-by" {
			return false
		}
	}
	return true
}

// Holds says whether a Patient is in use and has a number of a system as one that counts now: not as an old one. Systems may be aliases.
func (s Systems) Holds(patient resource.Value, system, value string) bool {
	if !InUse(patient) {
		return false
	}
	for id := range patient.Get("identifier").Elements() {
		if id.Get("value").Text() == value && id.Get("use").Text() != "old" && s.Fold(id.Get("system").Text()) == s.Fold(system) {
			return true
		}
	}
	return false
}

// disagreements compares what the number says with what the Patient says. They are for a person to decide, so warnings.
func disagreements(c CCCD, patient, value resource.Value) (issues []fhir.Issue) {
	if g := patient.Get("gender").Text(); (g == "male" || g == "female") && g != c.Gender() {
		issues = append(issues, fhir.Issue{Severity: fhir.SeverityWarning, Code: "cccd-gender", Path: value.Path()})
	}
	if birth := patient.Get("birthDate").Text(); len(birth) >= 4 {
		if year, err := strconv.Atoi(birth[:4]); err == nil && year != c.BirthYear() {
			issues = append(issues, fhir.Issue{Severity: fhir.SeverityWarning, Code: "cccd-birth-year", Path: value.Path()})
		}
	}
	return issues
}

func appendKey(keys []store.UniqueKey, k store.UniqueKey) []store.UniqueKey {
	for _, have := range keys {
		if have == k {
			return keys
		}
	}
	return append(keys, k)
}

func appendWarning(issues []fhir.Issue, err error, code string, value resource.Value) []fhir.Issue {
	if err == nil {
		return issues
	}
	return append(issues, fhir.Issue{Severity: fhir.SeverityWarning, Code: code, Path: value.Path()})
}
