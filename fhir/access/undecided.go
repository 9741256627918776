package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// Undecided gives what an active Consent says that nobody here can decide, place by place: codes that are but words,
// devices and relatives as actors, kinds of documents, labels and actions that are not known. Whoever writes such a
// Consent is to be told, rather than to believe that it holds as it stands. What is stored already counts against access.
// local gives the resource of this server that a reference names.
func Undecided(consent resource.Value, local func(reference string) (fhir.Key, bool)) []fhir.Issue {
	if !search.SpeaksOfAccess(consent) {
		return nil
	}
	u := undecided{local: local}
	u.provision(consent.Get("provision"), "Consent.provision", 1)
	return u.issues
}

// undecidedMost bounds how many places are named.
const undecidedMost = 20

type undecided struct {
	local  func(string) (fhir.Key, bool)
	issues []fhir.Issue
}

func (u *undecided) add(code, path string, args ...any) {
	if len(u.issues) < undecidedMost {
		u.issues = append(u.issues, fhir.Issue{Severity: fhir.SeverityError, Code: code, Path: path, Args: args})
	}
}

func (u *undecided) provision(p resource.Value, path string, depth int) {
	if depth > search.MaxProvisionDepth {
		u.add("consent-too-deep", path, search.MaxProvisionDepth)
		return
	}
	if d := p.Get("dataPeriod"); d.Kind() != resource.None && d.Get("start").Text() == "" && d.Get("end").Text() == "" {
		u.add("consent-undecided-period", path+".dataPeriod")
	}
	for i, c := range elements(p.Get("purpose")) {
		if system := c.Get("system").Text(); !isPurpose(c.Get("code").Text()) || system != "" && system != purposeSystem {
			u.add("consent-undecided-purpose", at(path, "purpose", i))
		}
	}
	for i, c := range elements(p.Get("code")) {
		if len(search.ConsentCodes(c)) == 0 {
			u.add("consent-undecided-code", at(path, "code", i))
		}
	}
	for i, a := range elements(p.Get("actor")) {
		if key, ok := u.local(a.Get("reference").Get("reference").Text()); !ok || !slices.Contains(search.ConsentActors, key.Type) {
			u.add("consent-undecided-actor", at(path, "actor", i))
		}
	}
	for i, a := range elements(p.Get("action")) {
		if search.ConsentAction(a) == "" {
			u.add("consent-undecided-action", at(path, "action", i), strings.Join(search.ConsentActions, ", "))
		}
	}
	for i, c := range elements(p.Get("class")) {
		if search.ConsentClass(c) == "" {
			u.add("consent-undecided-class", at(path, "class", i))
		}
	}
	for i, l := range elements(p.Get("securityLabel")) {
		if search.Confidentiality(l.Get("code").Text()) == 0 {
			u.add("consent-undecided-label", at(path, "securityLabel", i))
		}
	}
	for i, inner := range elements(p.Get("provision")) {
		u.provision(inner, at(path, "provision", i), depth+1)
	}
}

func at(path, name string, i int) string { return fmt.Sprintf("%s.%s[%d]", path, name, i) }

func elements(v resource.Value) (out []resource.Value) {
	for e := range v.Elements() {
		out = append(out, e)
	}
	return out
}
