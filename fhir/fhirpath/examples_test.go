package fhirpath_test

import (
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// examples gives the official example resources of R4, about half of them.
func examples(t testing.TB) map[string]resource.Value {
	t.Helper()
	out := map[string]resource.Value{}
	fhirtest.Examples(t, func(name string, raw []byte) {
		d, err := resource.Parse(raw, resource.DefaultLimits)
		if err != nil {
			t.Logf("%s: %v", name, err) // a few examples are no sound JSON; resource has the tests of that
			return
		}
		if r4.IsResource(d.Root().ResourceType()) {
			out[name] = d.Root()
		}
	})
	return out
}

// compiled is a search parameter with both of its forms.
type compiled struct {
	*r4.SearchParam
	expr  *fhirpath.Expr
	paths []fhirpath.Path
}

func compile(t testing.TB, of fhir.Type) []compiled {
	t.Helper()
	var out []compiled
	for _, p := range r4.Params(of) {
		if p.Expression == "" {
			continue
		}
		e, err := fhirpath.Parse(p.Expression)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := e.Paths(r4.Resource(of))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, compiled{p, e, paths})
	}
	return out
}

// along follows the paths, step by step: what a one-pass extraction does at once.
func along(root resource.Value, paths []fhirpath.Path) []resource.Value {
	var out []resource.Value
	for _, p := range paths {
		if p.Computed != nil {
			for _, it := range p.Computed.Evaluate(root) {
				out = append(out, it.Value)
			}
			continue
		}
		at := []resource.Value{root}
		for _, s := range p.Steps {
			var next []resource.Value
			for _, v := range at {
				for _, e := range s.Properties {
					i := 0
					for one := range v.Get(e.Name).Elements() {
						if one.Kind() == resource.Null {
							continue
						}
						ok := s.Index < 0 || s.Index == i
						for _, f := range s.Filters {
							ok = ok && f.Holds(root, e, one)
						}
						if i++; ok {
							next = append(next, one)
						}
					}
				}
			}
			at = next
		}
		out = append(out, at...)
	}
	return nodes(out)
}

// nodes sorts values by their place and takes duplicates out.
func nodes(values []resource.Value) []resource.Value {
	slices.SortFunc(values, func(a, b resource.Value) int { return int(a.Node() - b.Node()) })
	return slices.Compact(values)
}

// TestPathsAgreeWithEvaluator: for every parameter of every type and every official example, following the paths finds
// what evaluating the expression finds, and the parts of composites can be evaluated on each value.
func TestPathsAgreeWithEvaluator(t *testing.T) {
	byType := map[fhir.Type][]compiled{}
	components := map[string]*fhirpath.Expr{}
	found, parts := 0, 0
	used := map[uint16]bool{}
	for name, root := range examples(t) {
		of := root.ResourceType()
		if byType[of] == nil {
			byType[of] = compile(t, of)
		}
		for _, p := range byType[of] {
			items := p.expr.Evaluate(root)
			var got []resource.Value
			for _, it := range items {
				got = append(got, it.Value)
				if !it.Computed() && it.TypeName() == "" {
					t.Errorf("%s %s: a value without a type at %s", name, p.Code, it.Value.Path())
				}
				for _, c := range p.Components {
					e := components[c.Expression]
					if e == nil {
						e, _ = fhirpath.Parse(c.Expression)
						components[c.Expression] = e
					}
					parts += len(e.Append(nil, fhirpath.ResourceItem(root), it))
				}
			}
			got = nodes(got)
			if want := along(root, p.paths); !slices.Equal(got, want) {
				t.Errorf("%s %s: evaluating gives %v, following the paths %v", name, p.Code, places(got), places(want))
			}
			if len(got) > 0 {
				used[p.ID] = true
			}
			found += len(got)
		}
	}
	t.Logf("%d values of %d parameters, %d parts of composites", found, len(used), parts)
	if found < 20000 || len(used) < 900 || parts < 500 {
		t.Errorf("too little was found: %d values of %d parameters, %d parts of composites", found, len(used), parts)
	}
}

func places(values []resource.Value) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.Path())
	}
	return out
}

// BenchmarkEvaluate is what the plain evaluator costs: all parameters of an Observation, one after the other.
func BenchmarkEvaluate(b *testing.B) {
	root := parse(b, observation)
	params := compile(b, "Observation")
	var items []fhirpath.Item
	at := fhirpath.ResourceItem(root)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range params {
			items = p.expr.Append(items[:0], at, at)
		}
	}
	b.ReportMetric(float64(len(params)), "params")
}

// BenchmarkFilter is the condition on the path of each reference that is stored: where(resolve() is Patient).
func BenchmarkFilter(b *testing.B) {
	root := parse(b, observation)
	f := fhirpath.Filter{Target: "Patient"}
	e := r4.Resource("Observation").Element("subject")
	subject := root.Get("subject")
	b.ReportAllocs()
	for b.Loop() {
		if !f.Holds(root, e, subject) {
			b.Fatal("the subject is a patient")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhirpath.Parse("(Observation.value as Quantity) | Observation.telecom.where(system='email')"); err != nil {
			b.Fatal(err)
		}
	}
}
