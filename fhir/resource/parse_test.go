package resource_test

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// hostile are bodies that must be refused: each case says what somebody might try.
var hostile = []struct {
	name, body string
	kind       fhir.Kind
	code, path string
}{
	{"an empty body", "", fhir.Invalid, "body-empty", ""},
	{"only white space", " \n\t ", fhir.Invalid, "body-empty", ""},
	{"an array at the root", `[{"resourceType":"Patient"}]`, fhir.Invalid, "json-not-object", ""},
	{"a string at the root", `"Patient"`, fhir.Invalid, "json-not-object", ""},
	{"null at the root", `null`, fhir.Invalid, "json-not-object", ""},
	{"HTML where JSON is expected", `<html></html>`, fhir.Invalid, "json-syntax", "Resource"},
	{"an empty object at the root", `{}`, fhir.Invalid, "json-empty", "Resource"},
	{"an empty object inside", `{"resourceType":"Patient","name":[{}]}`, fhir.Invalid, "json-empty", "Patient.name[0]"},
	{"an empty array", `{"resourceType":"Patient","name":[]}`, fhir.Invalid, "json-empty", "Patient.name"},
	{"an array in an array", `{"resourceType":"Patient","name":[["x"]]}`, fhir.Invalid, "json-array-in-array", "Patient.name[0]"},
	{"null as the value of a member", `{"resourceType":"Patient","active":null}`, fhir.Invalid, "json-null", "Patient.active"},
	{"the same key twice", `{"resourceType":"Patient","name":[{"family":"A","family":"B"}]}`, fhir.Invalid, "json-duplicate-key", "Patient.name[0].family"},
	{"the same key twice, once written with an escape", `{"resourceType":"Patient","id":"a","\u0069d":"b"}`, fhir.Invalid, "json-duplicate-key", "Patient.id"},
	{"bytes that are not UTF-8 in a text", "{\"resourceType\":\"Patient\",\"language\":\"\xff\"}", fhir.Invalid, "json-utf8", "Patient.language"},
	{"bytes that are not UTF-8 in a name", "{\"resourceType\":\"Patient\",\"a\xc3\":1}", fhir.Invalid, "json-utf8", "Patient"},
	{"half of a surrogate pair", `{"resourceType":"Patient","language":"\ud800"}`, fhir.Invalid, "json-utf8", "Patient.language"},
	{"a byte order mark", "\ufeff{\"resourceType\":\"Patient\"}", fhir.Invalid, "json-syntax", "Resource"},
	{"a control character in a text", "{\"resourceType\":\"Patient\",\"language\":\"a\nb\"}", fhir.Invalid, "json-syntax", "Patient.language"},
	{"a second document behind the first", `{"resourceType":"Patient"}{"resourceType":"Patient"}`, fhir.Invalid, "json-trailing", ""},
	{"rubbish behind the document", `{"resourceType":"Patient"} x`, fhir.Invalid, "json-trailing", ""},
	{"a body cut off in a text", `{"resourceType":"Pat`, fhir.Invalid, "json-cut-off", "Resource.resourceType"},
	{"a body cut off after a member", `{"resourceType":"Patient",`, fhir.Invalid, "json-cut-off", "Patient"},
	{"a comma before the closing brace", `{"resourceType":"Patient",}`, fhir.Invalid, "json-syntax", "Patient"},
	{"a comment", `{"resourceType":"Patient"/*x*/}`, fhir.Invalid, "json-syntax", "Patient"},
	{"single quotes", `{'resourceType':'Patient'}`, fhir.Invalid, "json-syntax", "Resource"},
	{"a number with a leading zero", `{"resourceType":"Patient","x":[{"n":012}]}`, fhir.Invalid, "json-syntax", "Patient.x[0]"},
	{"NaN", `{"resourceType":"Patient","x":NaN}`, fhir.Invalid, "json-syntax", "Patient.x"},
	{"a number of three hundred digits", `{"resourceType":"Patient","x":` + strings.Repeat("9", 300) + `}`, fhir.TooLarge, "json-number-long", "Patient.x"},
	{"a name of three hundred letters", `{"resourceType":"Patient","` + strings.Repeat("n", 300) + `":1}`, fhir.TooLarge, "json-name-long", "Patient"},
	{"objects nested 65 deep", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), fhir.TooLarge, "json-depth", "Resource" + strings.Repeat(".a", 64)},
	{"more members than any type has", `{"resourceType":"Patient"` + members(1000) + `}`, fhir.TooLarge, "json-members", "Patient"},
	{"white space without an end", `{"resourceType":` + strings.Repeat(" ", 70<<10) + `"Patient"}`, fhir.TooLarge, "json-whitespace", ""},
	{"white space without an end behind the document", `{"resourceType":"Patient"}` + strings.Repeat(" ", 70<<10), fhir.TooLarge, "json-whitespace", ""},
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m`)
		b.WriteString(strings.Repeat("x", i%100))
		b.WriteByte(byte('a' + i/100))
		b.WriteString(`":1`)
	}
	return b.String()
}

