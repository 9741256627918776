package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/rest"
)

// Uploads that stop half way hold a bounded amount of memory, single resources pass meanwhile, and all is given back when
// the clients are gone.
func TestUnfinishedUploadsAreBounded(t *testing.T) {
	const budget, uploads, size = 64 << 20, 24, 6 << 20
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Limits.BodiesBytes, c.Limits.BodiesWait, c.Limits.DrainTime = budget, 50*time.Millisecond, 50*time.Millisecond
	})
	head := fmt.Sprintf("POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n", size)
	var name bytes.Buffer
	name.WriteString(`{"resourceType":"Patient","name":[{"family":"x"}`)
	for name.Len() < size-1024 {
		name.WriteString(`,{"family":"Nguyễn","given":["Thị","Hoa"]}`)
	}
	before := heap()
	refused := make(chan struct{}, uploads)
	conns := make([]net.Conn, uploads)
	for i := range conns {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
		go func() { // ends when the connection does
			_, _ = io.Copy(conn, io.MultiReader(strings.NewReader(head), bytes.NewReader(name.Bytes())))
		}()
		go func() {
			answer, _ := io.ReadAll(conn)
			if bytes.HasPrefix(answer, []byte("HTTP/1.1 429 ")) && bytes.Contains(answer, []byte("bodies-busy")) && bytes.Contains(answer, []byte("Retry-After: ")) {
				refused <- struct{}{}
			}
		}()
	}
	for n := range uploads - budget/4/size {
		select {
		case <-refused:
		case <-time.After(fhirtest.Patience):
			t.Fatalf("%d of %d uploads were refused", n, uploads)
		}
	}
	if held := heap() - before; held > budget {
		t.Errorf("%d MiB are held, of a budget of %d", held>>20, budget>>20)
	}
	s.do(t, "POST", "/Patient", []byte(`{"resourceType":"Patient"}`)).want(t, 201)
	for _, c := range conns {
		c.Close()
	}
	whole := append(name.Bytes()[:name.Len():name.Len()], "]}"...)
	for deadline := time.Now().Add(fhirtest.Patience); ; {
		r := s.do(t, "POST", "/Patient", whole)
		if r.StatusCode == http.StatusCreated {
			break
		}
		if r.want(t, http.StatusTooManyRequests); time.Now().After(deadline) {
			t.Fatal("what uploads held is not given back")
		}
	}
}

// A body larger than the whole budget is taken, one at a time.
func TestGiantBody(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) { c.Limits.BodiesBytes = 1 << 20 })
	body := `{"resourceType":"Patient","name":[{"text":"` + strings.Repeat("x", 900_000) + `"}` + strings.Repeat(`,{"text":"`+strings.Repeat("y", 900_000)+`"}`, 5) + `]}`
	for range 2 {
		s.do(t, "POST", "/Patient", []byte(body), "Prefer: return=minimal").want(t, 201)
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A body that is announced as too large is refused before it is sent, and the connection ends.
func TestAnnouncedTooLarge(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) { c.Limits.DrainTime = time.Minute })
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 500000000\r\n\r\n{")
	if err := conn.SetReadDeadline(time.Now().Add(fhirtest.Patience)); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for b := make([]byte, 4096); !bytes.Contains(got.Bytes(), []byte("]}")); {
		n, err := conn.Read(b)
		got.Write(b[:n])
		if err != nil {
			t.Fatalf("%v: %s", err, got.Bytes())
		}
	}
	if !bytes.HasPrefix(got.Bytes(), []byte("HTTP/1.1 413 ")) || !bytes.Contains(got.Bytes(), []byte("Connection: close")) {
		t.Fatalf("%s", got.Bytes())
	}
}

// What stands before the body has its limits, and an outcome when they are passed.
func TestOverlongAddressAndHeaders(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		path, header string
		status       int
		code         string
	}{
		{"/Patient?name=" + strings.Repeat("x", 40_000), "X-A: b", 414, "url-too-long"},
		{"/" + strings.Repeat("a", 40_000), "X-A: b", 414, "url-too-long"},
		{"/Patient", "X-Long: " + strings.Repeat("x", 70_000), 431, "headers-too-large"},
	} {
		r := s.do(t, "GET", c.path, nil, c.header).want(t, c.status)
		if code := r.doc(t).Get("issue").At(0).Get("details").Get("coding").At(0).Get("code").Text(); code != c.code {
			t.Errorf("code %s, want %s", code, c.code)
		}
	}
}
