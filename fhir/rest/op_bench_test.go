//go:build unix

package rest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// patientOf1500 stores a patient with 1,499 resources of the kinds that a long life in a hospital makes.
func patientOf1500(tb testing.TB, s *served) {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	put := func(typ, id, members string) {
		if id != "1500" || typ != "Patient" {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"resource":{"resourceType":"%s","id":"%s",%s},"request":{"method":"PUT","url":"%[1]s/%[2]s"}}`, typ, id, members)
	}
	put("Patient", "1500", `"active":true,"name":[{"text":"Nguyễn Thị Ánh"}],"birthDate":"1950-05-17"`)
	for i := range 20 {
		put("Practitioner", fmt.Sprint("dr", i), `"active":true`)
		put("Organization", fmt.Sprint("org", i), `"name":"Khoa Nội"`)
	}
	for i := range 100 {
		put("Encounter", fmt.Sprint("e", i), fmt.Sprintf(`"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/1500"},"period":{"start":"20%02d-01-05T08:00:00+07:00","end":"20%02[1]d-01-05T09:00:00+07:00"},"participant":[{"individual":{"reference":"Practitioner/dr%[2]d"}}],"serviceProvider":{"reference":"Organization/org%[2]d"}`, i%26, i%20))
	}
	for i := range 1359 {
		typ, members := "Observation", fmt.Sprintf(`"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"%d-1","display":"Glucose [Mass/volume] in Blood"}]},"effectiveDateTime":"20%02d-03-01T08:00:00+07:00","issued":"20%02[2]d-03-01T08:30:00.000+07:00","valueQuantity":{"value":%[1]d.5,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},"performer":[{"reference":"Practitioner/dr%[3]d"}],"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}]`, i%40, i%26, i%20)
		switch i % 10 {
		case 7:
			typ, members = "Procedure", `"status":"completed","code":{"text":"Siêu âm"},"performedDateTime":"2020-03-01"`
		case 8:
			typ, members = "Condition", `"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"E11.9"}]},"onsetDateTime":"2019-02-01"`
		case 9:
			typ, members = "Immunization", `"status":"completed","vaccineCode":{"text":"BCG"},"occurrenceDateTime":"2001-01-01"`
		}
		person := "subject"
		if typ == "Immunization" {
			person = "patient"
		}
		put(typ, fmt.Sprint("x", i), fmt.Sprintf(`%s,"%s":{"reference":"Patient/1500"},"encounter":{"reference":"Encounter/e%d"}`, members, person, i%100))
	}
	b.WriteString(`]}`)
	s.do(tb, "POST", "", b.Bytes()).want(tb, 200)
}

// BenchmarkEverything is the first page of $everything of a patient of 1,500 resources, for 64 clients. What it takes of a
// processor is given apart, server and clients together, since other work on the machine does not count there.
func BenchmarkEverything(b *testing.B) {
	s := serve(b)
	patientOf1500(b, s)
	for _, c := range []struct{ name, query string }{{"default", ""}, {"count50", "?_count=50"}, {"last", "?_count=1000&_type=Patient,Practitioner"}} {
		b.Run(c.name, func(b *testing.B) {
			before := processorTime(b)
			clients(b, s.Config.Handler, func() *http.Request {
				req, _ := http.NewRequest("GET", "http://x/fhir/Patient/1500/$everything"+c.query, nil)
				return req
			}, 200)
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
