package main

import (
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

var wide = resource.Limits{Bytes: 1 << 30, Nodes: 64 << 20}

// fresh starts a server on a new store, in a process of its own, since its memory limit is not one for the test.
func fresh(t *testing.T) *child {
	t.Helper()
	return startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "store"), "--log-level", "warn")
}

// synthea gives the files to import: the hospitals and practitioners, and the n smallest patients (0 = all).
func synthea(t *testing.T, n int) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(fhirtest.Data(t, "data", "synthea"), "*.json.bz2"))
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	size := func(path string) int64 {
		s, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return s.Size()
	}
	slices.SortFunc(all, func(a, b string) int {
		infoA, infoB := strings.Contains(a, "Information"), strings.Contains(b, "Information")
		switch {
		case infoA != infoB && infoA:
			return -1
		case infoA != infoB:
			return 1
		}
		return int(size(a) - size(b))
	})
	if n > 0 {
		all = all[:n+2]
	}
	return all
}

// content is a set of resources by type: for each the canonical texts, sorted.
type content map[fhir.Type][]string

func (c content) add(res resource.Value) {
	var b strings.Builder
	canonical(&b, res, true)
	t := fhir.Type(strings.Clone(string(res.ResourceType())))
	c[t] = append(c[t], b.String())
}

// canonical writes a resource without blanks, in its own order and with its own literals, so that equal texts mean that
// nothing was lost. The id and the server's part of meta are left out, and so is where references point: a transaction
// gives new ids and resolves references, which is the matter of other tests.
func canonical(b *strings.Builder, v resource.Value, top bool) {
	switch v.Kind() {
	case resource.Object:
		b.WriteByte('{')
		for name, m := range v.Members() {
			switch {
			case top && name == "id", top && name == "meta" && m.Len() == 0:
				continue
			case top && name == "meta":
				var rest strings.Builder
				for n, e := range m.Members() {
					if n != "versionId" && n != "lastUpdated" {
						fmt.Fprintf(&rest, "%q:", n)
						canonical(&rest, e, false)
					}
				}
				if rest.Len() == 0 {
					continue
				}
				b.WriteString(`"meta":{` + rest.String() + "}")
			case name == "reference" && m.Kind() == resource.String && !strings.HasPrefix(m.Text(), "#"):
				b.WriteString(`"reference":*`)
			default:
				fmt.Fprintf(b, "%q:", name)
				canonical(b, m, false)
			}
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case resource.Array:
		b.WriteByte('[')
		for e := range v.Elements() {
			canonical(b, e, false)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case resource.String:
		fmt.Fprintf(b, "%q", v.Text())
	default:
		b.Write(v.Raw())
	}
}

// sent reads the input files.
func sent(t *testing.T, files []string) content {
	t.Helper()
	c := content{}
	for _, path := range files {
		each(t, path, func(entry resource.Value) { c.add(entry.Get("resource")) })
	}
	return c
}

// each goes through the entries of a bundle in a .bz2 file.
func each(t *testing.T, path string, do func(entry resource.Value)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := resource.Parse(raw, wide)
	if err != nil {
		t.Fatal(err)
	}
	for e := range doc.Root().Get("entry").Elements() {
		do(e)
	}
}

// held reads all resources of the types from the server, page by page.
func held(t *testing.T, base string, like content) content {
	t.Helper()
	c := content{}
	for typ := range like {
		next := base + "/" + string(typ) + "?_count=1000"
		for next != "" {
			status, raw, err := exchange(http.MethodGet, next, "")
			if err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d %v %.300s", next, status, err, raw)
			}
			doc, err := resource.Parse(raw, wide)
			if err != nil {
				t.Fatal(err)
			}
			for e := range doc.Root().Get("entry").Elements() {
				c.add(e.Get("resource"))
			}
			next = ""
			for l := range doc.Root().Get("link").Elements() {
				if l.Get("relation").Text() == "next" {
					next = l.Get("url").Text()
				}
			}
		}
	}
	return c
}

// sameContent compares type by type and shows the first difference of each.
func sameContent(t *testing.T, want, got content) {
	t.Helper()
	for typ := range want {
		w, g := want[typ], got[typ]
		slices.Sort(w)
		slices.Sort(g)
		if len(w) != len(g) {
			t.Errorf("%s: %d were sent, %d are there", typ, len(w), len(g))
			continue
		}
		for i := range w {
			if w[i] != g[i] {
				t.Errorf("LOSSLESS: %s was sent as\n%.2000s\nand is\n%.2000s", typ, w[i], g[i])
				break
			}
		}
	}
}

func TestImportOfSyntheaLosesNothing(t *testing.T) {
	n := 0
	if underRace || testing.Short() {
		n = 5
	}
	files := synthea(t, n)
	server := fresh(t)
	var out, stderr bytes.Buffer
	args := append([]string{"import", "--server", server.info.FHIR, "--state", filepath.Join(t.TempDir(), "state")}, files...)
	if err := run(t.Context(), args, &out, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Logf("%s", out.String())
	want := sent(t, files)
	sameContent(t, want, held(t, server.info.FHIR, want))

	out.Reset()
	if err := run(t.Context(), args, &out, &stderr); err != nil || !strings.Contains(out.String(), "0 resources from 0 files") {
		t.Errorf("a second run must find all done: %v\n%s", err, out.String())
	}
	server.stop(t)
}

func TestImportIntoAFolderIsTheSameAsOverHTTP(t *testing.T) {
	enginetest.InFolder(t)
	files := synthea(t, 3)
	dir := filepath.Join(t.TempDir(), "store")
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"import", "--data", dir}, files...), &out, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	server := startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir)
	want := sent(t, files)
	sameContent(t, want, held(t, server.info.FHIR, want))
	server.stop(t)
}

