package resource_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
	"pgregory.net/rapid"
)

const (
	stampAt = fhir.Instant(1772352000000) // 2026-03-01T08:00:00.000Z
	stamps  = `"versionId":"3","lastUpdated":"2026-03-01T08:00:00.000Z"`
)

func TestStoreSplices(t *testing.T) {
	const meta = `"meta":{` + stamps + `}`
	for _, c := range []struct{ name, sent, served string }{
		{"no id and no meta: both come right after resourceType",
			`{"resourceType":"Patient","active":true}`,
			`{"resourceType":"Patient","id":"p1",` + meta + `,"active":true}`},
		{"the id that was sent stays where it is, the meta comes after it",
			`{"active":true,"id":"p1","resourceType":"Patient"}`,
			`{"active":true,"id":"p1",` + meta + `,"resourceType":"Patient"}`},
		{"another id is replaced",
			`{"resourceType":"Patient","id" : "urn:x" ,"active":true}`,
			`{"resourceType":"Patient","id" : "p1",` + meta + ` ,"active":true}`},
		{"an id with an escape is written plainly",
			`{"resourceType":"Patient","id":"\u00701"}`,
			`{"resourceType":"Patient","id":"p1",` + meta + `}`},
		{"the companion of the id stays",
			`{"resourceType":"Patient","_id":{"extension":[{"url":"x","valueCode":"y"}]}}`,
			`{"resourceType":"Patient","id":"p1",` + meta + `,"_id":{"extension":[{"url":"x","valueCode":"y"}]}}`},
		{"the meta that was sent gets the stamps as first members",
			`{"resourceType":"Patient","id":"p1","meta":{"profile":["http://x"]},"active":true}`,
			`{"resourceType":"Patient","id":"p1","meta":{` + stamps + `,"profile":["http://x"]},"active":true}`},
		{"stamps that were sent go out, in the middle too",
			`{"resourceType":"Patient","meta":{"source":"a","versionId":"9","lastUpdated":"x","profile":["http://x"]},"id":"p1"}`,
			`{"resourceType":"Patient","meta":{` + stamps + `,"source":"a","profile":["http://x"]},"id":"p1"}`},
		{"stamps at the end go out with the comma before them",
			`{"resourceType":"Patient","id":"p1","meta":{"source":"a", "versionId":"9"}}`,
			`{"resourceType":"Patient","id":"p1","meta":{` + stamps + `,"source":"a"}}`},
		{"stamps at the beginning go out with the comma behind them",
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"9", "lastUpdated":"x" , "source":"a"}}`,
			`{"resourceType":"Patient","id":"p1","meta":{` + stamps + `,  "source":"a"}}`},
		{"companions of the stamps go out",
			`{"resourceType":"Patient","id":"p1","meta":{"_versionId":{"id":"x"},"source":"a","_lastUpdated":{"id":"y"}}}`,
			`{"resourceType":"Patient","id":"p1","meta":{` + stamps + `,"source":"a"}}`},
		{"a meta of nothing but stamps makes place for the new one",
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"2","lastUpdated":"x"},"active":true}`,
			`{"resourceType":"Patient","id":"p1",` + meta + `,"active":true}`},
		{"such a meta as first member",
			`{"meta":{"versionId":"2"}, "resourceType":"Patient"}`,
			`{ "resourceType":"Patient","id":"p1",` + meta + `}`},
		{"such a meta between resourceType and the end, without an id",
			`{"resourceType":"Patient","meta":{"versionId":"2"}}`,
			`{"resourceType":"Patient","id":"p1",` + meta + `}`},
		{"no resourceType: the id is the first member",
			`{"active":true}`,
			`{"id":"p1",` + meta + `,"active":true}`},
		{"nothing but a meta of stamps",
			`{"meta":{"versionId":"2"}}`,
			`{"id":"p1",` + meta + `}`},
		{"nothing but a meta with more",
			`{"meta":{"versionId":"2","source":"a"}}`,
			`{"id":"p1","meta":{` + stamps + `,"source":"a"}}`},
		{"spacing, key order and literals stay",
			"{\n  \"resourceType\": \"Observation\",\n  \"valueQuantity\": {\"value\": 1.10, \"unit\": \"\\u0110\"}\n}",
			"{\n  \"resourceType\": \"Observation\",\"id\":\"p1\"," + meta + ",\n  \"valueQuantity\": {\"value\": 1.10, \"unit\": \"\\u0110\"}\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := root(t, c.sent).Store("p1")
			if got := string(s.Append(nil, 3, stampAt)); got != c.served {
				t.Errorf("got  %s\nwant %s", got, c.served)
			}
			if again := root(t, c.served).Store("p1"); !again.Equal(root(t, string(s.Append(nil, 99, 0))).Store("p1")) {
				t.Errorf("the stamps leave a trace: %+v", again)
			}
		})
	}
}

