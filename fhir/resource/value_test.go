package resource_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
)

const patient = `{
  "resourceType": "Patient",
  "id": "p1",
  "identifier": [{"system": "https://lienthong.example/sid/cccd", "value": "051085000011"}],
  "name": [{"family": "Đặng", "given": ["Th\u1ecb", null], "_given": [null, {"id": "x"}]}],
  "_birthDate": {"extension": [{"url": "http://x", "valueDecimal": 1.10}]},
  "active": true,
  "managingOrganization": {"reference": "urn:uuid:1"},
  "l\u0069nk": [{"other": {"reference": "Patient/2"}}]
}`

func root(t testing.TB, s string) resource.Value {
	t.Helper()
	d, err := resource.New([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

func TestValuesAreFound(t *testing.T) {
	r := root(t, patient)
	for _, c := range []struct {
		v          resource.Value
		kind       resource.Kind
		text, path string
	}{
		{r, resource.Object, "", "Patient"},
		{r.Get("id"), resource.String, "p1", "Patient.id"},
		{r.Get("name").At(0).Get("family"), resource.String, "Đặng", "Patient.name[0].family"},
		{r.Get("name").At(0).Get("given").At(0), resource.String, "Thị", "Patient.name[0].given[0]"},
		{r.Get("name").At(0).Get("given").At(1), resource.Null, "", "Patient.name[0].given[1]"},
		{r.Get("name").At(0).Get("_given").At(1).Get("id"), resource.String, "x", "Patient.name[0]._given[1].id"},
		{r.Get("_birthDate").Get("extension").At(0).Get("valueDecimal"), resource.Number, "1.10", "Patient._birthDate.extension[0].valueDecimal"},
		{r.Get("active"), resource.Bool, "true", "Patient.active"},
		{r.Get("link").At(0).Get("other").Get("reference"), resource.String, "Patient/2", "Patient.link[0].other.reference"},
		{r.Get("absent"), resource.None, "", ""},
		{r.Get("absent").Get("more").At(3).First().Next(), resource.None, "", ""},
		{r.Get("name").At(1), resource.None, "", ""},
		{r.Get("name").At(-1), resource.None, "", ""},
		{r.Get("id").Get("x"), resource.None, "", ""},
		{r.At(0), resource.None, "", ""},
	} {
		if c.v.Kind() != c.kind || c.v.Text() != c.text || c.v.Path() != c.path {
			t.Errorf("got %s %q at %q, want %s %q at %q", c.v.Kind(), c.v.Text(), c.v.Path(), c.kind, c.text, c.path)
		}
	}
	if r.ResourceType() != "Patient" || r.Len() != 8 || r.Get("name").Len() != 1 {
		t.Error("type or length is wrong")
	}
	if id, ok := r.ID(); id != "p1" || !ok {
		t.Errorf("ID is %q", id)
	}
}

func TestWalksVisitEverythingOnce(t *testing.T) {
	r := root(t, patient)
	var names []string
	for name := range r.Members() {
		names = append(names, name)
	}
	if want := []string{"resourceType", "id", "identifier", "name", "_birthDate", "active", "managingOrganization", "link"}; !slices.Equal(names, want) {
		t.Errorf("members are %q", names)
	}
	for range r.Get("name").Members() {
		t.Error("an array has no members")
	}
	n := 0
	for range r.Get("name").At(0).Get("given").Elements() {
		n++
	}
	for e := range r.Get("id").Elements() {
		if e == r.Get("id") {
			n += 10
		}
	}
	for range r.Get("absent").Elements() {
		n += 100
	}
	if n != 12 {
		t.Errorf("elements: %d", n)
	}
	var refs []string
	for s := range r.Strings("reference", "fullUrl") {
		refs = append(refs, s.Path()+"="+s.Text())
	}
	if want := []string{"Patient.managingOrganization.reference=urn:uuid:1", "Patient.link[0].other.reference=Patient/2"}; !slices.Equal(refs, want) {
		t.Errorf("references are %q", refs)
	}
	all := 0
	for range r.Strings() {
		all++
	}
	if all != 10 {
		t.Errorf("%d strings", all)
	}
}

func TestAccessDoesNotAllocate(t *testing.T) {
	r := root(t, patient)
	got := testing.AllocsPerRun(100, func() {
		for v := r.First(); v.Kind() != resource.None; v = v.Next() {
			_ = v.Raw()
			if len(v.Raw()) == 0 {
				t.Fatal()
			}
		}
		if r.Get("identifier").At(0).Get("value").Text() != "051085000011" || r.Get("name").At(0).Get("family").Text() != "Đặng" {
			t.Fatal()
		}
		for range r.Get("managingOrganization").Strings("reference") {
		}
	})
	// "link" and one given name are written with escapes and come after what is asked for here: only such may allocate.
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// rebuild writes v anew by its accessors only, without white space.
func rebuild(dst []byte, v resource.Value) []byte {
	switch v.Kind() {
	case resource.Object:
		dst = append(dst, '{')
		i := 0
		for name, m := range v.Members() {
			if i++; i > 1 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quoted(name)...), ':')
			dst = rebuild(dst, m)
		}
		return append(dst, '}')
	case resource.Array:
		dst = append(dst, '[')
		i := 0
		for e := range v.Elements() {
			if i++; i > 1 {
				dst = append(dst, ',')
			}
			dst = rebuild(dst, e)
		}
		return append(dst, ']')
	case resource.String:
		return append(dst, quoted(v.Text())...)
	case resource.Null:
		return append(dst, "null"...)
	}
	return append(dst, v.Text()...)
}

func quoted(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ':
			out = append(out, `\u00`...)
			if r < 16 {
				out = append(out, '0')
			}
			out = strconv.AppendInt(out, int64(r), 16)
		default:
			out = append(out, string(r)...)
		}
	}
	return string(append(out, '"'))
}
