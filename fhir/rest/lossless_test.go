package rest_test

import (
	"bufio"
	"compress/bzip2"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// LOSSLESS: every official example that is sound comes back as it was sent, apart from id and meta's version and time.
func TestExamplesComeBackAsSent(t *testing.T) {
	s := serve(t)
	sent, refused := 0, 0
	for name, raw := range examples(t) {
		doc, err := resource.New(raw)
		if err != nil || !r4.IsResource(doc.Root().ResourceType()) {
			continue
		}
		v := doc.Root()
		typ := string(v.ResourceType())
		method, path, okay := "POST", "/"+typ, 201
		if id, ok := v.ID(); ok {
			method, path = "PUT", path+"/"+id
		}
		r := s.do(t, method, path, raw)
		if id, ok := v.ID(); len(walk.Resource(v, 1)) > 0 || ok && len(id) > 64 { // the definitions refuse it
			refused++
			r.want(t, 400, 422)
			continue
		}
		if method == "PUT" && r.StatusCode == 200 { // two examples with one id
			okay = 200
		}
		r.want(t, okay)
		id, _ := r.doc(t).ID()
		back := s.do(t, "GET", "/"+typ+"/"+id, nil).want(t, 200)
		if !resource.EqualResource(back.doc(t), v) {
			t.Errorf("LOSSLESS: %s differs\n%.400s", name, back.raw)
		}
		sent++
	}
	t.Logf("%d examples came back, %d do not follow their definition", sent, refused)
	if sent < 1000 {
		t.Errorf("only %d examples came back", sent)
	}
}

// examples gives the official examples by file name.
func examples(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	fhirtest.Examples(t, func(name string, raw []byte) { out[name] = raw })
	return out
}

// bunzip reads a compressed file of the test data.
func bunzip(tb testing.TB, path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(bzip2.NewReader(bufio.NewReaderSize(f, 1<<20)))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// syntheaFiles gives the batches first, then the patients.
func syntheaFiles(tb testing.TB) []string {
	files, err := filepath.Glob(filepath.Join(fhirtest.Data(tb, "data", "synthea"), "*.json.bz2"))
	if err != nil || len(files) == 0 {
		tb.Fatal("no files", err)
	}
	slices.SortFunc(files, func(a, b string) int {
		first := func(f string) string {
			if strings.HasPrefix(filepath.Base(f), "0-") {
				return " " + f
			}
			return f
		}
		return strings.Compare(first(a), first(b))
	})
	return files
}

// The Synthea bundles land whole: counts per type equal the input's, and each resource read back equals what was sent,
// apart from id, meta's version and time, and the references that the transaction resolves.
func TestSyntheaImport(t *testing.T) {
	s := serve(t)
	files := syntheaFiles(t)
	if testing.Short() {
		files = files[:6]
	}
	want := map[fhir.Type]int{}
	var posting time.Duration
	n := 0
	for _, file := range files {
		raw := bunzip(t, file)
		started := time.Now()
		r := s.do(t, "POST", "", raw).want(t, 200)
		posting += time.Since(started)
		in, err := resource.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		answers := r.doc(t).Get("entry")
		answer := answers.First()
		for e := range in.Root().Get("entry").Elements() {
			v := e.Get("resource")
			want[v.ResourceType()]++
			n++
			status, location := answer.Get("response").Get("status").Text(), answer.Get("response").Get("location").Text()
			if status != "201 Created" {
				t.Fatalf("%s: %s: %s", filepath.Base(file), status, answer.Raw())
			}
			key := fhir.ParseReference(location).Key
			f, err := s.service.Read(ours(t.Context()), key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
			if err != nil {
				t.Fatal(err)
			}
			sameButReferences(t, got.Root(), v)
			answer = answer.Next()
		}
	}
	t.Logf("%d resources in %d bundles, %.0f resources/s", n, len(files), float64(n)/posting.Seconds())
	stats, err := s.store.Stats(ours(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for typ, n := range want {
		if stats.Resources[typ] != n {
			t.Errorf("%s: %d are there, %d were sent", typ, stats.Resources[typ], n)
		}
		total := s.do(t, "GET", "/"+string(typ)+"?_summary=count", nil).want(t, 200).doc(t).Get("total").Text()
		if got, _ := fhir.ParseVersion(total); int(got) != n {
			t.Errorf("%s: a search counts %s, %d were sent", typ, total, n)
		}
	}
}

// sameButReferences puts back the references that were resolved and compares.
func sameButReferences(t *testing.T, got, want resource.Value) {
	t.Helper()
	w := slices.Collect(want.Strings("reference"))
	for i, g := range slices.Collect(got.Strings("reference")) {
		was, is := w[i].Text(), g.Text()
		if was == is {
			continue
		}
		if !strings.HasPrefix(was, "urn:uuid:") && !strings.Contains(was, "?") {
			t.Fatalf("%s became %s", was, is)
		}
		if key := fhir.ParseReference(is).Key; !r4.IsResource(key.Type) || key.ID == "" {
			t.Fatalf("%s became %s", was, is)
		}
		g.ReplaceString(was)
	}
	back, err := resource.New(got.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !resource.EqualResource(back.Root(), want) {
		t.Fatalf("LOSSLESS: sent %.500s\ngot %.500s", want.Raw(), got.Raw())
	}
}

// The 25,000-entry transaction lands whole.
func TestBigTransaction(t *testing.T) {
	if testing.Short() {
		t.Skip("60 MB")
	}
	path := fhirtest.Data(t, "data", "synthea-big-transaction.json.bz2")
	s := serve(t)
	for _, file := range syntheaFiles(t)[:2] {
		s.do(t, "POST", "", bunzip(t, file)).want(t, 200)
	}
	raw := bunzip(t, path)
	supply(t, s, raw)
	started := time.Now()
	r := s.do(t, "POST", "", raw, "Prefer: return=minimal").want(t, 200)
	t.Logf("%d MB in %v", len(raw)>>20, time.Since(started))
	if n := r.doc(t).Get("entry").Len(); n != 25_000 {
		t.Fatalf("%d entries are answered", n)
	}
	if got := s.do(t, "GET", "/Observation?_summary=count", nil).doc(t).Get("total").Text(); got != "8344" {
		t.Fatalf("%s observations, want 8344", got)
	}
}

// supply creates what the bundle refers to by criteria and no other file of the test data has.
func supply(t *testing.T, s *served, bundle []byte) {
	t.Helper()
	doc, err := resource.New(bundle)
	if err != nil {
		t.Fatal(err)
	}
	supplied := map[string]bool{}
	for v := range doc.Root().Strings("reference") {
		typ, criteria, ok := strings.Cut(v.Text(), "?identifier=")
		if !ok {
			continue
		}
		system, value, _ := strings.Cut(criteria, "|")
		body := fmt.Appendf(nil, `{"resourceType":%q,"identifier":[{"system":%q,"value":%q}]}`, typ, system, value)
		if !supplied[v.Text()] {
			s.do(t, "POST", "/"+typ, body, "If-None-Exist: identifier="+criteria).want(t, 200, 201)
			supplied[v.Text()] = true
		}
	}
}
