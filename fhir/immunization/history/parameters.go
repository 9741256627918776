package history

import (
	"strconv"
	"time"

	"github.com/lienthong/lienthong/fhir/resource"
)

// parameters writes a list of Parameters.parameter straight as JSON: a summary has hundreds of them, and a tree of them would be
// as many small pieces of memory that are looked at once. What has no value is left out, as by resource.AppendJSON.
type parameters struct{ b []byte }

// next writes a comma where something stands before in the list or object.
func (p *parameters) next() {
	if last := p.b[len(p.b)-1]; last != '[' && last != '{' {
		p.b = append(p.b, ',')
	}
}

// begin writes a parameter up to its value. Names are ours and have nothing to escape.
func (p *parameters) begin(name, element string) {
	p.next()
	p.b = append(p.b, `{"name":"`...)
	p.b = append(p.b, name...)
	p.b = append(p.b, `","`...)
	p.b = append(p.b, element...)
	p.b = append(p.b, `":`...)
}

func (p *parameters) text(name, element, value string) {
	if value != "" {
		p.begin(name, element)
		p.b = append(resource.AppendString(p.b, value), '}')
	}
}

func (p *parameters) date(name string, on time.Time) {
	if !on.IsZero() {
		p.begin(name, "valueDate")
		p.b = append(p.b, '"')
		p.b = on.AppendFormat(p.b, time.DateOnly)
		p.b = append(p.b, `"}`...)
	}
}

func (p *parameters) integer(name string, n int) {
	p.begin(name, "valueInteger")
	p.b = append(strconv.AppendInt(p.b, int64(n), 10), '}')
}

func (p *parameters) boolean(name string, yes bool) {
	p.begin(name, "valueBoolean")
	p.b = append(strconv.AppendBool(p.b, yes), '}')
}

// tree writes a value that is made as resource.AppendJSON takes it, and not empty.
func (p *parameters) tree(name, element string, value any) {
	p.begin(name, element)
	p.b = append(resource.AppendJSON(p.b, value), '}')
}

// object writes a parameter whose value has the members that write adds; without any there is no parameter.
func (p *parameters) object(name, element string, write func()) {
	mark := len(p.b)
	p.begin(name, element)
	p.b = append(p.b, '{')
	write()
	if p.b[len(p.b)-1] == '{' {
		p.b = p.b[:mark]
		return
	}
	p.b = append(p.b, "}}"...)
}

// member adds one to an object that is being written.
func (p *parameters) member(name, value string) {
	if value != "" {
		p.next()
		p.b = append(p.b, '"')
		p.b = append(p.b, name...)
		p.b = append(p.b, `":`...)
		p.b = resource.AppendString(p.b, value)
	}
}

func (p *parameters) reference(name, reference, display string) {
	p.object(name, "valueReference", func() {
		p.member("reference", reference)
		p.member("display", display)
	})
}

// parts writes a parameter made of those that write adds.
func (p *parameters) parts(name string, write func()) {
	p.begin(name, "part")
	p.b = append(p.b, '[')
	write()
	p.b = append(p.b, "]}"...)
}

// codings adds the codings of a CodeableConcept that was sent to an object that is being written.
func (p *parameters) codings(concept resource.Value) {
	mark := len(p.b)
	p.next()
	p.b = append(p.b, `"coding":[`...)
	for c := range concept.Get("coding").Elements() {
		before := len(p.b)
		p.next()
		p.b = append(p.b, '{')
		p.member("system", c.Get("system").Text())
		p.member("code", c.Get("code").Text())
		p.member("display", c.Get("display").Text())
		if p.b[len(p.b)-1] == '{' {
			p.b = p.b[:before]
			continue
		}
		p.b = append(p.b, '}')
	}
	if p.b[len(p.b)-1] == '[' {
		p.b = p.b[:mark]
		return
	}
	p.b = append(p.b, ']')
}
