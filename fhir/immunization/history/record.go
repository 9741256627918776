package history

import (
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/resource"
)

// CVX is the code system of vaccine products that schedules are written in.
const CVX = "http://hl7.org/fhir/sid/cvx"

// Record is one Immunization as somebody sent it.
type Record struct {
	Doc      resource.Value
	Ref      string       // "Immunization/id"; "" if it has no id
	At       fhir.Instant // when this version was received; 0 = not stored
	Status   string       // completed, not-done, entered-in-error
	On       time.Time    // day in Vietnam; zero = not known to the day
	CVX      []string
	Codes    []string // all codings, as system|code
	Text     string   // how the product is named
	Lot      string
	Expiry   time.Time // last day on which the product is good; of a month or a year its last
	Series   string    // of protocolApplied, as the sender names it
	Primary  bool      // from who gave it
	Withheld []string
}

// Read takes from an Immunization what is judged. It never fails: what cannot be read is not there.
func Read(doc resource.Value) Record {
	r := Record{Doc: doc, Status: doc.Get("status").Text(), Primary: doc.Get("primarySource").Text() == "true"}
	if id, ok := doc.ID(); ok {
		r.Ref = "Immunization/" + id
	}
	r.On, _ = immunization.ParseDay(doc.Get("occurrenceDateTime").Text())
	_, r.Expiry, _ = immunization.ParseSpan(doc.Get("expirationDate").Text())
	r.Lot = strings.TrimSpace(doc.Get("lotNumber").Text())
	code := doc.Get("vaccineCode")
	r.Text = code.Get("text").Text()
	for c := range code.Get("coding").Elements() {
		system, value := c.Get("system").Text(), c.Get("code").Text()
		if value == "" {
			continue
		}
		if r.Text == "" {
			r.Text = c.Get("display").Text()
		}
		r.Codes = append(r.Codes, system+"|"+value)
		if system == CVX || system == "urn:oid:2.16.840.1.113883.12.292" {
			if len(value) == 1 {
				value = "0" + value // CVX is written with two digits; some senders have numbers
			}
			r.CVX = append(r.CVX, value)
		}
	}
	if r.Text == "" && len(r.Codes) > 0 {
		r.Text = r.Codes[0]
	}
	for p := range doc.Get("protocolApplied").Elements() {
		if r.Series == "" {
			r.Series = p.Get("series").Text()
		}
	}
	for c := range doc.Get("statusReason").Get("coding").Elements() {
		r.Withheld = append(r.Withheld, c.Get("code").Text())
	}
	return r
}

// dose is what the forecast judges.
func (r *Record) dose() forecast.Dose {
	d := forecast.Dose{
		ID: r.Ref, On: r.On, CVX: r.CVX, Series: r.Series, Lot: r.Lot, Expiry: r.Expiry,
		NotDone: r.Status != "completed", Subpotent: r.Doc.Get("isSubpotent").Text() == "true",
	}
	for _, c := range r.Withheld { // http://terminology.hl7.org/CodeSystem/v3-ActReason
		d.Precaution = d.Precaution || c == "MEDPREC"
		d.Immune = d.Immune || c == "IMMUNE"
	}
	return d
}

// PersonOf reads who a Patient is to the forecast. Errors: Kind Unprocessable, codes "immds-birth-date" (there is none, or
// not to the day) and "immds-not-born" (it is after the assessment date).
func PersonOf(patient resource.Value, assessed time.Time) (forecast.Person, error) {
	text := patient.Get("birthDate").Text()
	birth, ok := immunization.ParseDay(text)
	if !ok || len(text) != len(time.DateOnly) {
		return forecast.Person{}, fhir.Errorf(fhir.Unprocessable, "immds-birth-date", patient.Path()+".birthDate")
	}
	if birth.After(assessed) {
		return forecast.Person{}, fhir.Errorf(fhir.Unprocessable, "immds-not-born", patient.Path()+".birthDate", assessed.Format(time.DateOnly))
	}
	return forecast.Person{Birth: birth}, nil
}
