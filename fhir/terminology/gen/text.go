package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type codeSystem struct {
	URL, Version, Content, HierarchyMeaning string
	CaseSensitive                           *bool
	Concept                                 []concept
}

type concept struct {
	Code, Display string
	Property      []property
	Concept       []concept
}

// property is a concept's property; its value is the member whose name begins with "value".
type property struct{ code, value string }

func (p *property) UnmarshalJSON(raw []byte) error {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return err
	}
	for name, v := range members {
		switch {
		case name == "code":
			p.code = fmt.Sprint(v)
		case name == "valueCoding":
			p.value = fmt.Sprint(v.(map[string]any)["code"])
		case strings.HasPrefix(name, "value"):
			p.value = fmt.Sprint(v)
		}
	}
	return nil
}

type valueSet struct {
	URL, Version string
	Compose      struct {
		Inactive         *bool
		Include, Exclude []include
	}
}

type include struct {
	System  string
	Concept []concept
	Filter  []struct{ Property, Op, Value string }
	// ValueSet are imports: the include has the codes that are in all of them.
	ValueSet []string
}

func (c codeSystem) version() string { return c.Version }
func (v valueSet) version() string   { return v.Version }

// text writes all that was read.
func (d *definitionSet) text() []byte {
	var b bytes.Buffer
	displays := map[string]map[string]string{}
	for _, url := range slices.Sorted(maps.Keys(d.codeSystems)) {
		c := d.codeSystems[url]
		line(&b, "C\t", c.URL, c.Version, c.flags())
		w := conceptWriter{out: &b, displays: map[string]string{}, parents: map[string][]string{}}
		w.collect(c.Concept, "")
		w.write(c.Concept, 0)
		displays[url] = w.displays
	}
	for _, url := range slices.Sorted(maps.Keys(d.valueSets)) {
		v := d.valueSets[url]
		flags := ""
		if v.Compose.Inactive != nil && !*v.Compose.Inactive {
			flags = "a"
		}
		line(&b, "V\t", v.URL, v.Version, flags)
		for _, i := range v.Compose.Include {
			i.write(&b, "+", displays[i.System])
		}
		for _, i := range v.Compose.Exclude {
			i.write(&b, "-", displays[i.System])
		}
	}
	return b.Bytes()
}

func (c codeSystem) flags() string {
	f := ""
	if c.CaseSensitive != nil && !*c.CaseSensitive {
		f += "i"
	}
	if c.Content == "not-present" || c.Content == "supplement" {
		f += "n"
	}
	if c.HierarchyMeaning != "" && c.HierarchyMeaning != "is-a" {
		f += "x"
	}
	return f
}

// conceptWriter writes the concepts of one code system.
type conceptWriter struct {
	out      *bytes.Buffer
	displays map[string]string   // by code
	parents  map[string][]string // that the property "child" gives and nesting does not
}

// collect reads the displays, and the parents that nesting does not show.
func (w *conceptWriter) collect(list []concept, parent string) {
	for _, c := range list {
		w.displays[c.Code] = c.Display
		for _, p := range c.Property {
			nested := func(n concept) bool { return n.Code == p.value }
			if p.code == "child" && !slices.ContainsFunc(c.Concept, nested) {
				w.parents[p.value] = append(w.parents[p.value], c.Code)
			}
		}
		w.collect(c.Concept, c.Code)
	}
}

func (w *conceptWriter) write(list []concept, depth int) {
	if depth > 35 {
		panic("a hierarchy deeper than the format allows")
	}
	for _, c := range list {
		display := c.Display
		if display == c.Code {
			display = ""
		}
		line(w.out, string("0123456789abcdefghijklmnopqrstuvwxyz"[depth]), c.Code, display)
		for _, p := range w.parents[c.Code] {
			line(w.out, ">", p)
		}
		for _, p := range c.Property {
			if p.code != "child" && p.code != "deprecationDate" {
				line(w.out, "=", p.code, p.value)
			}
		}
		w.write(c.Concept, depth+1)
	}
}

func (i include) write(b *bytes.Buffer, sign string, displays map[string]string) {
	line(b, sign, i.System)
	for _, c := range i.Concept {
		display := c.Display
		if display == displays[c.Code] || display == c.Code {
			display = ""
		}
		line(b, ".", c.Code, display)
	}
	for _, f := range i.Filter {
		line(b, "?", f.Property, f.Op, f.Value)
	}
	for _, v := range i.ValueSet {
		line(b, "@", v)
	}
}

// line writes fields after a mark; empty ones at the end are left out. White space within a field becomes one space.
func line(b *bytes.Buffer, mark string, fields ...string) {
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	b.WriteString(mark)
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('\t')
		}
		if strings.ContainsAny(f, "\t\r\n") {
			f = strings.Join(strings.Fields(f), " ")
		}
		b.WriteString(f)
	}
	b.WriteByte('\n')
}
