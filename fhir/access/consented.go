package access

import (
	"bytes"
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

// linksFollowed is how far a Consent reaches from one entry of a person to another, up to those that the entry names and down to
// those that name one of these: a merge of what had been merged, twice.
const linksFollowed = 3

// ofPerson gives the condition on a Patient that c holds for it or for another one that is the same person by a link: what he denies
// under one id holds for what was recorded under the other. A link counts from either side, since only that of the entry which was
// replaced is sure to stay: whoever sends the other one again mostly leaves his out. Who writes a link cannot make anything seen by
// it, and writes none to whom he does not see (fhir/care), so that nobody denies in another's name either.
func ofPerson(c search.Condition) search.Condition {
	link := param("Patient", "link")
	below := c // and those that name it
	for range linksFollowed {
		below = search.Either{Of: []search.Condition{c, search.Has{Name: "link", Param: link, Source: search.Query{Type: "Patient", Where: []search.Condition{below}}}}}
	}
	all := below
	for range linksFollowed {
		all = search.Either{Of: []search.Condition{below, search.Chain{Name: "link", Param: link, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{all}}}}}}
	}
	return all
}

// patientsOf gives references to the patients of a resource, and to those that their entries name.
func patientsOf(entries []search.Entry, links []search.ParamID, look search.Lookup) (all []search.Term) {
	add := func(v []byte) {
		if key, local := search.ReferenceKey(v); local && key.Type == "Patient" && !slices.ContainsFunc(all, func(t search.Term) bool { return bytes.Equal(t.Low, v) }) {
			all = append(all, search.Term{Exact: true, Low: v})
		}
	}
	for _, link := range links {
		for v := range entryValues(entries, link) {
			add(v)
		}
	}
	from := 0
	for range linksFollowed {
		level := all[from:]
		from = len(all)
		for _, t := range level {
			key, _ := search.ReferenceKey(t.Low)
			named, _ := look(key)
			for v := range entryValues(named, param("Patient", "link")) {
				add(v)
			}
		}
	}
	return all
}

// consentOf gives the condition on a Consent that it is of one of some patients, or of one whose entry names one of these.
func consentOf(patients []search.Term) search.Condition {
	among := func(p search.ParamID) search.Condition {
		any := slices.Clone(patients)
		for i := range any {
			any[i].Param = p
		}
		return search.Terms{Name: "patient", Any: any}
	}
	leads := func(p search.ParamID, is search.Condition) search.Condition {
		return search.Chain{Name: "patient", Param: p, Targets: []search.Query{{Type: "Patient", Where: []search.Condition{is}}}}
	}
	link := param("Patient", "link")
	names := among(link)
	for range linksFollowed - 1 {
		names = search.Either{Of: []search.Condition{among(link), leads(link, names)}}
	}
	of := param("Consent", "patient")
	return search.Either{Of: []search.Condition{among(of), leads(of, names)}}
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
		Name: "consent", Param: param("Consent", "patient"),
		Source: search.Query{Type: "Consent", Where: []search.Condition{is}},
	})
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
	// What a Consent names is denied by that one: another that names something else says nothing of it, nor does a stranger's.
	named := []search.Condition{search.Has{Name: "consent", Param: search.ParamConsentData, Source: search.Query{Type: "Consent"}}}
	if t == "Patient" {
		named = append(named, denied(normal, true))
	} else {
		named = append(named, search.Derived{Name: "consent by name", From: func(entries []search.Entry, look search.Lookup) search.Condition {
			ask := asked{caller: c, action: action, typ: t, level: normal, data: true, content: contentOf(t, entries, look), look: look}
			denies := search.Derived{Name: "consent", From: saying(func(read search.Consent, _ search.Lookup) bool { return ask.denied(read, now()) })}
			return search.Has{Name: "consent", Param: search.ParamConsentData, Source: search.Query{Type: "Consent", Where: []search.Condition{
				consentOf(patientsOf(entries, links, look)), denies,
			}}}
		}})
	}
	return search.Not{Condition: search.Either{Of: []search.Condition{
		denied(normal, false),
		search.All{Of: []search.Condition{labelled("R"), denied(search.Confidentiality("R"), false)}},
		search.All{Of: []search.Condition{labelled("V"), denied(search.Confidentiality("V"), false)}},
		search.All{Of: named},
	}}}
}