func TestTransactionOf25000EntriesLandsWhole(t *testing.T) {
	if underRace || testing.Short() {
		t.Skip("60 MB in one transaction: not under the race detector, not with -short")
	}
	file := fhirtest.Data(t, "data", "synthea-big-transaction.json.bz2")
	server := fresh(t)
	var out bytes.Buffer
	want := sent(t, []string{file})
	args := []string{"import", "--server", server.info.FHIR, "--state", filepath.Join(t.TempDir(), "state"), referredTo(t, file), file}
	err := run(t.Context(), args, &out, io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Logf("%s", out.String())
	for typ, list := range want {
		if got := total(t, server.info.FHIR+"/"+string(typ)+"?_summary=count"); got != len(list) {
			t.Errorf("%s: %d of %d", typ, got, len(list))
		}
	}
	server.stop(t)
}

// referredTo makes a file with the resources that a bundle refers to by ?identifier=, which must be there before it.
func referredTo(t *testing.T, bundle string) string {
	t.Helper()
	lines := map[string]bool{}
	each(t, bundle, func(entry resource.Value) {
		for ref := range entry.Get("resource").Strings("reference") {
			r := fhir.ParseReference(ref.Text())
			system, value, ok := strings.Cut(strings.TrimPrefix(r.Query, "identifier="), "|")
			if r.Query != "" && ok {
				lines[fmt.Sprintf(`{"resourceType":%q,"identifier":[{"system":%q,"value":%q}]}`, r.Key.Type, system, value)] = true
			}
		}
	})
	path := filepath.Join(t.TempDir(), "hospitals.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(slices.Sorted(maps.Keys(lines)), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImportSaysWhatFailedAndWhy(t *testing.T) {
	dir := t.TempDir()
	text := `{"resourceType":"Patient","id":"good"}
{"resourceType":"Patient","id":"bad","birthDate":"yesterday"}
`
	if err := os.WriteFile(filepath.Join(dir, "patients.ndjson"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := fresh(t)
	var out bytes.Buffer
	err := run(t.Context(), []string{"import", "--server", server.info.FHIR, "--state", filepath.Join(dir, "state"), dir}, &out, io.Discard)
	if exitCode(err) != exitPartial || !strings.Contains(out.String(), "patients.ndjson, entry 2: Patient/bad") || !strings.Contains(out.String(), "birthDate") {
		t.Errorf("code %d, %v\n%s", exitCode(err), err, out.String())
	}
	if n := total(t, server.info.FHIR+"/Patient?_id="+url.QueryEscape("good,bad")+"&_summary=count"); n != 1 {
		t.Errorf("%d of the two are there", n)
	}
	server.stop(t)
}
