package rest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// Bad input gets a clear error with an OperationOutcome, in both languages, and stores nothing.
func TestHostileInput(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) { c.Limits.ResourceBytes = 1 << 20 })
	type c struct {
		name, method, path, body string
		status                   int
		code                     string
		headers                  []string
	}
	ok := `{"resourceType":"Patient"}`
	for _, c := range []c{
		{"dots as id", "GET", "/Patient/..", "", 400, "id-invalid", nil},
		{"dots as escaped id", "GET", "/Patient/%2e%2e", "", 400, "id-invalid", nil},
		{"a zero byte as id", "GET", "/Patient/%00", "", 400, "id-invalid", nil},
		{"a slash in the id", "GET", "/Patient/a%2Fb", "", 400, "id-invalid", nil},
		{"an overlong id", "GET", "/Patient/" + strings.Repeat("a", 65), "", 400, "id-invalid", nil},
		{"a very long path", "GET", "/" + strings.Repeat("a", 20_000), "", 404, "type-unknown", nil},
		{"blanks as id", "GET", "/Patient/a%20b", "", 400, "id-invalid", nil},
		{"an unknown type", "GET", "/Patiens/1", "", 404, "type-unknown", nil},
		{"an unknown type, search", "GET", "/Patiens?x=y", "", 404, "type-unknown", nil},
		{"a type in lower case", "POST", "/patient", ok, 404, "type-unknown", nil},
		{"an abstract type", "GET", "/DomainResource/1", "", 404, "type-unknown", nil},
		{"an unknown operation", "GET", "/Patient/1/$nonsense", "", 404, "operation-unknown", nil},
		{"an unknown system operation", "GET", "/$nonsense", "", 404, "operation-unknown", nil},
		{"too deep a path", "GET", "/Patient/1/_history/1/2", "", 404, "route-unknown", nil},
		{"a verb that is not offered", "POST", "/Patient/1/_history", ok, 405, "method-unknown", nil},
		{"a verb of the type that is not offered", "POST", "/Patient/1", ok, 405, "method-unknown", nil},
		{"XML asked for by _format", "GET", "/Patient/1?_format=xml", "", 406, "format-unknown", nil},
		{"XML asked for by Accept", "GET", "/Patient/1", "", 406, "accept-unknown", []string{"Accept: application/fhir+xml"}},
		{"another FHIR version asked for", "GET", "/Patient/1", "", 406, "accept-unknown", []string{"Accept: application/fhir+json; fhirVersion=3.0"}},
		{"XML sent", "POST", "/Patient", "<Patient/>", 415, "content-type", []string{"Content-Type: application/fhir+xml"}},
		{"a form sent", "POST", "/Patient", "a=b", 415, "content-type", []string{"Content-Type: application/x-www-form-urlencoded"}},
		{"no content type", "POST", "/Patient", ok, 415, "content-type", []string{"Content-Type:"}},
		{"another charset", "POST", "/Patient", ok, 415, "content-charset", []string{"Content-Type: application/fhir+json; charset=utf-16"}},
		{"an unknown compression", "POST", "/Patient", ok, 415, "content-encoding", []string{"Content-Encoding: br"}},
		{"gzip that is none", "POST", "/Patient", ok, 400, "body-unreadable", []string{"Content-Encoding: gzip"}},
		{"an empty body", "POST", "/Patient", " ", 400, "body-empty", nil},
		{"no JSON", "POST", "/Patient", "hello", 400, "json-syntax", nil},
		{"cut off", "POST", "/Patient", `{"resourceType":"Pat`, 400, "json-cut-off", nil},
		{"an array", "POST", "/Patient", `[{"resourceType":"Patient"}]`, 400, "json-not-object", nil},
		{"trailing data", "POST", "/Patient", ok + "x", 400, "json-trailing", nil},
		{"duplicate keys", "POST", "/Patient", `{"resourceType":"Patient","id":"a","id":"b"}`, 400, "json-duplicate-key", nil},
		{"no UTF-8", "POST", "/Patient", "{\"resourceType\":\"Patient\",\"language\":\"\xff\"}", 400, "json-utf8", nil},
		{"too deep", "POST", "/Patient", `{"resourceType":"Patient","extension":` + strings.Repeat(`[{"extension":`, 40) + "1", 413, "json-depth", nil},
		{"no type", "POST", "/Patient", `{"id":"x"}`, 400, "type-missing", nil},
		{"the type is a number", "POST", "/Patient", `{"resourceType":1}`, 400, "type-mismatch", nil},
		{"another type", "POST", "/Patient", `{"resourceType":"Observation"}`, 400, "type-mismatch", nil},
		{"an unknown element", "POST", "/Patient", `{"resourceType":"Patient","nmae":"x"}`, 422, "element-unknown", nil},
		{"a wrong JSON type", "POST", "/Patient", `{"resourceType":"Patient","active":"yes"}`, 422, "element-not-boolean", nil},
		{"a bad id in the body", "PUT", "/Patient/a", `{"resourceType":"Patient","id":7}`, 400, "id-missing", nil},
		{"over the limit", "POST", "/Patient", `{"resourceType":"Patient","language":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "body-too-large", nil},
		{"a broken query", "GET", "/Patient?name=%zz", "", 400, "search-encoding", nil},
		{"a foreign tag", "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`, 412, "etag-foreign", []string{`If-Match: "abc"`}},
		{"a foreign If-None-Match", "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`, 400, "if-none-match-write", []string{`If-None-Match: W/"1"`}},
		{"a resource at the base", "POST", "", ok, 400, "base-not-bundle", nil},
		{"entries that are none", "POST", "", `{"resourceType":"Bundle","type":"batch","entry":[1]}`, 200, "", nil},
		{"an entry of a transaction that is none", "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[1]}`, 400, "bundle-entry", nil},
		{"a history bundle", "POST", "", `{"resourceType":"Bundle","type":"history"}`, 400, "bundle-not-offered", nil},
		{"a patch that is none", "PATCH", "/Patient/1", `{}`, 400, "patch-invalid", []string{"Content-Type: application/json-patch+json"}},
		{"a patch of nulls", "PATCH", "/Patient/1", `[null]`, 400, "", []string{"Content-Type: application/json-patch+json"}},
		{"a patch with a number for a path", "PATCH", "/Patient/1", `[{"op":"add","path":1,"value":1}]`, 400, "", []string{"Content-Type: application/json-patch+json"}},
		{"a page token of somebody else", "GET", "/Patient?_page=xyz", "", 400, "page-token", nil},
		{"two page tokens", "GET", "/Patient?_page=a&_page=b", "", 400, "page-token", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, lang := range []string{"en", "vi"} {
				var body []byte
				if c.body != "" {
					body = []byte(c.body)
				}
				r := s.do(t, c.method, c.path, body, append([]string{"Accept-Language: " + lang}, c.headers...)...)
				r.want(t, c.status)
				if c.code == "" && c.status == 200 {
					continue
				}
				o := r.doc(t)
				issue := o.Get("issue").At(0)
				if code := issue.Get("details").Get("coding").At(0).Get("code").Text(); c.code != "" && code != c.code {
					t.Errorf("code %s, want %s: %s", code, c.code, r.raw)
				}
				if text := issue.Get("details").Get("text").Text(); text == "" || strings.Contains(text, "{") {
					t.Errorf("text %q", text)
				}
				if got := o.Get("language").Text(); got != lang {
					t.Errorf("language %q, want %q", got, lang)
				}
				if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/fhir+json") {
					t.Errorf("Content-Type %q", ct)
				}
			}
		})
	}
	for _, typ := range []string{"Patient", "Observation"} {
		if n := s.do(t, "GET", "/"+typ+"?_summary=count", nil).doc(t).Get("total").Text(); n != "0" {
			t.Errorf("%s resources of type %s were stored", n, typ)
		}
	}
}

