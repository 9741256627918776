package index

import (
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// composite joins the values of the components within one element v: each with each.
func (x *Indexer) composite(a *action, e *r4.Element, v resource.Value) {
	// The parts are gathered behind the entries and taken off again; their bytes in buf are left behind.
	start := len(x.refs)
	var ends [4]int
	for i := range a.parts {
		x.part(&a.parts[i], e, v)
		ends[i] = len(x.refs)
		if i == 0 && ends[0] == start {
			return
		}
	}
	var room [64]ref
	all := append(room[:0], x.refs[start:]...)
	x.refs = x.refs[:start]
	for i := range ends {
		ends[i] -= start
	}
	first, second := all[:ends[0]], all[ends[0]:ends[1]]
	third := []ref{{}}
	if len(a.parts) == 3 {
		third = all[ends[1]:ends[2]]
	}
	for _, f := range first {
		for _, s := range second {
			for _, t := range third {
				from := len(x.buf)
				if len(a.parts) == 3 {
					x.buf = search.AppendComposite(x.buf, x.value(f), x.value(s), x.value(t))
				} else {
					x.buf = search.AppendComposite(x.buf, x.value(f), x.value(s))
				}
				x.add(a.param, from)
			}
		}
	}
}

// part emits the values of one component.
func (x *Indexer) part(p *part, e *r4.Element, v resource.Value) {
	if p.computed != nil {
		at := fhirpath.ResourceItem(v)
		if e != nil {
			at = fhirpath.ElementItem(e, v)
		}
		for _, item := range p.computed.Append(nil, fhirpath.ResourceItem(x.root), at) {
			if item.Element != nil {
				x.emit(0, p.kind, item.Element, item.Value, true)
			}
		}
		return
	}
	for _, steps := range p.paths {
		x.follow(steps, v, func(e *r4.Element, v resource.Value) { x.emit(0, p.kind, e, v, true) })
	}
}
