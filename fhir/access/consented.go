package access

import (
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

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

// accepting gives the term that holds for a Consent of which f holds. One that cannot be read denies.
func accepting(f func(search.Consent) bool) search.Term {
	return search.Term{Param: search.ParamConsent, Accept: func(value []byte) bool {
		read, err := search.ReadConsent(value)
		return err != nil || f(read)
	}}
}

// saying gives what a Derived on a Consent comes to.
func saying(f func(search.Consent, search.Lookup) bool) func([]search.Entry, search.Lookup) search.Condition {
	return func(entries []search.Entry, look search.Lookup) search.Condition {
		holds := accepting(func(c search.Consent) bool { return f(c, look) })
		if slices.ContainsFunc(entries, holds.Holds) {
			return search.Holds
		}
		return search.Never
	}
}

// ofPatient gives the condition on a resource of t that a Consent of its patient fulfils is.
func ofPatient(t fhir.Type, links []search.ParamID, is search.Condition) search.Condition {
	has := ofPerson(search.Has{
		Name: "consent", Param: search.ParamID(r4.Param("Consent", "patient").ID),
		Source: search.Query{Type: "Consent", Where: []search.Condition{is}},
	}, linksFollowed)
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

// consented gives the condition that no Consent of the patient denies it; nil for types that are about no patient. It is
// decided each time anew, by the Consents and the clock of that moment.
func consented(c Caller, t fhir.Type, action store.Action, now func() time.Time) search.Condition {
	links := patientLinks(t)
	if t != "Patient" && len(links) == 0 {
		return nil
	}
	// denied holds for a resource whose patient has a Consent that denies it. What depends on who belongs to whom is decided
	// where the Consent is, what depends on the resource's dates and codes for each resource: neither unless a Consent asks.
	denied := func(level uint8, data bool) search.Condition {
		ask := asked{caller: c, action: action, typ: t, level: level, data: data}
		perhaps := search.Terms{Name: "consent", Any: []search.Term{accepting(func(read search.Consent) bool {
			return read.Root.AsksOfContent() || read.Root.AsksOfMembers() || ask.denied(read, now())
		})}}
		whatever := search.Derived{Name: "consent", From: saying(func(read search.Consent, look search.Lookup) bool {
			ask := ask
			ask.look = look
			return !read.Root.AsksOfContent() && ask.denied(read, now())
		})}
		thisOne := search.Derived{Name: "consent by content", From: func(entries []search.Entry, look search.Lookup) search.Condition {
			ask := ask
			ask.content = contentOf(t, entries, look)
			return ofPatient(t, links, search.Derived{Name: "consent", From: saying(func(read search.Consent, look search.Lookup) bool {
				ask.look = look
				return read.Root.AsksOfContent() && ask.denied(read, now())
			})})
		}}
		return search.All{Of: []search.Condition{
			ofPatient(t, links, perhaps),
			search.Either{Of: []search.Condition{ofPatient(t, links, whatever), thisOne}},
		}}
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
