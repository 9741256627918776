package access

import (
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// asked is what a Consent is asked about: who wants to do what with resources of one kind.
type asked struct {
	caller Caller
	action store.Action
	typ    fhir.Type
	level  uint8 // of confidentiality
	data   bool  // the resource is one that provisions name

	content *content      // dates and codes of the resource; nil where no rule asks for them
	look    search.Lookup // who belongs to whom
}

// normal is the level of confidentiality of what has no label.
var normal = search.Confidentiality("N")

// holding says whether a rule of a Consent applies.
type holding uint8

const (
	no    holding = iota
	maybe         // there is a criterion that nobody here can decide
	yes
)

// denied says whether a Consent denies it at a time. A deeper rule goes before the one around it, and of two at one place the
// one that denies. What cannot be decided counts against access.
func (a asked) denied(c search.Consent, now time.Time) bool {
	if c.Inactive {
		return false
	}
	said, deny := a.verdict(&c.Root, now.UnixMilli())
	if !said {
		return c.Otherwise
	}
	return deny
}

func (a asked) verdict(p *search.Provision, now int64) (said, deny bool) {
	holds := a.holds(p, now)
	if holds == no {
		return false, false
	}
	for i := range p.Nested {
		s, d := a.verdict(&p.Nested[i], now)
		said, deny = said || s, deny || s && d
	}
	switch {
	case said && (deny || holds == yes || p.Deny):
		return true, deny
	case holds == yes || p.Deny:
		return true, p.Deny
	}
	return false, false
}

func (a asked) holds(p *search.Provision, now int64) holding {
	out := yes
	if p.Vague {
		out = maybe
	}
	level := p.Label
	if p.Deny && level > 0 {
		level = max(level, normal) // what has a lower label than normal is held to be normal
	}
	switch {
	case now < p.Start, now > p.End:
		return no
	case len(p.Classes) > 0 && !slices.Contains(p.Classes, string(a.typ)):
		return no
	case level > 0 && a.level > level:
		return no
	case p.Data && !(a.data && p.Deny):
		return no
	case len(p.Actions) > 0 && !slices.ContainsFunc(p.Actions, a.isAction):
		return no
	}
	if len(p.Actors) > 0 || p.VagueActor {
		is := no
		if p.VagueActor {
			is = maybe
		}
		for _, k := range p.Actors {
			is = max(is, a.isActor(k, now))
		}
		out = min(out, is)
	}
	if p.Dated {
		out = min(out, a.content.within(search.Interval{Start: p.DataStart, End: p.DataEnd}))
	}
	if len(p.Codes) > 0 {
		out = min(out, a.content.carries(p.Codes))
	}
	if len(p.Purposes) > 0 {
		out = min(out, purposeAmong(p.Purposes, a.caller.Purpose))
	}
	return out
}

// isAction compares codes of http://terminology.hl7.org/CodeSystem/consentaction; one that is not known is every action.
func (a asked) isAction(code string) bool {
	switch code {
	case "collect":
		return a.action == store.ActionCreate
	case "correct":
		return a.action == store.ActionUpdate || a.action == store.ActionDelete
	case "access", "use", "disclose":
		return a.action == store.ActionRead || a.action == store.ActionSearch
	}
	return true
}
