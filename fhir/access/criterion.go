package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// criterion is one line of a rule's where: parameters of FHIR's search language joined by &, and
//
//	sender={organization}             created on behalf of the caller's organization
//	compartment=Patient/{patient}     in the compartment of that resource
//	cited-by=Claim                    some Claim refers to it, wherever in it; or ClaimResponse
type criterion struct {
	text  string
	parts []search.Parameter
}

// variables are what a criterion may name of the caller. One that has several values stands for any of them.
var variables = map[string]func(Caller) []fhir.ID{
	"{facility}":     Caller.facilities,
	"{organization}": func(c Caller) []fhir.ID { return []fhir.ID{c.Organization} },
	"{practitioner}": func(c Caller) []fhir.ID { return []fhir.ID{c.Practitioner} },
	"{patient}":      Caller.patients,
}

func parseCriterion(text string) (criterion, error) {
	parts, err := search.Parse(text)
	if err != nil {
		return criterion{}, wordsOf(err)
	}
	if len(parts) == 0 {
		return criterion{}, fmt.Errorf("it is empty")
	}
	for _, p := range parts {
		if strings.ContainsAny(p.Key(), "{}") {
			return criterion{}, fmt.Errorf("a variable may stand in a value only, not in %q", p.Key())
		}
		for value := range strings.SplitSeq(p.Value, ",") {
			if err := checkVariable(p, value); err != nil {
				return criterion{}, err
			}
		}
		if _, ok := special(p); ok && (p.Modifier != "" || p.Chain != "") {
			return criterion{}, fmt.Errorf("%s takes no modifier and no chain", p.Name)
		}
	}
	return criterion{text, parts}, nil
}

// checkVariable takes {name}, Type/{name} and system|{name}. A part of a longer word could be made to mean something else.
func checkVariable(p search.Parameter, value string) error {
	at := strings.IndexAny(value, "{}")
	if at < 0 {
		return nil
	}
	before, name := value[:at], value[at:]
	if variables[name] == nil {
		return fmt.Errorf("%q is no variable; there are {organization}, {facility}, {practitioner} and {patient}, each at the end of a value", name)
	}
	if before != "" && !strings.HasSuffix(before, "|") && !(strings.HasSuffix(before, "/") && r4.IsResource(fhir.Type(before[:len(before)-1]))) {
		return fmt.Errorf("unsafe variable: %q must be the whole value, or stand behind a type and a slash, or behind a system and a bar", value)
	}
	return nil
}

// special says which of the language's own parts a parameter is.
func special(p search.Parameter) (name string, ok bool) {
	switch p.Name {
	case "sender", "compartment", "cited-by":
		return p.Name, true
	}
	return "", false
}

// fill puts the caller's values in the place of variables; ok is false if the caller lacks one.
func fill(value string, c Caller) (_ string, ok bool) {
	var out []string
	for one := range strings.SplitSeq(value, ",") { // of which any is to match
		at := strings.IndexByte(one, '{')
		if at < 0 {
			out = append(out, one)
			continue
		}
		ids := variables[one[at:]](c)
		for _, id := range ids {
			if _, err := fhir.ParseID(string(id)); err != nil {
				return "", false
			}
			out = append(out, one[:at]+string(id))
		}
		if len(ids) == 0 {
			return "", false
		}
	}
	return strings.Join(out, ","), true
}

// bind gives the conditions of a criterion for a type. ok is false where it can never hold, as where the caller has no
// organization.
func (c *compiler) bind(w criterion, t fhir.Type) (all []search.Condition, ok bool, err error) {
	var plain []search.Parameter
	for _, p := range w.parts {
		value, has := fill(p.Value, c.caller)
		if !has {
			return nil, false, nil
		}
		name, own := special(p)
		if own && name == "sender" && r4.Param(t, "sender") != nil && !strings.Contains(p.Value, "{") {
			own = false // Communication has a parameter of this name
		}
		if !own {
			if strings.Contains(p.Value, "{") {
				if err := c.exact(t, p); err != nil {
					return nil, false, err
				}
			}
			p.Value = value
			plain = append(plain, p)
			continue
		}
		one, holds, err := c.own(name, p.Value, value, t)
		if err != nil || !holds {
			return nil, false, err
		}
		all = append(all, one)
	}
	if len(plain) == 0 {
		return all, true, nil
	}
	req, err := search.Bind(t, plain, c.options)
	if err != nil {
		return nil, false, err
	}
	if len(req.Query.Where) != len(plain) {
		return nil, false, fmt.Errorf("it has a parameter that says how results are shown")
	}
	return append(all, req.Query.Where...), true, nil
}

