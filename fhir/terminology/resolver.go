package terminology

import (
	"context"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Source is where the terminology of this server's store comes from. It is handed in by whoever has the store, and safe for
// concurrent use.
type Source interface {
	// ValueSet gives the current ValueSet resource of that url; nil, nil if there is none. version "" = the one to be taken
	// where none is named; otherwise ValueSet.version must be equal. A url of the form ValueSet/[id] is a reference to a
	// resource of this server, as :in allows it.
	ValueSet(ctx context.Context, url, version string) (*resource.Document, error)
	// CodeSystem gives the CodeSystem resource likewise.
	CodeSystem(ctx context.Context, url, version string) (*resource.Document, error)
	// Changed gives the number of the last commit that wrote or deleted a resource of type ValueSet or CodeSystem, 0 if none
	// did. It is asked at every question, and must never go back.
	Changed(ctx context.Context, t fhir.Type) (fhir.T, error)
}

// Limits bound what definitions may cost. Fields that are zero take their value from DefaultLimits.
type Limits struct {
	Concepts   int // of one code system
	Properties int // of all concepts of one code system
	Bytes      int // of text of one code system: codes, displays, values of properties; at most 1 GiB
	Codes      int // that one expansion may go through, imports and filters included
	Depth      int // of imports within imports
	Related    int // codes that Below and Above list
	CacheBytes int // of stored code systems and of sets that are kept in memory
}

// DefaultLimits hold SNOMED CT with its properties and an expansion of it.
var DefaultLimits = Limits{
	Concepts: 1_000_000, Properties: 6_000_000, Bytes: 256 << 20, Codes: 10_000_000, Depth: 16, Related: 20_000, CacheBytes: 256 << 20,
}

func (l Limits) orDefault() Limits {
	for _, f := range []struct{ have, def *int }{
		{&l.Concepts, &DefaultLimits.Concepts}, {&l.Properties, &DefaultLimits.Properties}, {&l.Bytes, &DefaultLimits.Bytes},
		{&l.Codes, &DefaultLimits.Codes}, {&l.Depth, &DefaultLimits.Depth},
		{&l.Related, &DefaultLimits.Related}, {&l.CacheBytes, &DefaultLimits.CacheBytes},
	} {
		if *f.have <= 0 {
			*f.have = *f.def
		}
	}
	l.Bytes = min(l.Bytes, 1<<30)
	return l
}

// Options configure a Resolver.
type Options struct {
	Source Source // nil = built-in content alone
	Limits Limits
}

// Resolver answers questions about codes. It is safe for concurrent use.
type Resolver struct {
	source Source
	limits Limits
	caches caches
}

// New makes a Resolver; nothing is read yet.
func New(o Options) *Resolver {
	return &Resolver{source: o.Source, limits: o.Limits.orDefault()}
}

// Expand gives the codes of the value set with that canonical: url or url|version.
//
// Errors have Kind Invalid: valueset-unknown, valueset-malformed, valueset-loop, valueset-empty-definition,
// codesystem-unknown, codesystem-without-hierarchy, code-unknown, filter-unsupported; or TooCostly: valueset-too-costly,
// codesystem-too-large; or they are the Source's.
func (r *Resolver) Expand(ctx context.Context, canonical string) (Set, error) {
	c, err := r.current(ctx)
	if err != nil {
		return Set{}, err
	}
	if v, ok := c.get("v" + canonical); ok {
		return v.(Set), nil
	}
	v, err := c.once(ctx, "v"+canonical, func(ctx context.Context) (any, int, error) {
		e := expansion{r: r, cache: c, done: map[string]Set{}}
		s, err := e.set(ctx, canonical)
		return s, s.bytes(), err
	})
	if err != nil {
		return Set{}, err
	}
	return v.(Set), nil
}

// ValidateCode tells whether a code belongs to a value set. system "" stands for whatever system of the set has the code.
func (r *Resolver) ValidateCode(ctx context.Context, canonical, system, code string) (bool, error) {
	s, err := r.Expand(ctx, canonical)
	if err != nil {
		return false, err
	}
	if system == "" {
		_, ok := s.ContainsCode(code)
		return ok, nil
	}
	return s.Contains(system, code), nil
}

// Below gives a code and all codes that it subsumes, itself first, each once. Errors: codesystem-unknown, code-unknown,
// codesystem-without-hierarchy (its hierarchy means something else), code-too-general (more than Limits.Related, Kind
// TooCostly: ask for BelowSet). In a system without a hierarchy a code is alone.
func (r *Resolver) Below(ctx context.Context, system, code string) ([]string, error) {
	t, reached, err := r.reach(ctx, system, code, func(t *table) links { return t.down })
	if err != nil {
		return nil, err
	}
	return r.list(t, reached)
}

// Above gives a code and all codes that subsume it, as Below does.
func (r *Resolver) Above(ctx context.Context, system, code string) ([]string, error) {
	t, reached, err := r.reach(ctx, system, code, func(t *table) links { return t.up })
	if err != nil {
		return nil, err
	}
	return r.list(t, reached)
}

// BelowSet gives the codes of Below as a set, however many they are: one bit for each concept of the system.
func (r *Resolver) BelowSet(ctx context.Context, system, code string) (Set, error) {
	t, reached, err := r.reach(ctx, system, code, func(t *table) links { return t.down })
	if err != nil {
		return Set{}, err
	}
	return Set{url: system + "|" + code, parts: []part{{system: system, in: t.some(reached)}}}, nil
}

func (r *Resolver) list(t *table, reached []int32) ([]string, error) {
	if len(reached) > r.limits.Related {
		return nil, fhir.Errorf(fhir.TooCostly, "code-too-general", "", t.code(reached[0]), t.system, r.limits.Related)
	}
	out := make([]string, len(reached))
	for n, i := range reached {
		out[n] = t.code(i)
	}
	return out, nil
}

func (r *Resolver) reach(ctx context.Context, system, code string, over func(*table) links) (*table, []int32, error) {
	t, at, err := r.place(ctx, system, code)
	switch {
	case err != nil:
		return nil, nil, err
	case t.flat:
		return nil, nil, fhir.Errorf(fhir.Invalid, "codesystem-without-hierarchy", "", system)
	}
	return t, t.reach(at, over(t)), nil
}

// Subsumes tells how code a stands to code b of the same system; errors are those of Below.
func (r *Resolver) Subsumes(ctx context.Context, system, a, b string) (Subsumption, error) {
	t, at, err := r.place(ctx, system, a)
	if err != nil {
		return "", err
	}
	to := t.find(b)
	switch {
	case to < 0:
		return "", fhir.Errorf(fhir.Invalid, "code-unknown", "", b, system)
	case t.flat:
		return "", fhir.Errorf(fhir.Invalid, "codesystem-without-hierarchy", "", system)
	case at == to:
		return Equivalent, nil
	case t.subsumes(at, to):
		return Subsumes, nil
	case t.subsumes(to, at):
		return SubsumedBy, nil
	}
	return NotSubsumed, nil
}

// Lookup gives what is known of a code; errors: codesystem-unknown, code-unknown.
func (r *Resolver) Lookup(ctx context.Context, system, code string) (Concept, error) {
	t, at, err := r.place(ctx, system, code)
	if err != nil {
		return Concept{}, err
	}
	return t.concept(at), nil
}

func (r *Resolver) place(ctx context.Context, system, code string) (*table, int32, error) {
	c, err := r.current(ctx)
	if err != nil {
		return nil, 0, err
	}
	t, err := r.table(ctx, c, system, "")
	if err != nil {
		return nil, 0, err
	}
	if t == nil {
		return nil, 0, fhir.Errorf(fhir.Invalid, "codesystem-unknown", "", system)
	}
	at := t.find(code)
	if at < 0 {
		return nil, 0, fhir.Errorf(fhir.Invalid, "code-unknown", "", code, system)
	}
	return t, at, nil
}

// table gives the concepts of a system; nil if they are not here.
func (r *Resolver) table(ctx context.Context, c *cache, system, version string) (*table, error) {
	if r.source != nil {
		key := "c" + system + "|" + version
		v, ok := c.get(key)
		if !ok {
			var err error
			v, err = c.once(ctx, key, func(ctx context.Context) (any, int, error) { return r.stored(ctx, system, version) })
			if err != nil {
				return nil, err
			}
		}
		if s := v.(storedSystem); s.found {
			return s.table, nil
		}
	}
	t, known := content().codeSystem(system, version)
	if !known && version != "" && content().codeSystems[system] != nil {
		return nil, fhir.Errorf(fhir.Invalid, "codesystem-unknown", "", system+"|"+version)
	}
	return t, nil
}

// storedSystem is what the source has of a system. found without a table: the resource does not carry its codes.
type storedSystem struct {
	found bool
	table *table
}

func (r *Resolver) stored(ctx context.Context, system, version string) (any, int, error) {
	doc, err := r.source.CodeSystem(ctx, system, version)
	if err != nil || doc == nil {
		return storedSystem{}, 64 + len(system), err
	}
	t, err := readCodeSystem(doc.Root(), r.limits)
	if err != nil || t == nil {
		return storedSystem{found: true}, 64 + len(system), err
	}
	return storedSystem{found: true, table: t}, t.bytes(), nil
}

// definition finds what a canonical names: in the store, built in, or by the form of its url.
func (r *Resolver) definition(ctx context.Context, canonical string) (definition, error) {
	url, version, _ := strings.Cut(canonical, "|")
	if r.source != nil {
		doc, err := r.source.ValueSet(ctx, url, version)
		if err != nil {
			return definition{}, err
		}
		if doc != nil {
			return readDefinition(doc.Root())
		}
	}
	if d, ok := content().valueSet(url, version); ok {
		return d, nil
	}
	if d, ok := implicit(url); ok && version == "" {
		return d, nil
	}
	return definition{}, fhir.Errorf(fhir.Invalid, "valueset-unknown", "", canonical)
}

// implicit reads the urls that SNOMED International and Regenstrief give to value sets which nobody stores.
// https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html
func implicit(url string) (definition, bool) {
	d := definition{url: url, composed: true}
	switch system, query, _ := strings.Cut(url, "?"); {
	case url == "http://loinc.org/vs":
		d.include = []include{{system: "http://loinc.org"}}
	case system == snomed && query == "fhir_vs":
		d.include = []include{{system: snomed}}
	case system == snomed && strings.HasPrefix(query, "fhir_vs=isa/"):
		d.include = []include{{system: snomed, filters: []filter{{"concept", "is-a", strings.TrimPrefix(query, "fhir_vs=isa/")}}}}
	default:
		return definition{}, false
	}
	return d, true
}

const snomed = "http://snomed.info/sct"
