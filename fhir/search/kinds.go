package search

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
)

//go:embed systems_gen.txt
var systemsTable string

// impliedSystems gives the code systems of a value set that a code element is bound to.
var impliedSystems = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(systemsTable) {
		if set, systems, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			m[set] = strings.Fields(systems)
		}
	}
	return m
})

// kinds says what elements a parameter looks at: it makes values of queries fit those of the index.
type kinds struct {
	codes     bool // some are of type code
	onlyCodes bool // all are
	onlyPlain bool // all are boolean, string, id or uri: tokens without a system
	onlyBools bool
	canonical bool // some are canonical or uri
	concepts  bool // some have a text: CodeableConcept, Coding, Identifier
	idents    bool // some are Identifier
	names     bool // some are HumanName
	refs      bool // some are Reference
	systems   []string
}

// implies says whether a code element of the parameter is of that system.
func (k kinds) implies(system string) bool {
	for _, s := range k.systems {
		if s == system {
			return true
		}
	}
	return false
}

var kindsByParam sync.Map // of *r4.SearchParam to kinds

func kindsOf(p *r4.SearchParam) kinds {
	if k, ok := kindsByParam.Load(p); ok {
		return k.(kinds)
	}
	k := kindsOfElements(elementsOf(p))
	kindsByParam.Store(p, k)
	return k
}

func kindsOfElements(elements []*r4.Element) kinds {
	some := len(elements) > 0
	k := kinds{onlyCodes: some, onlyPlain: some, onlyBools: some}
	for _, e := range elements {
		code := e.Primitive == r4.Code
		plain := e.Primitive != r4.NotPrimitive && !code
		k.codes = k.codes || code
		k.onlyCodes = k.onlyCodes && code
		k.onlyPlain = k.onlyPlain && plain
		k.onlyBools = k.onlyBools && e.Primitive == r4.Boolean
		k.canonical = k.canonical || e.Primitive == r4.Canonical || e.Primitive == r4.URI
		switch e.TypeName {
		case "CodeableConcept", "Coding":
			k.concepts = true
		case "Identifier":
			k.concepts, k.idents = true, true
		case "HumanName":
			k.names = true
		case "Reference":
			k.refs = true
		}
		if code {
			k.systems = append(k.systems, impliedSystems()[e.Binding]...)
		}
	}
	return k
}

// boolean is what a computed expression gives.
var boolean = &r4.Element{TypeName: "boolean", Primitive: r4.Boolean}

// elementsOf gives the elements that hold the values of a parameter.
func elementsOf(p *r4.SearchParam) []*r4.Element { return elementsBelow(structOf(p), p.Expression) }

// structOf gives the definition that a parameter's expression starts from. Those of Resource and DomainResource are the
// same for every type, so any type with both will do.
func structOf(p *r4.SearchParam) *r4.Struct {
	if s := r4.Resource(p.Base); s != nil {
		return s
	}
	return r4.Resource("Basic")
}

// elementsBelow gives the elements that an expression ends at; none for one that does not fit s.
func elementsBelow(s *r4.Struct, expression string) []*r4.Element {
	e, err := fhirpath.Parse(expression)
	if err != nil {
		return nil
	}
	paths, err := e.Paths(s)
	if err != nil {
		return nil
	}
	var out []*r4.Element
	for _, path := range paths {
		if path.Computed != nil {
			out = append(out, boolean)
		}
		out = append(out, path.Last()...)
	}
	return out
}

// component is what a query needs to know of a component of a composite.
type component struct {
	kind    r4.ParamType
	kinds   kinds
	targets []fhir.Type // of a reference
}

var componentsByParam sync.Map // of *r4.SearchParam to []component

func componentsOf(p *r4.SearchParam) []component {
	if c, ok := componentsByParam.Load(p); ok {
		return c.([]component)
	}
	out := make([]component, len(p.Components))
	for i, c := range p.Components {
		elements := componentElements(p, c)
		out[i] = component{kind: ComponentType(c, elements), kinds: kindsOfElements(elements)}
		if len(elements) > 0 {
			out[i].targets = elements[0].Targets
		}
	}
	componentsByParam.Store(p, out)
	return out
}

// componentElements gives the elements of a component of a composite; none where they are computed.
func componentElements(p *r4.SearchParam, c r4.Component) []*r4.Element {
	if strings.HasPrefix(c.Expression, "%") {
		return nil
	}
	s := structOf(p)
	if roots := elementsOf(p); len(roots) > 0 {
		s = roots[0].Struct
	}
	return elementsBelow(s, c.Expression)
}

// ComponentType gives the type by which a component of a composite is indexed and searched. It is that of its
// parameter, unless no element of its expression fits that: the definition of DocumentReference.relationship has the
// types of its two components the wrong way round.
func ComponentType(c r4.Component, elements []*r4.Element) r4.ParamType {
	token, reference := false, false
	for _, e := range elements {
		switch {
		case e.TypeName == "Reference":
			reference = true
		case e.Primitive == r4.Code || e.TypeName == "CodeableConcept" || e.TypeName == "Coding":
			token = true
		}
	}
	switch {
	case c.Param.Type == r4.ParamReference && token && !reference:
		return r4.ParamToken
	case c.Param.Type == r4.ParamToken && reference && !token:
		return r4.ParamReference
	}
	return c.Param.Type
}