// exact demands that the parameter compares whole values: an id must not match another that begins with it.
func (c *compiler) exact(t fhir.Type, p search.Parameter) error {
	name, chain := p.Name, p.Chain
	if p.Name == "_has" {
		parts := strings.SplitN(p.Modifier, ":", 3)
		if len(parts) != 3 {
			return nil // the binder says it
		}
		inner, err := search.Parse(parts[2] + "=" + p.Value)
		if err != nil || len(inner) != 1 {
			return nil
		}
		return c.exact(fhir.Type(parts[0]), inner[0])
	}
	param := r4.Param(t, name)
	if param == nil {
		return nil
	}
	if chain != "" {
		inner, err := search.Parse(chain + "=" + p.Value)
		if err != nil || len(inner) != 1 {
			return nil
		}
		targets := param.Targets
		if p.Modifier != "" {
			targets = []fhir.Type{fhir.Type(p.Modifier)}
		}
		for _, t := range targets {
			if err := c.exact(t, inner[0]); err != nil {
				return err
			}
		}
		return nil
	}
	if p.Modifier != "" && !r4.IsResource(fhir.Type(p.Modifier)) || param.Type != r4.ParamReference && param.Type != r4.ParamToken {
		return fmt.Errorf("unsafe variable: %s does not compare whole values", p.Key())
	}
	return nil
}

// own binds a part of the language that is not FHIR's.
func (c *compiler) own(name, written, value string, t fhir.Type) (search.Condition, bool, error) {
	switch name {
	case "sender":
		if written != "{organization}" {
			return nil, false, fmt.Errorf("sender compares with {organization} alone")
		}
		return search.Terms{Name: "sender", Any: []search.Term{{Param: search.ParamSender, Exact: true, Low: []byte(value)}}}, true, nil
	case "cited-by":
		if value != "Claim" && value != "ClaimResponse" {
			return nil, false, fmt.Errorf("cited-by takes Claim or ClaimResponse")
		}
		return search.Has{Name: "cited-by", Param: search.ParamCites, Source: search.Query{Type: fhir.Type(value)}}, true, nil
	}
	var of fhir.Type
	var ids []fhir.ID
	for one := range strings.SplitSeq(value, ",") {
		typ, id, ok := strings.Cut(one, "/")
		if !ok || !slices.Contains(r4.Compartments(), fhir.Type(typ)) || of != "" && of != fhir.Type(typ) {
			return nil, false, fmt.Errorf("compartment is one of %v, a slash and an id", r4.Compartments())
		}
		of, ids = fhir.Type(typ), append(ids, fhir.ID(id))
	}
	in, ok := c.compartment(of, ids, t)
	return in, ok, nil
}

// compartment holds for resources of t in the compartment of one of some resources; ok is false where there never are any.
// Other Patients that link to the Patient are not taken in: a link of another makes nobody's record his.
func (c *compiler) compartment(of fhir.Type, ids []fhir.ID, t fhir.Type) (search.Condition, bool) {
	switch {
	case len(ids) == 0 || ids[0] == "":
		return nil, false
	case t == of:
		return search.IDs{ID: ids}, true
	}
	in := search.Terms{Name: "compartment"}
	for _, code := range r4.CompartmentParams(of, t) {
		for _, id := range ids {
			in.Any = append(in.Any, search.Term{
				Param: search.ParamID(r4.Param(t, code).ID), Exact: true, Low: search.ReferenceValue(fhir.Key{Type: of, ID: id}),
			})
		}
	}
	return in, len(in.Any) > 0
}

// wordsOf gives an error of the search language in the words of the catalogue.
func wordsOf(err error) error {
	o := outcome.Of(err, outcome.English)
	if o.Reference != "" {
		return err
	}
	return fmt.Errorf("%s", o.Issues[0].Text)
}
