package fhirpath_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
)

// TestEveryParameterHasPaths: each expression of the R4 tables can be read and resolved for each type that has it.
func TestEveryParameterHasPaths(t *testing.T) {
	computed := map[string]bool{}
	for _, of := range r4.Types() {
		for _, p := range r4.Params(of) {
			if p.Expression == "" {
				continue
			}
			e, err := fhirpath.Parse(p.Expression)
			if err != nil {
				t.Errorf("%s %s: %v", of, p.Code, err)
				continue
			}
			paths, err := e.Paths(r4.Resource(of))
			if err != nil {
				t.Errorf("%s %s: %v", of, p.Code, err)
			}
			for _, path := range paths {
				t.Logf("%s %s: %s", of, p.Code, path)
				if path.Computed != nil {
					computed[string(of)+" "+p.Code] = true
				}
				for _, c := range p.Components {
					ce, err := fhirpath.Parse(c.Expression)
					if err != nil {
						t.Errorf("%s %s: %v", of, p.Code, err)
						continue
					}
					s := r4.Resource(of)
					if last := path.Last(); last != nil {
						s = last[0].Struct
					}
					cp, err := ce.Paths(s)
					if err != nil {
						t.Errorf("%s %s: %v", of, p.Code, err)
					}
					for _, path := range cp {
						t.Logf("    %s", path)
					}
				}
			}
		}
	}
	if len(computed) != 1 || !computed["Patient deceased"] {
		t.Errorf("only Patient deceased needs the evaluator, but: %v", computed)
	}
}
