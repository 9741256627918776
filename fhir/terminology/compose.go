package terminology

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// maxRows bounds the includes, filters, imports and codes that one stored value set may list, nested ones of an expansion
// included; a definition that needs more is a code system.
const maxRows = 1_000_000

// reader reads a stored value set and counts what it took.
type reader struct {
	url  string
	rows int
}

// readDefinition reads a ValueSet resource. Its strings are its own. What cannot be a value set gives "valueset-malformed".
func readDefinition(v resource.Value) (definition, error) {
	r := reader{url: v.Get("url").Text()}
	if v.ResourceType() != "ValueSet" {
		return definition{}, r.malformed(v)
	}
	d := definition{url: strings.Clone(r.url), version: strings.Clone(v.Get("version").Text())}
	if compose := v.Get("compose"); compose.Kind() == resource.Object {
		d.composed = true
		d.activeOnly = compose.Get("inactive").Text() == "false" && compose.Get("inactive").Kind() == resource.Bool
		var err error
		if d.include, err = r.includes(compose.Get("include")); err != nil {
			return definition{}, err
		}
		if d.exclude, err = r.includes(compose.Get("exclude")); err != nil {
			return definition{}, err
		}
	}
	if expansion := v.Get("expansion"); expansion.Kind() == resource.Object {
		n := 0
		found := []include{}
		if err := r.contains(expansion.Get("contains"), &found, &n); err != nil {
			return definition{}, err
		}
		if whole(expansion, n) {
			d.expansion = found
		}
	}
	return d, nil
}

func (r *reader) malformed(at resource.Value) error {
	return fhir.Errorf(fhir.Invalid, "valueset-malformed", at.Path(), r.url)
}

// row counts one row.
func (r *reader) row() error {
	if r.rows++; r.rows > maxRows {
		return fhir.Errorf(fhir.TooCostly, "valueset-too-costly", "", r.url, maxRows)
	}
	return nil
}

// text gives a string that must be there, as a copy.
func (r *reader) text(v resource.Value, name string) (string, error) {
	s := v.Get(name)
	if s.Kind() != resource.String || s.Text() == "" {
		return "", r.malformed(v)
	}
	return strings.Clone(s.Text()), r.row()
}

func (r *reader) includes(list resource.Value) (out []include, err error) {
	for v := range list.Elements() {
		if v.Kind() != resource.Object {
			return nil, r.malformed(v)
		}
		i := include{system: strings.Clone(v.Get("system").Text()), version: strings.Clone(v.Get("version").Text())}
		for c := range v.Get("concept").Elements() {
			code, err := r.text(c, "code")
			if err != nil {
				return nil, err
			}
			i.concepts = append(i.concepts, listed{code, strings.Clone(c.Get("display").Text())})
		}
		for f := range v.Get("filter").Elements() {
			if err := r.filter(f, &i); err != nil {
				return nil, err
			}
		}
		for u := range v.Get("valueSet").Elements() {
			if u.Kind() != resource.String || u.Text() == "" {
				return nil, r.malformed(v)
			}
			i.imports = append(i.imports, strings.Clone(u.Text()))
		}
		// vsd-1, vsd-2, vsd-3: of nothing, or of codes without a system, or of codes and filters both.
		if i.system == "" && (len(i.imports) == 0 || len(i.concepts)+len(i.filters) > 0) || len(i.concepts) > 0 && len(i.filters) > 0 {
			return nil, r.malformed(v)
		}
		if err := r.row(); err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

func (r *reader) filter(v resource.Value, to *include) (err error) {
	var f filter
	if f.property, err = r.text(v, "property"); err != nil {
		return err
	}
	if f.op, err = r.text(v, "op"); err != nil {
		return err
	}
	if f.value, err = r.text(v, "value"); err != nil {
		return err
	}
	to.filters = append(to.filters, f)
	return nil
}

// contains reads the codes of an expansion at any depth into one include for each system; n counts the entries.
func (r *reader) contains(list resource.Value, to *[]include, n *int) error {
	for v := range list.Elements() {
		if v.Kind() != resource.Object {
			return r.malformed(v)
		}
		if err := r.row(); err != nil {
			return err
		}
		*n++
		if code := v.Get("code").Text(); code != "" {
			system := v.Get("system").Text()
			at := -1
			for i := range *to {
				if (*to)[i].system == system {
					at = i
				}
			}
			if at < 0 {
				if len(*to) >= maxSystems {
					return fhir.Errorf(fhir.TooCostly, "valueset-too-costly", "", r.url, maxSystems)
				}
				at = len(*to)
				*to = append(*to, include{system: strings.Clone(system)})
			}
			(*to)[at].concepts = append((*to)[at].concepts, listed{strings.Clone(code), strings.Clone(v.Get("display").Text())})
		}
		if err := r.contains(v.Get("contains"), to, n); err != nil {
			return err
		}
	}
	return nil
}

// maxSystems bounds the systems of one set: they are looked through one by one.
const maxSystems = 200

// whole tells whether an expansion with n entries says that it has all its codes.
func whole(expansion resource.Value, n int) bool {
	for e := range expansion.Get("extension").Elements() {
		if strings.HasSuffix(e.Get("url").Text(), "/valueset-toocostly") || strings.HasSuffix(e.Get("url").Text(), "/valueset-unclosed") {
			return false
		}
	}
	for p := range expansion.Get("parameter").Elements() {
		switch p.Get("name").Text() {
		case "filter", "limitedExpansion", "count", "offset":
			return false
		}
	}
	if o := expansion.Get("offset"); o.Kind() != resource.None && o.Text() != "0" {
		return false
	}
	total := expansion.Get("total")
	return total.Kind() == resource.None || total.Text() == itoa(n)
}