// repeated is a reader of the same byte.
type repeated byte

func (r repeated) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r)
	}
	return len(b), nil
}

// 100 MB of [ are refused at the first byte that breaks a rule; memory does not grow.
func TestFloodOfBrackets(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"", "/Patient"} {
		for _, known := range []bool{true, false} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			req, err := http.NewRequest("POST", s.base+path, io.LimitReader(repeated('['), 100<<20))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/fhir+json")
			want := []int{400}
			if known {
				req.ContentLength = 100 << 20
				want = []int{400, 413}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			reply{res, raw}.want(t, want...)
			runtime.ReadMemStats(&after)
			if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 16<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		}
	}
}

// A small compressed body that becomes large is refused when it passes the limit.
func TestCompressedFlood(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) { c.Limits.ResourceBytes = 1 << 20 })
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	fmt.Fprint(w, `{"resourceType":"Patient","language":"`)
	if _, err := io.CopyN(w, repeated('x'), 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.do(t, "POST", "/Patient", z.Bytes(), "Content-Encoding: gzip").want(t, 413)

	// and an honest one is taken
	z.Reset()
	w.Reset(&z)
	fmt.Fprint(w, `{"resourceType":"Patient","id":"z"}`)
	w.Close()
	s.do(t, "PUT", "/Patient/z", z.Bytes(), "Content-Encoding: gzip").want(t, 201)
}

