package terminology

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// filter gives the concepts of the table that pass f. url is of the value set, for errors.
func (t *table) filter(f filter, url string) (codes, error) {
	hierarchy := f.property == "concept" || f.property == "code"
	switch {
	case hierarchy && slices.Contains([]string{"is-a", "descendent-of", "is-not-a", "generalizes"}, f.op):
		return t.filterHierarchy(f)
	case f.op == "=":
		return t.filterValues(f, []string{f.value}, url)
	case f.op == "in", f.op == "not-in":
		values := strings.Split(f.value, ",")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		c, err := t.filterValues(f, values, url)
		if err == nil && f.op == "not-in" {
			c = allOf(t).but(c)
		}
		return c, err
	case f.op == "exists" && !hierarchy && (f.value == "true" || f.value == "false"):
		c, err := t.filterValues(f, nil, url)
		if err == nil && f.value == "false" {
			c = allOf(t).but(c)
		}
		return c, err
	}
	return codes{}, fhir.Errorf(fhir.Invalid, "filter-unsupported", "", f.property, f.op, url)
}

func (t *table) filterHierarchy(f filter) (codes, error) {
	if t.flat {
		return codes{}, fhir.Errorf(fhir.Invalid, "codesystem-without-hierarchy", "", t.system)
	}
	at := t.find(f.value)
	if at < 0 {
		return codes{}, fhir.Errorf(fhir.Invalid, "code-unknown", "", f.value, t.system)
	}
	over := t.down
	if f.op == "generalizes" {
		over = t.up
	}
	reached := t.reach(at, over)
	if f.op == "descendent-of" {
		reached = reached[1:]
	}
	c := t.some(reached)
	if f.op == "is-not-a" {
		c = allOf(t).but(c)
	}
	return c, nil
}

// some gives the concepts with those numbers.
func (t *table) some(numbers []int32) codes {
	c := codes{t: t, bits: make([]uint64, (len(t.concepts)+63)/64)}
	for _, i := range numbers {
		if bit := uint64(1) << (i & 63); c.bits[i>>6]&bit == 0 {
			c.bits[i>>6] |= bit
			c.n++
		}
	}
	return c
}

// filterValues gives the concepts with one of the values in a property; nil = with any value.
func (t *table) filterValues(f filter, values []string, url string) (codes, error) {
	var found []int32
	switch f.property {
	case "code", "concept":
		for _, v := range values {
			if i := t.find(v); i >= 0 {
				found = append(found, i)
			}
		}
		return t.some(found), nil
	case "display":
		for i := range int32(len(t.concepts)) {
			if d := t.concept(i).Display; values == nil && d != "" || slices.Contains(values, d) {
				found = append(found, i)
			}
		}
		return t.some(found), nil
	case "parent", "child":
		near, far := t.down, t.up // children of a parent
		if f.property == "child" {
			near, far = t.up, t.down
		}
		if values == nil {
			return allOf(t).where(func(i int32) bool { return len(far.of(i)) > 0 }), nil
		}
		for _, v := range values {
			if i := t.find(v); i >= 0 {
				found = append(found, near.of(i)...)
			}
		}
		return t.some(found), nil
	}
	name := slices.Index(t.propertyNames, f.property)
	if name < 0 {
		return codes{}, fhir.Errorf(fhir.Invalid, "filter-unsupported", "", f.property, f.op, url)
	}
	for _, p := range t.properties {
		if int(p.name) == name && (values == nil || slices.Contains(values, t.value(p))) {
			found = append(found, p.concept)
		}
	}
	return t.some(found), nil
}
