package vaccination_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// BenchmarkSummary is the summary by citizen ID of one of 200 synthetic children with every dose of the first two years.
func BenchmarkSummary(b *testing.B) {
	c := open(b)
	const children = 200
	for n := range children {
		birth := time.Date(2023, 1, 1+n, 0, 0, 0, 0, time.UTC)
		c.put(b, fmt.Sprintf(`{"resourceType":"Patient","id":"c%d","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051223%06[1]d"}],"name":[{"text":"Synthetic Child"}],"birthDate":%q,"address":[{"city":"Bench"}]}`, n, birth.Format(time.DateOnly)))
		for i := range immunization.National().Series {
			s := &immunization.National().Series[i]
			last := birth
			for _, d := range s.Doses {
				if d.Recommended == nil || d.Recommended.Months > 24 {
					break
				}
				if on := d.Recommended.After(birth); on.After(last) {
					last = on
				}
				c.put(b, fmt.Sprintf(`{"resourceType":"Immunization","id":"c%d-%d-%d","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}],"text":%q},"patient":{"reference":"Patient/c%[1]d"},"occurrenceDateTime":%[6]q,"primarySource":true,"lotNumber":"GD-%[3]d","performer":[{"actor":{"display":"Bench station"}}],"protocolApplied":[{"series":%[7]q,"doseNumberPositiveInt":%[3]d}]}`,
					n, i, d.Number, s.CVX[0], s.VaccineVi, last.Format(time.DateOnly), s.Name))
			}
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		q := vaccination.Query{Identifier: fmt.Sprintf("051223%06d", n*31%children)}
		if _, err := c.Summary(ours(), fhir.Key{Type: "Patient"}, q, 0, "http://x/fhir", outcome.English); err != nil {
			b.Fatal(err)
		}
	}
}
