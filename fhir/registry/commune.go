package registry

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// CommuneExtension, on Patient.address or its city, has the code of the commune as valueCode, valueString or valueCoding.
// R4 has no element for it, and no national profile that is in force names one.
const CommuneExtension = "https://lienthong.example/fhir/StructureDefinition/commune"

// commune is where a Patient lives: by the code, if the address has one, else by the names of the commune (city, or
// district in old addresses) and the province (state), whatever their case. Two spellings are two communes: which names
// are one is not for a program to guess. Both are "" if the address names none.
//
// Of several addresses the first of these is taken: home, of no use or another one, temp. Old and billing ones, and those
// for letters alone, say nothing about where somebody lives.
func commune(patient resource.Value) (key, name string) {
	var best resource.Value
	rank := 0
	for a := range patient.Get("address").Elements() {
		n := 2
		switch a.Get("use").Text() {
		case "home":
			n = 3
		case "temp":
			n = 1
		case "old", "billing":
			continue
		}
		if n > rank && a.Get("type").Text() != "postal" {
			best, rank = a, n
		}
	}
	if rank == 0 {
		return "", ""
	}
	city := plain(best.Get("city").Text())
	if city == "" {
		city = plain(best.Get("district").Text())
	}
	name = city
	if state := plain(best.Get("state").Text()); state != "" && city != "" {
		name += ", " + state
	}
	for _, at := range []resource.Value{best.Get("extension"), best.Get("_city").Get("extension")} {
		for e := range at.Elements() {
			if e.Get("url").Text() != CommuneExtension {
				continue
			}
			coding := e.Get("valueCoding")
			for _, v := range []resource.Value{e.Get("valueCode"), e.Get("valueString"), coding.Get("code")} {
				if code := plain(v.Text()); code != "" {
					if display := plain(coding.Get("display").Text()); display != "" {
						name = display
					}
					return code, name
				}
			}
		}
	}
	return communeKey(name), name
}

// communeKey is the key of a commune that is known by its name.
func communeKey(name string) string { return strings.ToLower(plain(name)) }

// longest part of a key: more is no name.
const longest = 120

// plain composes a text, and makes one blank of each row of blanks and control characters.
func plain(s string) string {
	s = strings.Join(strings.FieldsFunc(norm.NFC.String(s), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	return s
}

// clinics are the organizations that look after a person.
func clinics(patient resource.Value) (ids []fhir.ID) {
	add := func(v resource.Value) {
		if r := fhir.ParseReference(v.Get("reference").Text()); r.Key.Type == "Organization" && r.Key.ID != "" {
			ids = append(ids, r.Key.ID)
		}
	}
	add(patient.Get("managingOrganization"))
	for g := range patient.Get("generalPractitioner").Elements() {
		add(g)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
