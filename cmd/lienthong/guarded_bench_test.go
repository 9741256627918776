package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/openid/openidtest"
)

const benchObservation = `{"resourceType":"Observation",%s"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"},"subject":{"reference":"Patient/bench"},"effectiveDateTime":"2016-01-09T05:08:47-05:00","valueQuantity":{"value":164.2,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`

// benchConsent lets the record be used but for research: all that is asked of the record is held against it.
const benchConsent = `{"resourceType":"Consent","id":"refusing","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/refusing"},"dateTime":"2026-01-01","policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":{"type":"permit","provision":[{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HRESCH"}]}]}}`

// benchChildren are asked about one after the other, by citizen ID.
const benchChildren = 50

// BenchmarkGuarded is what a read, a search and a create cost in the process, from the handler on: with nothing, with the audit
// trail, and with the trail and a hospital's token. 64 callers at once share the syncs; cpu-ns/op is the time of the processor.
func BenchmarkGuarded(b *testing.B) {
	signer := openidtest.Signer(b, "JWT")
	none, err := jwt.NewFetcher(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	issuers, err := openid.ParseIssuers(fmt.Appendf(nil, "issuers:\n  - {issuer: 'https://id.example', audience: [x], algorithms: [ES256], jwks: %s, organization: {claim: org}, "+
		"roles: {claim: role, values: {hospital: hospital}}}\n", signer.JWKS()), none, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	token, err := signer.Sign(map[string]any{"iss": "https://id.example", "aud": "x", "sub": "bench", "exp": time.Now().Add(time.Hour).Unix(), "role": "hospital", "org": "h1"})
	if err != nil {
		b.Fatal(err)
	}
	for _, side := range []struct {
		name      string
		unwatched bool
		token     string
	}{{"nothing", true, ""}, {"trail", false, ""}, {"token", false, token}} {
		n, err := openNode(b.Context(), config.Server{
			Data: b.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100, BaseURL: "https://records.example/fhir", Unwatched: side.unwatched,
			Authentication: config.Authentication{Own: func() openid.Issuers { return issuers }},
		}, "https://records.example/fhir", slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := n.close(); err != nil {
				b.Error(err)
			}
		})
		request := func(method, path, body string) *http.Request {
			r := httptest.NewRequestWithContext(context.Background(), method, "https://records.example/fhir"+path, http.NoBody)
			if body != "" {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			}
			r.Header.Set("Content-Type", "application/fhir+json")
			r.Header.Set("User-Agent", "bench")
			if side.token != "" {
				r.Header.Set("Authorization", "Bearer "+side.token)
			}
			return r
		}
		put := func(path, body string) {
			w := httptest.NewRecorder()
			if n.handler.ServeHTTP(w, request("PUT", path, body)); w.Code != http.StatusCreated {
				b.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		for i := range 200 {
			id := fmt.Sprintf("o%d", i)
			put("/Observation/"+id, fmt.Sprintf(benchObservation, `"id":"`+id+`",`))
		}
		for _, person := range []string{"person", "refusing"} {
			put("/Patient/"+person, `{"resourceType":"Patient","id":"`+person+`"}`)
			put("/Encounter/"+person, `{"resourceType":"Encounter","id":"`+person+`","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/`+person+`"},"serviceProvider":{"reference":"Organization/h1"}}`)
			for i := range 10 {
				id := fmt.Sprintf("%s%d", person, i)
				put("/Observation/"+id, strings.Replace(fmt.Sprintf(benchObservation, `"id":"`+id+`","encounter":{"reference":"Encounter/`+person+`"},`), "Patient/bench", "Patient/"+person, 1))
			}
			if person == "refusing" {
				put("/Consent/refusing", benchConsent)
			}
		}
		// Where nobody was ever merged, nothing has to be looked up for anybody.
		put("/Patient/twice", `{"resourceType":"Patient","id":"twice"}`)
		put("/Patient/once", `{"resourceType":"Patient","id":"once","active":false,"link":[{"other":{"reference":"Patient/twice"},"type":"replaced-by"}]}`)
		for i := range benchChildren {
			put(fmt.Sprintf("/Patient/child%d", i), fmt.Sprintf(`{"resourceType":"Patient","id":"child%d","birthDate":"2023-01-01","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051223%06d"}]}`, i, i))
			for dose, given := range []string{"2023-01-01", "2023-03-01", "2023-03-01", "2023-04-01", "2023-04-01", "2023-05-01", "2023-05-01", "2023-10-01", "2024-01-01", "2024-07-01", "2024-07-01", "2024-08-01"} {
				id := fmt.Sprintf("child%d-%d", i, dose)
				put("/Immunization/"+id, fmt.Sprintf(`{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"198"}]},"patient":{"reference":"Patient/child%d"},"occurrenceDateTime":%q,"primarySource":true,"lotNumber":"GD-%d"}`, id, i, given, dose))
			}
		}
		for _, load := range []struct {
			name, method, path, body string
			status                   int
		}{
			{"doses", "GET", "/Immunization?patient.identifier=https://lienthong.example/sid/cccd%%7C051223%06d&_sort=-date", "", http.StatusOK},
			{"summary", "GET", "/Patient/$immunization-summary?identifier=https://lienthong.example/sid/cccd%%7C051223%06d", "", http.StatusOK},
			{"read", "GET", "/Observation/o7", "", http.StatusOK},
			{"search", "GET", "/Observation?code=http://loinc.org|8302-2&_count=20", "", http.StatusOK},
			{"narrow", "GET", "/Observation?patient=Patient/person&code=http://loinc.org|8302-2&_count=20", "", http.StatusOK},
			{"consented", "GET", "/Observation?patient=Patient/refusing&code=http://loinc.org|8302-2&_count=20", "", http.StatusOK},
			{"create", "POST", "/Observation", fmt.Sprintf(benchObservation, ""), http.StatusCreated},
		} {
			b.Run(load.name+"/"+side.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(64 / runtime.GOMAXPROCS(0))
				before := processorTime(b)
				b.RunParallel(func(pb *testing.PB) {
					of := []*http.Request{request(load.method, load.path, "")}
					if strings.Contains(load.path, "%06d") {
						of = of[:0]
						for child := range benchChildren {
							of = append(of, request(load.method, fmt.Sprintf(load.path, child), ""))
						}
					}
					for i := 0; pb.Next(); i++ {
						r := of[i%len(of)]
						if load.body != "" {
							r.Body = closing{bytes.NewReader([]byte(load.body))}
							r.ContentLength = int64(len(load.body))
						}
						w := answerOf{header: http.Header{}}
						if n.handler.ServeHTTP(&w, r); w.status != load.status {
							b.Errorf("status %d", w.status)
							return
						}
					}
				})

				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is what the process has used.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type closing struct{ *bytes.Reader }

func (closing) Close() error { return nil }

// answerOf keeps nothing of an answer but its status.
type answerOf struct {
	header http.Header
	status int
}

func (a *answerOf) Header() http.Header         { return a.header }
func (a *answerOf) WriteHeader(status int)      { a.status = status }
func (a *answerOf) Write(p []byte) (int, error) { return len(p), nil }
