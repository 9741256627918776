package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
)

const benchPatient = `{"resourceType":"Patient","id":"p","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/Patient"]},"identifier":[{"system":"urn:x:mabn","value":"%s"}],"active":true,"name":[{"use":"official","text":"Nguyễn Thị Ánh","family":"Nguyễn","given":["Thị","Ánh"]}],"telecom":[{"system":"phone","value":"0905123456"}],"gender":"female","birthDate":"1990-05-17","address":[{"text":"12 Quang Trung, Quảng Ngãi","city":"Quảng Ngãi"}],"managingOrganization":{"reference":"Organization/51001"}}`

// clients sends requests from 64 connections at the same time.
func clients(b *testing.B, h http.Handler, make func() *http.Request, status int) {
	srv := httptest.NewServer(h)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req := make()
			req.URL.Host = srv.Listener.Addr().String()
			res, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != status {
				b.Errorf("status %d", res.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// BenchmarkRead is a read by id, over HTTP and within the process, beside a bare Gin handler that returns the same bytes.
func BenchmarkRead(b *testing.B) {
	s := serve(b)
	s.do(b, "PUT", "/Patient/p", fmt.Appendf(nil, benchPatient, "1")).want(b, 201)
	raw := s.do(b, "GET", "/Patient/p", nil).want(b, 200).raw
	gin.SetMode(gin.ReleaseMode)
	bare := gin.New()
	bare.GET("/fhir/:type/:id", func(c *gin.Context) { c.Data(200, "application/fhir+json; charset=utf-8", raw) })
	get := func() *http.Request {
		req, _ := http.NewRequest("GET", "http://x/fhir/Patient/p", nil)
		return req
	}
	for _, h := range []struct {
		name string
		http.Handler
	}{{"lienthong", s.Config.Handler}, {"bare", bare}} {
		b.Run("http/"+h.name, func(b *testing.B) { clients(b, h, get, 200) })
		b.Run("process/"+h.name, func(b *testing.B) {
			b.ReportAllocs()
			req := get()
			for b.Loop() {
				h.ServeHTTP(&discard{header: http.Header{}}, req)
			}
		})
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkCreate is a create of 64 clients, durable.
func BenchmarkCreate(b *testing.B) {
	s := serve(b)
	var n atomic.Int64
	clients(b, s.Config.Handler, func() *http.Request {
		body := fmt.Appendf(nil, benchPatient, fmt.Sprint(n.Add(1)))
		req, _ := http.NewRequest("POST", "http://x/fhir/Patient", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/fhir+json")
		return req
	}, 201)
}

// BenchmarkSearch is a search by identifier among 10,000.
func BenchmarkSearch(b *testing.B) {
	s := serve(b)
	load(b, s, 10_000)
	clients(b, s.Config.Handler, func() *http.Request {
		req, _ := http.NewRequest("GET", "http://x/fhir/Patient?identifier=urn:x:mabn|5000", nil)
		return req
	}, 200)
}

// load stores n patients in transactions.
func load(b *testing.B, s *served, n int) {
	for i := 0; i < n; {
		body := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)
		for j := 0; j < 500 && i < n; i, j = i+1, j+1 {
			if j > 0 {
				body = append(body, ',')
			}
			body = fmt.Appendf(body, `{"resource":`+benchPatient+`,"request":{"method":"POST","url":"Patient"}}`, fmt.Sprint(i))
		}
		s.do(b, "POST", "", append(body, "]}"...)).want(b, 200)
	}
}

// BenchmarkImport posts the Synthea bundles one after the other.
func BenchmarkImport(b *testing.B) {
	files := syntheaFiles(b)
	var bundles [][]byte
	for _, f := range files[:12] {
		bundles = append(bundles, bunzip(b, f))
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		s := serve(b)
		b.StartTimer()
		for _, raw := range bundles {
			r := s.do(b, "POST", "", raw).want(b, 200)
			n += bytes.Count(r.raw, []byte(`"status":"201`))
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "resources/s")
}
