package access

import (
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
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
		switch {
		case slices.ContainsFunc(p.Actors, a.isActor):
		case p.VagueActor:
			out = maybe
		default:
			return no
		}
	}
	if len(p.Purposes) > 0 {
		switch {
		case a.caller.Purpose == "":
			out = maybe
		case !slices.ContainsFunc(p.Purposes, a.isPurpose):
			return no
		}
	}
	return out
}

// isActor: the actor of a rule is who asks, in whatever role the rule sees it.
func (a asked) isActor(k fhir.Key) bool {
	switch k.Type {
	case "Organization":
		return k.ID == a.caller.Organization
	case "Practitioner":
		return k.ID == a.caller.Practitioner
	case "Patient":
		return slices.Contains(a.caller.patients(), k.ID)
	}
	return false
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

// wider gives the purpose that a purpose is a kind of, in http://terminology.hl7.org/CodeSystem/v3-ActReason.
var wider = map[string]string{
	"ETREAT": "TREAT", "BTG": "ETREAT", "CAREMGT": "TREAT", "CLINTRCH": "HRESCH", "HPAYMT": "PurposeOfUse", "TREAT": "PurposeOfUse",
	"HOPERAT": "PurposeOfUse", "PATRQT": "PurposeOfUse", "PUBHLTH": "PurposeOfUse", "HRESCH": "PurposeOfUse", "CLMATTCH": "HPAYMT",
	"COVAUTH": "HPAYMT", "COVERAGE": "HPAYMT", "ELIGVER": "HPAYMT", "ELIGDTRM": "HPAYMT", "HCOMPL": "HOPERAT",
}

func (a asked) isPurpose(code string) bool {
	for p := a.caller.Purpose; p != ""; p = wider[p] {
		if p == code {
			return true
		}
	}
	return false
}

// patientLinks gives the reference parameters by which a resource belongs to the patient it is about; none for Patient and
// for what is about nobody.
func patientLinks(t fhir.Type) []search.ParamID {
	for _, code := range []string{"patient", "subject", "beneficiary", "individual"} {
		if p := r4.Param(t, code); p != nil && p.Type == r4.ParamReference && slices.Contains(p.Targets, "Patient") {
			return []search.ParamID{search.ParamID(p.ID)}
		}
	}
	var out []search.ParamID
	if t == "Patient" {
		return nil
	}
	for _, code := range r4.CompartmentParams("Patient", t) {
		out = append(out, search.ParamID(r4.Param(t, code).ID))
	}
	return out
}

// linksFollowed is how far a Consent reaches from one entry of a person to another: a merge of what had been merged.
const linksFollowed = 2

// ofPerson gives the condition on a Patient that c holds for it or for another one that it links to: a link says that both
// are one person, and what he denies under one id holds for what was recorded under the other. Who writes a link cannot
// make anything seen by it.
func ofPerson(c search.Condition, links int) search.Condition {
	if links == 0 {
		return c
	}
	return search.Either{Of: []search.Condition{c, search.Chain{
		Name: "link", Param: search.ParamID(r4.Param("Patient", "link").ID), Targets: []search.Query{{Type: "Patient", Where: []search.Condition{ofPerson(c, links-1)}}},
	}}}
}

// consented gives the condition that no Consent of the patient denies it; nil for types that are about no patient. It is
// decided each time anew, by the Consents and the clock of that moment.
func consented(c Caller, t fhir.Type, action store.Action, now func() time.Time) search.Condition {
	links := patientLinks(t)
	if t != "Patient" && len(links) == 0 {
		return nil
	}
	// denied holds for a resource whose patient has a Consent that denies it.
	denied := func(level uint8, data bool) search.Condition {
		ask := asked{caller: c, action: action, typ: t, level: level, data: data}
		source := search.Query{Type: "Consent", Where: []search.Condition{search.Terms{Name: "consent", Any: []search.Term{{
			Param: search.ParamConsent, Accept: func(value []byte) bool {
				read, err := search.ReadConsent(value)
				return err != nil || ask.denied(read, now())
			},
		}}}}}
		has := ofPerson(search.Has{Name: "consent", Param: search.ParamID(r4.Param("Consent", "patient").ID), Source: source}, linksFollowed)
		if t == "Patient" {
			return has
		}
		var any []search.Condition
		for _, link := range links {
			any = append(any, search.Chain{Name: "patient", Param: link, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{has}}}})
		}
		if len(any) == 1 {
			return any[0]
		}
		return search.Either{Of: any}
	}
	labelled := func(code string) search.Condition {
		return search.Terms{Name: "_security", Any: []search.Term{{
			Param: search.ParamID(r4.Param(t, "_security").ID), Exact: true,
			Low: search.AppendToken(nil, code, "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
		}}}
	}
	named := search.Has{Name: "consent", Param: search.ParamConsentData, Source: search.Query{Type: "Consent"}}
	return search.Not{Condition: search.Either{Of: []search.Condition{
		denied(normal, false),
		search.All{Of: []search.Condition{labelled("R"), denied(search.Confidentiality("R"), false)}},
		search.All{Of: []search.Condition{labelled("V"), denied(search.Confidentiality("V"), false)}},
		search.All{Of: []search.Condition{named, denied(normal, true)}},
	}}}
}
