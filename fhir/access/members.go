package access

import (
	"bytes"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// membersFollowed is how deep groups within groups, and organizations within organizations, are followed. What lies deeper
// cannot be decided.
const membersFollowed = 8

// isActor says whether the actor of a rule is who asks, in whatever role the rule sees it: himself, what he belongs to, or a
// role that he has.
//
//	Organization      the caller's, or one that it is part of
//	Practitioner      the caller
//	PractitionerRole  one of the caller, if any for the caller's organization, that is active and holds now
//	CareTeam, Group   whose member the caller is now; of a Group that describes its members, or is not in use, nobody knows
//	Patient           the caller, also under another id
func (a asked) isActor(k fhir.Key, now int64) holding { return a.belongs(k, now, membersFollowed) }

func (a asked) belongs(k fhir.Key, now int64, depth int) holding {
	if depth == 0 {
		return maybe
	}
	switch k.Type {
	case "Organization":
		return a.partOf(k.ID)
	case "Practitioner":
		return certainly(k.ID == a.caller.Practitioner)
	case "Patient":
		return certainly(slices.Contains(a.caller.patients(), k.ID))
	case "PractitionerRole":
		return a.hasRole(k, now)
	case "CareTeam", "Group":
		entries, found := a.find(k)
		if !found {
			return maybe // whoever is in it
		}
		out := no
		for v := range entryValues(entries, search.ParamMember) {
			switch m := search.ReadMember(v); {
			case m.Unsaid:
				out = max(out, maybe)
			case m.Start <= now && now <= m.End:
				out = max(out, a.belongs(m.Key, now, depth-1))
			}
		}
		return out
	}
	return no
}

func certainly(is bool) holding {
	if is {
		return yes
	}
	return no
}

func (a asked) find(k fhir.Key) ([]search.Entry, bool) {
	if a.look == nil {
		return nil, false
	}
	return a.look(k)
}

// partOf goes up from the caller's organization. That an organization is part of another counts for it only if somebody
// else said so: by its own word nobody gets what a patient permitted to others.
func (a asked) partOf(whole fhir.ID) holding {
	of, sure := a.caller.Organization, yes
	for range membersFollowed {
		if of == whole || of == "" {
			return min(sure, certainly(of == whole))
		}
		entries, found := a.find(fhir.Key{Type: "Organization", ID: of})
		if !found {
			return no
		}
		for v := range entryValues(entries, search.ParamSender) {
			if string(v) == string(a.caller.Organization) {
				sure = maybe
			}
		}
		of = ""
		for v := range entryValues(entries, param("Organization", "partof")) {
			key, local := search.ReferenceKey(v)
			if !local || key.Type != "Organization" {
				return maybe // of one elsewhere
			}
			of = key.ID
		}
	}
	return maybe
}

func (a asked) hasRole(k fhir.Key, now int64) holding {
	entries, found := a.find(k)
	if !found {
		return maybe
	}
	has := func(code string, key fhir.Key) (any, this bool) {
		for v := range entryValues(entries, param(k.Type, code)) {
			any = true
			this = this || bytes.Equal(v, search.ReferenceValue(key))
		}
		return any, this
	}
	if _, his := has("practitioner", fhir.Key{Type: "Practitioner", ID: a.caller.Practitioner}); !his {
		return no
	}
	if any, this := has("organization", fhir.Key{Type: "Organization", ID: a.caller.Organization}); any && !this {
		return no
	}
	for v := range entryValues(entries, param(k.Type, "active")) {
		if bytes.Equal(v, search.AppendToken(nil, "false", "")) {
			return no
		}
	}
	for v := range entryValues(entries, param(k.Type, "date")) {
		if iv, ok := search.ReadDate(v); !ok || now < iv.Start || now > iv.End {
			return no
		}
	}
	return yes
}

func param(t fhir.Type, code string) search.ParamID { return search.ParamID(r4.Param(t, code).ID) }
