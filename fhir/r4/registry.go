package r4

import (
	"maps"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Numbers of search parameters that are not of R4. They stay below 0x1000, since the higher bits of a number in an index key
// tell variants of its parameter. Who adds a parameter chooses a number, keeps it with the parameter, and does not give it
// out again while entries with it may be left.
const (
	FirstCustom = 2048
	LastCustom  = 4095
)

// Registry is the search parameters that are in force: those of R4 and those that were added to them. It is immutable: With,
// Without and Pending give another one, so that a query sees one state from its beginning to its end. The nil Registry has
// those of R4 alone.
//
// Lookups in types without added parameters cost what Param costs.
type Registry struct {
	added   []*SearchParam // by number
	byType  map[fhir.Type]*typeParams
	pending map[uint16]bool
}

// Param gives the parameter of that name as the function Param does.
func (r *Registry) Param(t fhir.Type, code string) *SearchParam {
	if r != nil {
		if p := r.byType[t]; p != nil {
			return p.byCode[code]
		}
	}
	return Param(t, code)
}

// Params gives all parameters of a type, sorted by code. The caller must not change it.
func (r *Registry) Params(t fhir.Type) []*SearchParam {
	if r != nil {
		if p := r.byType[t]; p != nil {
			return p.list
		}
	}
	return Params(t)
}

// ByID gives the parameter with that number, nil if there is none.
func (r *Registry) ByID(id uint16) *SearchParam {
	if id < FirstCustom {
		return ParamByID(id)
	}
	if r != nil {
		if i, ok := r.place(id); ok {
			return r.added[i]
		}
	}
	return nil
}

func (r *Registry) place(id uint16) (int, bool) {
	return slices.BinarySearchFunc(r.added, id, func(p *SearchParam, id uint16) int { return int(p.ID) - int(id) })
}

// ByURL gives the parameters with that canonical url, one for each base.
func (r *Registry) ByURL(url string) []*SearchParam {
	var out []*SearchParam
	for _, p := range parameters().byID {
		if p != nil && p.URL == url {
			out = append(out, p)
		}
	}
	for _, p := range r.Added() {
		if p.URL == url {
			out = append(out, p)
		}
	}
	return out
}

// Added gives the parameters that are not of R4, by number. The caller must not change it.
func (r *Registry) Added() []*SearchParam {
	if r == nil {
		return nil
	}
	return r.added
}

// Ready says whether all resources are indexed by the parameter, so that a search by it finds what there is.
func (r *Registry) Ready(p *SearchParam) bool { return r == nil || !r.pending[p.ID] }

// With gives a registry that has the custom parameters as well; each takes the place of the one with its base and code, and
// of the one with its number. The parameters must not change any more.
//
// One with the base, code and url of one of R4's takes its place: so an index that is not always kept is switched on.
//
// A number outside of FirstCustom to LastCustom, or two parameters with one code on one type, give an Error of Kind Conflict,
// code "search-custom-number" or "search-custom-code".
func (r *Registry) With(custom []*SearchParam) (*Registry, error) {
	added := slices.Clone(r.Added())
	for _, c := range custom {
		if c.ID < FirstCustom || c.ID > LastCustom {
			return nil, fhir.Errorf(fhir.Conflict, "search-custom-number", "", c.Code, c.ID, FirstCustom, LastCustom)
		}
		added = slices.DeleteFunc(added, func(p *SearchParam) bool { return p.ID == c.ID || p.Base == c.Base && p.Code == c.Code })
		added = append(added, c)
	}
	return r.make(added, r.waiting())
}

// Without gives a registry that lacks the parameters with those numbers.
func (r *Registry) Without(ids ...uint16) *Registry {
	pending := maps.Clone(r.waiting())
	maps.DeleteFunc(pending, func(id uint16, _ bool) bool { return slices.Contains(ids, id) })
	added := slices.DeleteFunc(slices.Clone(r.Added()), func(p *SearchParam) bool { return slices.Contains(ids, p.ID) })
	out, err := r.make(added, pending)
	if err != nil {
		panic("r4: parameters that stood together do not without some of them: " + err.Error())
	}
	return out
}

// Pending gives a registry in which exactly the parameters with those numbers are not ready.
func (r *Registry) Pending(ids ...uint16) *Registry {
	pending := make(map[uint16]bool, len(ids))
	for _, id := range ids {
		pending[id] = true
	}
	out := &Registry{pending: pending}
	if r != nil {
		out.added, out.byType = r.added, r.byType
	}
	return out
}

func (r *Registry) waiting() map[uint16]bool {
	if r == nil {
		return nil
	}
	return r.pending
}

// make builds the lists of those types that have more than R4 gives them.
func (r *Registry) make(added []*SearchParam, pending map[uint16]bool) (*Registry, error) {
	slices.SortFunc(added, func(a, b *SearchParam) int { return int(a.ID) - int(b.ID) })
	more := map[fhir.Type][]*SearchParam{}
	for _, p := range added {
		for _, t := range TypesOfBase(p.Base) {
			more[t] = append(more[t], p)
		}
	}
	out := &Registry{added: added, pending: pending, byType: make(map[fhir.Type]*typeParams, len(more))}
	for t, list := range more {
		own := slices.DeleteFunc(slices.Clone(Params(t)), func(p *SearchParam) bool {
			return slices.ContainsFunc(list, func(q *SearchParam) bool { return q.Code == p.Code && q.Base == p.Base && q.URL == p.URL })
		})
		all := newTypeParams(append(own, list...))
		for i := 1; i < len(all.list); i++ {
			if all.list[i].Code == all.list[i-1].Code {
				return nil, fhir.Errorf(fhir.Conflict, "search-custom-code", "", all.list[i].Code, string(t))
			}
		}
		out.byType[t] = all
	}
	return out, nil
}

// TypesOfBase gives the resource types that a parameter of that base is found on: the type itself, or all types for
// Resource, or those with a narrative for DomainResource; nil for what is no type.
func TypesOfBase(base fhir.Type) []fhir.Type {
	switch {
	case base == "Resource":
		return Types()
	case base == "DomainResource":
		return slices.DeleteFunc(slices.Clone(Types()), func(t fhir.Type) bool {
			text := Resource(t).Element("text")
			return text == nil || text.TypeName != "Narrative"
		})
	case IsResource(base):
		return []fhir.Type{base}
	}
	return nil
}