func TestHostileBodiesAreRefused(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			_, err := resource.Parse([]byte(c.body), resource.DefaultLimits)
			check(t, "Parse", err, c.kind, c.code, c.path)
			_, err = resource.Read(strings.NewReader(c.body), resource.DefaultLimits)
			check(t, "Read", err, c.kind, c.code, c.path)
			if len(c.body) < 1000 {
				_, err = resource.Read(iotest.OneByteReader(strings.NewReader(c.body)), resource.DefaultLimits)
				check(t, "Read bytewise", err, c.kind, c.code, c.path)
			}
		})
	}
}

func check(t *testing.T, how string, err error, kind fhir.Kind, code, path string) {
	t.Helper()
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		t.Errorf("%s: %v, want a fhir.Error %s", how, err, code)
		return
	}
	if e.Kind != kind || e.Code != code || e.Path != path {
		t.Errorf("%s: kind %d %q at %q, want %d %q at %q", how, e.Kind, e.Code, e.Path, kind, code, path)
	}
}

func TestWhatFHIRAllowsPasses(t *testing.T) {
	for name, body := range map[string]string{
		"null beside primitive extensions": `{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]}`,
		"objects nested 64 deep":           strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64),
		"white space around":               " \r\n{ \"resourceType\" : \"Patient\" } \n",
		"numbers as written":               `{"resourceType":"X","a":1.10,"b":-0,"c":1e-7,"d":100000000000000000000.000}`,
		"a text of 64 KiB of spaces":       `{"resourceType":"X","a":"` + strings.Repeat(" ", 100<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			d, err := resource.New([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			r, err := resource.Read(iotest.HalfReader(strings.NewReader(body)), resource.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if string(d.Raw()) != body || string(r.Raw()) != body || !resource.Equal(d.Root(), r.Root()) {
				t.Errorf("LOSSLESS: %q became %q and %q", body, d.Raw(), r.Raw())
			}
		})
	}
}

func TestLimitsAreThoseAskedFor(t *testing.T) {
	body := `{"resourceType":"Patient","name":[{"given":["A","B"]}]}` // 7 values, depth 4 with the inner array
	at := func(l resource.Limits) error {
		_, err := resource.Parse([]byte(body), l)
		if _, err2 := resource.Read(strings.NewReader(body), l); (err == nil) != (err2 == nil) {
			t.Errorf("Parse: %v, Read: %v", err, err2)
		}
		return err
	}
	n := int64(len(body))
	if err := at(resource.Limits{Bytes: n, Depth: 4, Nodes: 7}); err != nil {
		t.Errorf("exactly at the limits: %v", err)
	}
	check(t, "bytes", at(resource.Limits{Bytes: n - 1}), fhir.TooLarge, "body-too-large", "")
	check(t, "depth", at(resource.Limits{Depth: 3}), fhir.TooLarge, "json-depth", "Patient.name[0].given")
	check(t, "nodes", at(resource.Limits{Nodes: 6}), fhir.TooLarge, "json-nodes", "")
}

// endless repeats a pattern for size bytes and counts what was read.
type endless struct {
	head, pattern string
	size, read    int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.read >= e.size {
		return 0, io.EOF
	}
	for i := range b {
		at := e.read + i
		if at < len(e.head) {
			b[i] = e.head[at]
		} else {
			b[i] = e.pattern[(at-len(e.head))%len(e.pattern)]
		}
	}
	e.read += len(b)
	return len(b), nil
}

func TestHugeHostileBodiesAreRefusedEarly(t *testing.T) {
	for _, c := range []struct {
		name, head, pattern, code string
		bytes, memory             int // how much may be read and allocated
	}{
		{"100 MB of opening brackets", "", "[", "json-not-object", 16 << 10, 64 << 10},
		{"100 MB of opening brackets in a member", `{"a":`, "[", "json-array-in-array", 16 << 10, 64 << 10},
		{"100 MB of opening braces", "", `{"a":`, "json-depth", 16 << 10, 64 << 10},
		{"100 MB of white space", "", " ", "json-whitespace", 256 << 10, 2 << 20},
		{"100 MB of white space after a comma", `{"resourceType":"Patient",`, "\n", "json-whitespace", 256 << 10, 2 << 20},
		{"100 MB of rubbish", "", "x", "json-syntax", 16 << 10, 64 << 10},
		{"100 MB of zero bytes", "", "\x00", "json-syntax", 16 << 10, 64 << 10},
		{"100 MB of digits", `{"a":[`, "1,", "json-nodes", 3 << 20, 80 << 20},
		{"100 MB of members", `{"a":1`, `,"b":1`, "json-duplicate-key", 16 << 10, 64 << 10},
		{"200 MB of one text", `{"a":"`, "x", "body-too-large", 5 << 20, 80 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			lim := resource.Limits{Nodes: 1 << 20}
			if c.code == "body-too-large" {
				lim.Bytes = 4 << 20
			}
			in := &endless{head: c.head, pattern: c.pattern, size: 100 << 20}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := resource.Read(in, lim)
			runtime.ReadMemStats(&after)
			e, ok := errors.AsType[*fhir.Error](err)
			if !ok || e.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if in.read > c.bytes {
				t.Errorf("read %d bytes before refusing, want at most %d", in.read, c.bytes)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > uint64(c.memory) {
				t.Errorf("allocated %d bytes in all, want at most %d", used, c.memory)
			}
		})
	}
}

func TestTrailingDataIsNotWaitedFor(t *testing.T) {
	in := &endless{head: `{"resourceType":"Patient"}`, pattern: " x", size: 100 << 20}
	_, err := resource.Read(in, resource.DefaultLimits)
	check(t, "Read", err, fhir.Invalid, "json-trailing", "")
	if in.read > 16<<10 {
		t.Errorf("read %d bytes", in.read)
	}
}

func TestErrorsOfTheReaderComeBack(t *testing.T) {
	cause := errors.New("connection reset")
	for _, body := range []string{"", `{"resourceType":"Pat`, `{"resourceType":"Patient"}`} {
		_, err := resource.Read(io.MultiReader(strings.NewReader(body), iotest.ErrReader(cause)), resource.DefaultLimits)
		check(t, body, err, fhir.Invalid, "body-unreadable", "")
		if !errors.Is(err, cause) {
			t.Errorf("%q: the cause is lost: %v", body, err)
		}
	}
	own := fhir.Errorf(fhir.TooLarge, "body-too-large", "", 5)
	_, err := resource.Read(iotest.ErrReader(own), resource.DefaultLimits)
	if !errors.Is(err, own) {
		t.Errorf("a fhir.Error of the reader became %v", err)
	}
}

func FuzzParseIsLossless(f *testing.F) {
	for _, c := range hostile {
		if len(c.body) < 2000 {
			f.Add([]byte(c.body))
		}
	}
	f.Add([]byte(`{"resourceType":"Patient","name":[{"given":["Đặng",null],"_given":[null,{"id":"x"}]}],"n":1.10}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := resource.Parse(raw, resource.DefaultLimits)
		r, err2 := resource.Read(iotest.HalfReader(bytes.NewReader(raw)), resource.DefaultLimits)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("Parse says %v, Read says %v", err, err2)
		}
		if err != nil {
			a, _ := errors.AsType[*fhir.Error](err)
			b, _ := errors.AsType[*fhir.Error](err2)
			if a == nil || b == nil || a.Code != b.Code || a.Path != b.Path {
				t.Fatalf("Parse says %v, Read says %v", err, err2)
			}
			return
		}
		if !bytes.Equal(d.Raw(), raw) || !bytes.Equal(r.Raw(), raw) {
			t.Fatalf("LOSSLESS: %q became %q and %q", raw, d.Raw(), r.Raw())
		}
		if !resource.Equal(d.Root(), r.Root()) {
			t.Fatalf("tapes differ for %q", raw)
		}
		if again := rebuild(nil, d.Root()); true {
			e, err := resource.New(again)
			if err != nil || !resource.Equal(d.Root(), e.Root()) {
				t.Fatalf("LOSSLESS: %q read value by value is %q (%v)", raw, again, err)
			}
		}
	})
}

// examples calls f with every official example and every Synthea bundle.
func examples(t testing.TB, f func(name string, raw []byte)) {
	fhirtest.Examples(t, f)
	names, err := filepath.Glob(filepath.Join(fhirtest.Data(t, "data", "synthea"), "*.bz2"))
	if err != nil || len(names) == 0 {
		t.Fatal("no Synthea bundles", err)
	}
	for i, name := range names {
		if testing.Short() && i >= 8 {
			break
		}
		f(filepath.Base(name), unpack(t, name))
	}
}

func unpack(t testing.TB, name string) []byte {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	raw, err := io.ReadAll(bzip2.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, file string }{
		{"bundle", fhirtest.Data(b, "data", "synthea", "eff34607-816a-5c0c-0ed5-47587311b1e9.json.bz2")},
		{"transaction60MB", fhirtest.Data(b, "data", "synthea-big-transaction.json.bz2")},
	} {
		raw := unpack(b, c.file)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := resource.New(raw)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(d.Size()), "values")
			}
		})
		b.Run(c.name+"/Read", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := resource.ReadSized(bytes.NewReader(raw), int64(len(raw)), resource.DefaultLimits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("one resource", func(b *testing.B) {
		raw := []byte(patient)
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := resource.New(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