func TestStoreAppliesReplacements(t *testing.T) {
	bundle := root(t, `{"resourceType":"Bundle","entry":[
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","active":true}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Claim","id":"c","meta":{"versionId":"urn:uuid:1"},"patient":{"reference":"urn:uuid:1"},"note":"urn:uuid:1"}}]}`)
	for s := range bundle.Strings("reference", "versionId") {
		s.ReplaceString(`Patient/p"1`)
	}
	claim := bundle.Get("entry").At(1).Get("resource")
	if got := claim.Get("patient").Get("reference").Text(); got != `Patient/p"1` {
		t.Errorf("Text is %q", got)
	}
	want := `{"resourceType":"Claim","id":"c","patient":{"reference":"Patient/p\"1"},"note":"urn:uuid:1"}`
	if s := claim.Store("c"); string(s.Body) != want {
		t.Errorf("got %s", s.Body)
	}
	if s := bundle.Get("entry").At(0).Get("resource").Store("p"); string(s.Body) != `{"resourceType":"Patient","id":"p","active":true}` {
		t.Errorf("got %s", s.Body)
	}
	if got := string(claim.Get("patient").AppendTo(nil)); got != `{"reference":"Patient/p\"1"}` {
		t.Errorf("AppendTo gives %s", got)
	}
	if got := string(claim.Get("patient").Raw()); got != `{"reference":"urn:uuid:1"}` {
		t.Errorf("Raw changed: %s", got)
	}
	other := bundle.Document().Clone()
	other.Root().Get("entry").At(1).Get("resource").Get("note").ReplaceString("x")
	if claim.Get("note").Text() != "urn:uuid:1" {
		t.Error("an edit of a clone shows in the document it came from")
	}
	fresh := root(t, patient)
	fresh.Document().Clone().Root().Get("id").ReplaceString("x")
	if fresh.Get("id").Text() != "p1" {
		t.Error("an edit of a clone shows in the document it came from, which has none")
	}
}

// lossless fails unless what is served equals what was sent apart from id and stamps, and storing it again changes nothing.
func lossless(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string, v resource.Value) {
	t.Helper()
	s := v.Store("new-id")
	served := s.Append(nil, 3, stampAt)
	d, err := resource.New(served)
	if err != nil {
		t.Fatalf("%s: what is served cannot be read: %v\n%s", name, err, clip(served))
	}
	if !resource.EqualResource(v, d.Root()) {
		t.Fatalf("LOSSLESS: %s: %s became %s", name, clip(v.Raw()), clip(served))
	}
	meta := d.Root().Get("meta")
	if id, _ := d.Root().ID(); id != "new-id" || meta.Get("versionId").Text() != "3" || meta.Get("lastUpdated").Text() != stampAt.String() {
		t.Fatalf("%s: id or stamps are missing in %s", name, clip(served))
	}
	again := d.Root().Store("new-id")
	if !again.Equal(s) {
		t.Fatalf("%s: writing back what was read is a change:\n%s\n%s", name, clip(s.Body), clip(again.Body))
	}
	back, err := resource.DecodeStored(s.Encode())
	if err != nil || !back.Equal(s) {
		t.Fatalf("%s: the store's form does not come back: %v", name, err)
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 2000)] }