// A body that ends before its Content-Length is refused, and the next request on a new connection is served.
func TestHalfSentBody(t *testing.T) {
	s := serve(t)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n{\"resourceType\":\"Patient\",")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(fhirtest.Patience)); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(raw, []byte("HTTP/1.1 400 ")) || !bytes.Contains(raw, []byte("OperationOutcome")) {
		t.Fatalf("answer: %.400s", raw)
	}
	if n := s.do(t, "GET", "/Patient?_summary=count", nil).doc(t).Get("total").Text(); n != "0" {
		t.Fatalf("%s patients", n)
	}
}

// A body that stops coming is given up on, and the client that still waits is told so.
func TestStalledBody(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Limits.BodyStall, c.Limits.DrainTime = 50*time.Millisecond, 50*time.Millisecond
	})
	for name, request := range map[string]string{
		"408 of half a document":        "/fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n{\"resourceType\":\"Patient\",",
		"408 of nothing but headers":    "/fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n",
		"408 of half a bundle":          "/fhir HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 100000000\r\n\r\n{\"resourceType\":\"Bundle\",",
		"408 of a chunk":                "/fhir HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"res",
		"415 of what is refused unread": "/fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n",
		"413 of what is announced":      "/fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 100000000\r\n\r\n{\"resourceType\":",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s", request)
		if err := conn.SetReadDeadline(time.Now().Add(fhirtest.Patience)); err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(raw, []byte("HTTP/1.1 "+name[:3])) || !bytes.Contains(raw, []byte("OperationOutcome")) || !bytes.Contains(raw, []byte("Connection: close")) {
			t.Fatalf("%s: %v: %.400s", name, err, raw)
		}
		conn.Close()
	}
}

// deadlined is a writer of answers that notes the deadlines for what its connection reads.
type deadlined struct {
	*httptest.ResponseRecorder
	reads []time.Time
}

func (d *deadlined) SetReadDeadline(at time.Time) error {
	d.reads = append(d.reads, at)
	return nil
}

// The time for a body ends with the body: the rest of the request takes as long as it needs.
func TestNoDeadlineOutlivesItsBody(t *testing.T) {
	s := serve(t)
	for body, status := range map[string]int{`{"resourceType":"Patient"}`: 201, `{"resourceType":"Patient","active":"x"}`: 422} {
		r := httptest.NewRequest("POST", s.base+"/Patient", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/fhir+json")
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		began := time.Now()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code != status {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		if n := len(w.reads); n < 2 || w.reads[0].Before(began) || !w.reads[n-1].IsZero() {
			t.Errorf("%s: the deadlines were %v", body, w.reads)
		}
	}
}

// A panic in a handler gives a reference and nothing else, and the server goes on.
func TestPanicLeaksNothing(t *testing.T) {
	s := serve(t, func(c *interaction.Config, _ *rest.Config) {
		c.Hooks = []interaction.Hook{func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
			if w.Doc.Get("language").Text() == "boom" {
				panic("secret of the house")
			}
			return interaction.Additions{}, nil
		}}
	})
	r := s.do(t, "POST", "/Patient", []byte(`{"resourceType":"Patient","language":"boom"}`)).want(t, 500)
	if code := r.doc(t).Get("issue").At(0).Get("details").Get("coding").At(0).Get("code").Text(); code != "internal" || bytes.Contains(r.raw, []byte("secret")) {
		t.Fatalf("answer: %s", r.raw)
	}
	s.do(t, "POST", "/Patient", []byte(`{"resourceType":"Patient","language":"vi"}`)).want(t, 201)
	s.do(t, "POST", "", []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","language":"boom"},"request":{"method":"POST","url":"Patient"}}]}`)).want(t, 500)
	s.do(t, "POST", "", []byte(`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","language":"boom"},"request":{"method":"POST","url":"Patient"}}]}`)).want(t, 200, 500)
}

// Large answers are compressed for those who ask for it.
func TestGzipAnswer(t *testing.T) {
	s := serve(t)
	name := strings.Repeat("Nguyễn ", 5_000)
	s.do(t, "PUT", "/Patient/p", []byte(`{"resourceType":"Patient","id":"p","name":[{"text":"`+name+`"}]}`)).want(t, 201)
	r := s.do(t, "GET", "/Patient/p", nil, "Accept-Encoding: gzip").want(t, 200)
	if r.Header.Get("Content-Encoding") != "gzip" || len(r.raw) > 10_000 {
		t.Fatalf("%d bytes, encoding %q", len(r.raw), r.Header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(bytes.NewReader(r.raw))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resource.New(raw); err != nil {
		t.Fatal(err)
	}
}

func TestHealth(t *testing.T) {
	s := serve(t)
	root := strings.TrimSuffix(s.base, "/fhir")
	for _, path := range []string{"/healthz", "/readyz"} {
		s.do(t, "GET", root+path, nil).want(t, 200)
	}
	s.do(t, "GET", root+"/elsewhere", nil).want(t, 404)
	s.do(t, "GET", s.base+"/metadata/", nil).want(t, 200)
}
