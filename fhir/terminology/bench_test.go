package terminology

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// BenchmarkContains asks small and large sets, for codes they have and codes they have not.
func BenchmarkContains(b *testing.B) {
	r := New(Options{})
	for _, c := range []struct{ name, url, system, code string }{
		{"gender/hit", "http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender", "female"},
		{"gender/miss", "http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender", "f"},
		{"act-code/hit", "http://terminology.hl7.org/ValueSet/v3-ActCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMMUNIZ"},
		{"loinc/open", "http://hl7.org/fhir/ValueSet/observation-codes", "http://loinc.org", "8302-2"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := r.Expand(context.Background(), c.url)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Contains(c.system, c.code)
			}
		})
	}
}

// BenchmarkExpandAgain is what a query pays for a set that is known.
func BenchmarkExpandAgain(b *testing.B) {
	r := New(Options{Source: empty{}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Expand(context.Background(), "http://hl7.org/fhir/ValueSet/administrative-gender"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnpack is what the first question of a process pays before its own definition is read.
func BenchmarkUnpack(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if c := unpack(); len(c.codeSystems) < 1000 {
			b.Fatal(len(c.codeSystems))
		}
	}
}

// BenchmarkReadAll reads every built-in code system: more than any process does.
func BenchmarkReadAll(b *testing.B) {
	for b.Loop() {
		n := 0
		for _, s := range content().codeSystems {
			if t := readTable(s.section); t != nil {
				n += t.bytes()
			}
		}
		b.ReportMetric(float64(n)/1e6, "MB")
	}
}

// BenchmarkLarge is about a code system of the size of SNOMED CT: 350,000 concepts, most with two parents.
func BenchmarkLarge(b *testing.B) {
	const size = 350_000
	var doc strings.Builder
	doc.WriteString(`{"resourceType":"CodeSystem","url":"http://snomed.info/sct","content":"complete","concept":[{"code":"10000"}`)
	for i := 1; i < size; i++ {
		fmt.Fprintf(&doc, `,{"code":"%d","display":"Structure of the %d. branch of an artery","property":[{"code":"parent","valueCode":"%d"},{"code":"parent","valueCode":"%d"}]}`,
			10000+i*7, i, 10000+i/8*7, 10000+i/9*7)
	}
	doc.WriteString("]}")
	parsed, err := resource.New([]byte(doc.String()))
	if err != nil {
		b.Fatal(err)
	}
	var t *table
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if t, err = readCodeSystem(parsed.Root(), DefaultLimits); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(t.bytes())/1e6, "MB")
	})
	r := New(Options{Source: one{parsed}})
	for _, of := range []int{0, 5, 5000} {
		code := fmt.Sprint(10000 + of*7)
		b.Run("below/"+code, func(b *testing.B) {
			n := 0
			for b.Loop() {
				below, err := r.BelowSet(context.Background(), "http://snomed.info/sct", code)
				if err != nil {
					b.Fatal(err)
				}
				n = below.Len()
			}
			b.ReportMetric(float64(n), "codes")
		})
	}
	b.Run("contains", func(b *testing.B) {
		s, err := r.Expand(context.Background(), "http://snomed.info/sct?fhir_vs=isa/10035")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			s.Contains("http://snomed.info/sct", "1234560")
		}
	})
}

type empty struct{}

func (empty) ValueSet(context.Context, string, string) (*resource.Document, error)   { return nil, nil }
func (empty) CodeSystem(context.Context, string, string) (*resource.Document, error) { return nil, nil }
func (empty) Changed(context.Context, fhir.Type) (fhir.T, error)                     { return 0, nil }

type one struct{ system *resource.Document }

func (o one) ValueSet(context.Context, string, string) (*resource.Document, error) { return nil, nil }
func (o one) CodeSystem(context.Context, string, string) (*resource.Document, error) {
	return o.system, nil
}
func (one) Changed(context.Context, fhir.Type) (fhir.T, error) { return 1, nil }
