package mapping

import (
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir/resource"
)

// text is a string for the claim file: NFC, and a copy that does not keep the document in memory.
func text(v resource.Value) string {
	if v.Kind() != resource.String {
		return ""
	}
	return strings.Clone(norm.NFC.String(v.Text()))
}

// number is a number for the claim file: the literal as it stands, or written out if it has an exponent. ok is false
// for what is no number or is negative; an absent one is "" and fine.
func number(v resource.Value) (s string, ok bool) {
	switch v.Kind() {
	case resource.None:
		return "", true
	case resource.Number, resource.String:
	default:
		return "", false
	}
	s = v.Text()
	if _, plain := hoso.ParseDecimal(s); plain {
		return strings.Clone(s), true
	}
	d, _, err := apd.NewFromString(s)
	if err != nil || d.Form != apd.Finite || d.Negative && !d.IsZero() || d.Exponent > 15 || d.Exponent < -15 || d.NumDigits() > 30 {
		return "", false
	}
	d.Negative = false
	return d.Text('f'), true
}

// jsonNumber says whether s can stand as a number in JSON with its text unchanged: 12000.00 can, 01 cannot.
func jsonNumber(s string) bool {
	_, ok := hoso.ParseDecimal(s)
	return ok && (s[0] != '0' || len(s) == 1 || s[1] == '.')
}

// stamp turns a FHIR date, dateTime or instant into the form of the claim file, local time of Việt Nam. ok is false if
// the value is not precise enough for the form: a time of day is never made up.
func stamp(s string, form hoso.Format) (out string, ok bool) {
	if s == "" {
		return "", true
	}
	if len(s) == 10 {
		t, err := time.Parse(time.DateOnly, s)
		return t.Format("20060102"), err == nil && form == hoso.Day
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", false
	}
	t = t.In(wire.Zone)
	if form == hoso.Day {
		return t.Format("20060102"), true
	}
	return t.Format("200601021504"), true
}

// dateTime turns yyyyMMddHHmm into a FHIR dateTime of zone +07:00, or yyyyMMdd into a date; "" if it is neither.
func dateTime(s string) string {
	if t, err := time.ParseInLocation("200601021504", s, wire.Zone); err == nil && len(s) == 12 {
		return t.Format("2006-01-02T15:04:05-07:00")
	}
	if t, err := time.ParseInLocation("20060102", s, wire.Zone); err == nil && len(s) == 8 {
		return t.Format(time.DateOnly)
	}
	return ""
}

// codeOf gives code and display of the first coding of a system in a CodeableConcept.
func codeOf(concept resource.Value, system string) (code, display string) {
	for c := range concept.Get("coding").Elements() {
		if c.Get("system").Text() == system {
			return text(c.Get("code")), text(c.Get("display"))
		}
	}
	return "", ""
}

// hasCode says whether a CodeableConcept has a coding.
func hasCode(concept resource.Value, system, code string) bool {
	for c := range concept.Get("coding").Elements() {
		if c.Get("system").Text() == system && c.Get("code").Text() == code {
			return true
		}
	}
	return false
}

// extensionOf gives the extension with a URL; the zero Value if there is none.
func extensionOf(v resource.Value, url string) resource.Value {
	for e := range v.Get("extension").Elements() {
		if e.Get("url").Text() == url {
			return e
		}
	}
	return resource.Value{}
}

// extensionFields reads the fields of a table from its extension on v. bad are names of fields whose value cannot be used.
func extensionFields(v resource.Value, url string, l *hoso.Layout) (fields map[string]string, bad []string) {
	fields = make(map[string]string)
	for e := range extensionOf(v, url).Get("extension").Elements() {
		i := l.Index(e.Get("url").Text())
		if i < 0 {
			bad = append(bad, "")
			continue
		}
		s, ok := fieldValue(e, l.Fields[i].Format)
		if _, twice := fields[l.Fields[i].Name]; twice || !ok {
			bad = append(bad, l.Fields[i].Name)
			continue
		}
		fields[l.Fields[i].Name] = s
	}
	return fields, bad
}

// extensionField is one of what extensionFields gives.
func extensionField(v resource.Value, url string, l *hoso.Layout, name string) string {
	for e := range extensionOf(v, url).Get("extension").Elements() {
		if e.Get("url").Text() == name {
			if s, ok := fieldValue(e, l.Fields[l.Index(name)].Format); ok {
				return s
			}
		}
	}
	return ""
}

// fieldValue reads value[x] of a field's extension.
func fieldValue(e resource.Value, form hoso.Format) (string, bool) {
	for name, v := range e.Members() {
		switch name {
		case "valueString", "valueCode":
			return text(v), v.Kind() == resource.String
		case "valueDecimal", "valueInteger", "valuePositiveInt", "valueUnsignedInt":
			return number(v)
		case "valueMoney", "valueQuantity":
			return number(v.Get("value"))
		case "valueDate", "valueDateTime", "valueInstant":
			return stamp(v.Text(), form)
		}
	}
	return "", extensionOf(e, absentURL).Kind() != resource.None
}
