package r4

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

//go:embed params_gen.txt
var paramsTable string

// ParamType is the type of a search parameter: what its values are and how they are compared.
// https://hl7.org/fhir/R4/search.html#ptypes
type ParamType uint8

const (
	ParamNumber ParamType = iota + 1
	ParamDate
	ParamString
	ParamToken
	ParamReference
	ParamComposite
	ParamQuantity
	ParamURI
	ParamSpecial
)

var paramTypeNames = [...]string{
	ParamNumber: "number", ParamDate: "date", ParamString: "string", ParamToken: "token", ParamReference: "reference",
	ParamComposite: "composite", ParamQuantity: "quantity", ParamURI: "uri", ParamSpecial: "special",
}

// String gives the type as SearchParameter.type has it.
func (t ParamType) String() string { return paramTypeNames[t] }

// SearchParam is a search parameter of one resource type.
type SearchParam struct {
	// ID is the stable number in index keys. Those below 16 are the store's: 0 "exists", 1 _lastUpdated.
	ID   uint16
	Code string    // name in a query: "identifier"
	Base fhir.Type // type that it is defined on; "Resource" or "DomainResource" for those of all types, such as _id
	URL  string    // canonical url of the definition, which several bases may share
	Type ParamType
	// Expression is the FHIRPath for Base alone: a union over many types is cut to this one.
	// It is "" where the specification gives none: _text, _content, _query.
	Expression string
	// Targets are the types that a reference may point at; nil = any (or no reference parameter).
	Targets []fhir.Type
	// Components of a composite, in the order of the values in a query; nil otherwise.
	Components []Component
}

// Component is one part of a composite parameter.
type Component struct {
	Param      *SearchParam // gives the type of the part
	Expression string       // FHIRPath from a value of the composite's Expression; %resource is the whole resource
}

// params is what the table of parameters says.
type params struct {
	byID   []*SearchParam
	byType map[fhir.Type]*typeParams
}

// typeParams are the parameters of one type, those of its abstract bases included.
type typeParams struct {
	list   []*SearchParam // sorted by code
	byCode map[string]*SearchParam
}

// Param gives the search parameter of that name, nil if type t has none. Those of Resource and DomainResource (_id, _tag,
// _lastUpdated, _text, ...) are found on each type; they are the same SearchParam for all.
func Param(t fhir.Type, code string) *SearchParam {
	if p := parameters().byType[t]; p != nil {
		return p.byCode[code]
	}
	return nil
}

// Params gives all search parameters of a type, sorted by code. The caller must not change it.
func Params(t fhir.Type) []*SearchParam {
	if p := parameters().byType[t]; p != nil {
		return p.list
	}
	return nil
}

// ParamByID gives the parameter with that number, nil if there is none.
func ParamByID(id uint16) *SearchParam {
	list := parameters().byID
	if int(id) >= len(list) {
		return nil
	}
	return list[id]
}

// parameters reads the table at the first call.
var parameters = sync.OnceValue(loadParameters)

func loadParameters() *params {
	p := &params{byType: make(map[fhir.Type]*typeParams, 160)}
	byBase := map[fhir.Type][]*SearchParam{}
	composites := map[*SearchParam]string{}
	for line := range rows(paramsTable) {
		f := strings.Split(line, "\t")
		if len(f) < 5 { // number, base, code, "retired"
			continue
		}
		f = append(f, "", "", "")
		s := &SearchParam{
			ID: mustNumber(f[0]), Base: fhir.Type(f[1]), Code: f[2], Type: ParamType(slices.Index(paramTypeNames[:], f[3])),
			URL: "http://hl7.org/fhir/SearchParameter/" + f[4], Targets: targetList(f[5]), Expression: f[6],
		}
		for int(s.ID) >= len(p.byID) {
			p.byID = append(p.byID, nil)
		}
		p.byID[s.ID] = s
		byBase[s.Base] = append(byBase[s.Base], s)
		if f[7] != "" {
			composites[s] = f[7]
		}
	}
	for _, t := range Types() {
		list := slices.Concat(byBase[t], byBase["Resource"])
		if Resource(t).Element("text") != nil && Resource(t).Element("text").TypeName == "Narrative" {
			list = append(list, byBase["DomainResource"]...)
		}
		p.byType[t] = newTypeParams(list)
	}
	for s, text := range composites {
		s.Components = components(byBase[s.Base], text)
	}
	return p
}

func newTypeParams(list []*SearchParam) *typeParams {
	slices.SortFunc(list, func(a, b *SearchParam) int { return cmp.Compare(a.Code, b.Code) })
	p := &typeParams{list: list, byCode: make(map[string]*SearchParam, len(list))}
	for _, s := range list {
		p.byCode[s.Code] = s
	}
	return p
}

// components reads "definition=expression;definition=expression"; the definitions are parameters of the same base.
func components(list []*SearchParam, text string) []Component {
	var out []Component
	for part := range strings.SplitSeq(text, ";") {
		definition, expression, _ := strings.Cut(part, "=")
		i := slices.IndexFunc(list, func(s *SearchParam) bool { return strings.HasSuffix(s.URL, "/"+definition) })
		if i < 0 {
			panic("r4: params_gen.txt: no parameter " + definition)
		}
		out = append(out, Component{Param: list[i], Expression: expression})
	}
	return out
}

func targetList(text string) []fhir.Type {
	if text == "" || text == "*" {
		return nil
	}
	var out []fhir.Type
	for t := range strings.SplitSeq(text, ",") {
		out = append(out, fhir.Type(t))
	}
	return out
}
