package index

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// group adds who belongs to a Group. One that is not in use, or that describes its members, may have any.
// Source: https://hl7.org/fhir/R4/group.html
func (x *Indexer) group(root resource.Value) {
	if root.Get("active").Text() == "false" {
		x.member(search.Member{Unsaid: true})
		return
	}
	if root.Get("actual").Text() == "false" || root.Get("characteristic").Len() > 0 {
		x.member(search.Member{Unsaid: true})
	}
	for m := range root.Get("member").Elements() {
		if m.Get("inactive").Text() != "true" {
			x.belongs(m.Get("entity"), m.Get("period"))
		}
	}
}

// careTeam adds who takes part in a CareTeam. Source: https://hl7.org/fhir/R4/careteam.html
func (x *Indexer) careTeam(root resource.Value) {
	switch root.Get("status").Text() {
	case "", "active":
	default:
		x.member(search.Member{Unsaid: true})
		return
	}
	for p := range root.Get("participant").Elements() {
		x.belongs(p.Get("member"), p.Get("period"))
	}
}

func (x *Indexer) belongs(reference, during resource.Value) {
	key, ok := x.local(reference)
	if !ok { // somebody elsewhere, or described in words
		key = fhir.Key{}
	}
	m := search.Member{Key: key, Start: search.NoStart, End: search.NoEnd, Unsaid: !ok}
	if iv, ok := period(during); ok {
		m.Start, m.End = iv.Start, iv.End
	}
	x.member(m)
}

func (x *Indexer) member(m search.Member) {
	from := len(x.buf)
	x.buf = search.AppendMember(x.buf, m)
	x.add(search.ParamMember, from)
}
