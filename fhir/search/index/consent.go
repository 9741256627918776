package index

import (
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// consent adds what a Consent permits and denies, and the resources that it is about.
func (x *Indexer) consent(root resource.Value) {
	c := x.readConsent(root) // adds values of its own
	from := len(x.buf)
	x.buf = search.AppendConsent(x.buf, c)
	x.add(search.ParamConsent, from)
}

// readConsent reads the rules of a Consent. R4 wants no type in the root provision, and its own examples have it both ways.
// Without one, a root that names but a period is the frame in which policyRule holds; one that names more is an exception
// to policyRule, which is OPTIN where nothing else is said.
func (x *Indexer) readConsent(root resource.Value) search.Consent {
	c := search.Consent{Inactive: !search.SpeaksOfAccess(root)}
	if c.Inactive {
		return c
	}
	optOut := false
	for p := range root.Get("policyRule").Get("coding").Elements() {
		switch p.Get("code").Text() {
		case "OPTOUT", "OPTOUTE":
			optOut = true
		}
	}
	rule := root.Get("provision")
	c.Root = x.provision(rule, 1)
	frame := len(c.Root.Purposes)+len(c.Root.Actors)+len(c.Root.Actions)+len(c.Root.Classes) == 0 &&
		c.Root.Label == 0 && !c.Root.Data && !c.Root.Dated && len(c.Root.Codes) == 0 && !c.Root.Vague && !c.Root.VagueActor
	switch rule.Get("type").Text() {
	case "deny":
		c.Otherwise = optOut
	case "permit":
		c.Otherwise = optOut
	default:
		if c.Root.Deny = optOut; frame {
			break // when the period is over, nothing is said any more
		}
		c.Root.Deny, c.Otherwise = !optOut, optOut
	}
	return c
}

func (x *Indexer) provision(v resource.Value, depth int) search.Provision {
	p := search.Provision{Deny: v.Get("type").Text() != "permit", Start: search.NoStart, End: search.NoEnd}
	if iv, ok := period(v.Get("period")); ok {
		p.Start, p.End = iv.Start, iv.End
	} else if v.Get("period").Kind() != resource.None {
		p.Vague = true
	}
	for one := range v.Get("purpose").Elements() {
		p.Purposes = append(p.Purposes, one.Get("code").Text())
	}
	for one := range v.Get("actor").Elements() {
		key, ok := x.local(one.Get("reference"))
		switch {
		case ok && slices.Contains(search.ConsentActors, key.Type):
			p.Actors = append(p.Actors, key)
		default: // a device, a relative, or somebody elsewhere
			p.VagueActor = true
		}
	}
	for one := range v.Get("action").Elements() {
		if code := search.ConsentAction(one); code != "" {
			p.Actions = append(p.Actions, code)
		} else {
			p.Vague = true
		}
	}
	for one := range v.Get("class").Elements() {
		if t := search.ConsentClass(one); t != "" {
			p.Classes = append(p.Classes, string(t))
		} else {
			p.Vague = true // kinds of documents
		}
	}
	for one := range v.Get("securityLabel").Elements() {
		if level := search.Confidentiality(one.Get("code").Text()); level > 0 {
			p.Label = max(p.Label, level)
		} else {
			p.Vague = true
		}
	}
	if iv, ok := period(v.Get("dataPeriod")); ok {
		p.Dated, p.DataStart, p.DataEnd = true, iv.Start, iv.End
	} else if v.Get("dataPeriod").Kind() != resource.None {
		p.Vague = true
	}
	for one := range v.Get("code").Elements() {
		codes := search.ConsentCodes(one)
		p.Vague = p.Vague || len(codes) == 0
		for _, c := range codes {
			p.Codes = append(p.Codes, string(search.AppendToken(nil, c.Get("code").Text(), x.fold(c.Get("system").Text()))))
		}
	}
	for one := range v.Get("data").Elements() {
		p.Data = true
		from := len(x.buf)
		x.buf = search.AppendReference(x.buf, one.Get("reference").Get("reference").Text(), x.index.o.Base, x.index.o.Also)
		x.add(search.ParamConsentData, from)
	}
	if depth <= search.MaxProvisionDepth { // deeper ones make AppendConsent give up
		for one := range v.Get("provision").Elements() {
			p.Nested = append(p.Nested, x.provision(one, depth+1))
		}
	}
	return p
}

// local gives the resource of this server that a Reference names.
func (x *Indexer) local(reference resource.Value) (fhir.Key, bool) {
	from := len(x.buf)
	x.buf = search.AppendReference(x.buf, reference.Get("reference").Text(), x.index.o.Base, x.index.o.Also)
	key, ok := search.ReferenceKey(x.buf[from:])
	x.buf = x.buf[:from]
	return key, ok
}

// cites adds every reference below v.
func (x *Indexer) cites(v resource.Value) {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		switch {
		case c.Kind() == resource.String && c.Name() == "reference":
			from := len(x.buf)
			x.buf = search.AppendReference(x.buf, c.Text(), x.index.o.Base, x.index.o.Also)
			x.add(search.ParamCites, from)
		case c.Kind() == resource.Object || c.Kind() == resource.Array:
			x.cites(c)
		}
	}
}