func TestExamplesAreLossless(t *testing.T) {
	n := 0
	examples(t, func(name string, raw []byte) {
		d, err := resource.New(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if !bytes.Equal(rebuild(nil, d.Root()), rebuild(nil, root(t, string(rebuild(nil, d.Root()))))) {
			t.Errorf("%s: read value by value it is another document", name)
		}
		lossless(t, name, d.Root())
		n++
		for e := range d.Root().Get("entry").Elements() {
			if r := e.Get("resource"); r.Kind() == resource.Object {
				lossless(t, name+" "+string(r.ResourceType()), r)
				n++
			}
		}
	})
	t.Logf("%d resources", n)
}

func TestBigTransactionPasses(t *testing.T) {
	raw := unpack(t, fhirtest.Data(t, "data", "synthea-big-transaction.json.bz2"))
	d, err := resource.Read(bytes.NewReader(raw), resource.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if n := d.Root().Get("entry").Len(); n < 20000 {
		t.Errorf("%d entries", n)
	}
	if !bytes.Equal(d.Raw(), raw) {
		t.Error("LOSSLESS: the bytes differ")
	}
}

// document draws a resource with members in any order, odd spacing, and metas of every sort.
func document() *rapid.Generator[string] {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n  ", "\t"})
	str := rapid.Custom(func(t *rapid.T) string { return quoted(rapid.String().Draw(t, "text")) })
	scalar := rapid.OneOf(str, rapid.SampledFrom([]string{"1.10", "-0", "1e-7", "true", "false", "100000000000000000000.000", `"\u0110\/"`, `"versionId"`}))
	var object func(depth int, names []string) *rapid.Generator[string]
	value := func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			switch k := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case k == 0 && depth < 4:
				return object(depth+1, []string{"id", "meta", "versionId", "lastUpdated", "reference", "ü", "x"}).Draw(t, "object")
			case k == 1:
				return "[" + space.Draw(t, "space") + scalar.Draw(t, "first") + ",null" + "]"
			case k == 2 && depth < 4:
				return "[" + object(depth+1, []string{"a", "meta", "id"}).Draw(t, "object") + "]"
			}
			return scalar.Draw(t, "scalar")
		})
	}
	object = func(depth int, names []string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var b strings.Builder
			for i, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID).Draw(t, "names") {
				if i > 0 {
					b.WriteString(",")
				}
				b.WriteString(space.Draw(t, "space") + quoted(name) + space.Draw(t, "space") + ":" + space.Draw(t, "space"))
				switch {
				case name == "meta" && depth == 0:
					b.WriteString(object(1, []string{"versionId", "lastUpdated", "_versionId", "profile", "source", "tag"}).Draw(t, "meta"))
				case (name == "id" || name == "resourceType") && depth == 0:
					b.WriteString(`"Abc"`)
				default:
					b.WriteString(value(depth).Draw(t, "value"))
				}
				b.WriteString(space.Draw(t, "space"))
			}
			return "{" + b.String() + "}"
		})
	}
	return object(0, []string{"resourceType", "id", "_id", "meta", "active", "contained", "text", "z"})
}

func TestStoreIsLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := document().Draw(t, "document")
		d, err := resource.New([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		lossless(t, raw, d.Root())
	})
}

func FuzzStore(f *testing.F) {
	f.Add([]byte(patient), "x")
	f.Add([]byte(`{"meta":{"versionId":"2","a":"b","lastUpdated":"x"},"a":"b","id":"x"}`), `"\`)
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		d, err := resource.New(raw)
		if err != nil {
			return
		}
		if m := d.Root().Get("meta").Kind(); m != resource.None && m != resource.Object {
			return // what the walk refuses may lose a meta that is none
		}
		lossless(t, "document", d.Root())

		text = strings.ToValidUTF8(text, "�")
		edits := 0
		for s := range d.Root().Strings() {
			if edits++; edits%2 == 0 {
				s.ReplaceString(text)
			}
		}
		lossless(t, "edited document", d.Root())
		if b := d.Root().AppendTo(nil); !utf8.Valid(b) {
			t.Fatalf("%q is not UTF-8", b)
		}
	})
}

func FuzzDecodeStored(f *testing.F) {
	f.Add(root(f, patient).Store("x").Encode())
	f.Add([]byte{2, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := resource.DecodeStored(b); err == nil {
			s.Append(nil, 1, 0)
		}
	})
}

func TestDeletesRoundTrip(t *testing.T) {
	s, err := resource.DecodeStored(resource.Stored{}.Encode())
	if err != nil || len(s.Body) > 0 || s.Form != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := resource.DecodeStored(nil); err == nil {
		t.Error("no bytes are no document")
	}
}

func BenchmarkStore(b *testing.B) {
	d, err := resource.New(unpack(b, fhirtest.Data(b, "data", "synthea", "eff34607-816a-5c0c-0ed5-47587311b1e9.json.bz2")))
	if err != nil {
		b.Fatal(err)
	}
	var all []resource.Value
	for e := range d.Root().Get("entry").Elements() {
		all = append(all, e.Get("resource"))
	}
	for s := range d.Root().Strings("reference") {
		s.ReplaceString("Patient/eff34607-816a-5c0c-0ed5-47587311b1e9")
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(d.Raw()) / len(all)))
	var buf []byte
	i := 0
	for b.Loop() {
		s := all[i%len(all)].Store("eff34607-816a-5c0c-0ed5-47587311b1e9")
		buf = s.Append(buf[:0], 1, stampAt)
		i++
	}
}

func BenchmarkStrings(b *testing.B) {
	d, err := resource.New(unpack(b, fhirtest.Data(b, "data", "synthea", "eff34607-816a-5c0c-0ed5-47587311b1e9.json.bz2")))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(d.Raw())))
	for b.Loop() {
		for range d.Root().Strings("reference", "fullUrl") {
		}
	}
}
