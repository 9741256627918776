package main

import (
	"strings"
	"testing"
)

// TestOnlyTheInsurerExplainsAClaim: no hospital writes an ExplanationOfBenefit about a claim that goes to the insurer from here, before or
// after it does, by whatever way it names it; about what came from elsewhere it does. Hidden claims are as those that are not there.
func TestOnlyTheInsurerExplainsAClaim(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB = "hospital-bva-51901", "hospital-bvb-51902"
	for who, of := range map[string]string{hospitalA: "a", hospitalB: "b"} {
		a.want(201, who, "PUT", "/Patient/p"+of, carePatient("p"+of, map[string]string{"a": "051085000011", "b": "051085000022"}[of]))
		organization := "bv" + of
		facility := strings.TrimPrefix(who, "hospital-bv"+of+"-")
		a.want(201, who, "PUT", "/Claim/"+of+"1", episodeClaim(of+"1", facility, "LK1", organization, "p"+of))
		a.want(201, who, "PUT", "/Claim/"+of+"2", strings.Replace(episodeClaim(of+"2", facility, "LK2", organization, "p"+of), `"status":"active"`, `"status":"draft"`, 1))
	}
	explanation := func(id, more string) string {
		if id != "" {
			id = `"id":"` + id + `",`
		}
		return `{"resourceType":"ExplanationOfBenefit",` + id + `"status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/pa"},"created":"2026-03-02","insurer":{"display":"x"},` +
			`"provider":{"display":"x"},"outcome":"complete","insurance":[{"focal":true,"coverage":{"display":"x"}}]` + more + `}`
	}
	about := func(claim string) string { return explanation("", `,"claim":{"reference":"`+claim+`"}`) }
	for what, doc := range map[string]string{
		"its claim":                about("Claim/a1"),
		"its claim, by the URL":    about(a.base + "/Claim/a1"),
		"another's claim":          about("Claim/b1"),
		"another's draft":          about("Claim/b2"),
		"a claim to come":          about("Claim/a9"),
		"its claim, by number":     explanation("", `,"claim":{"identifier":{"system":"https://lienthong.example/sid/malk/51901","value":"LK1"}}`),
		"the insurer's answer":     explanation("", `,"claimResponse":{"reference":"ClaimResponse/claim-response-a1"}`),
		"an answer of that number": explanation("", `,"claimResponse":{"identifier":{"value":"1"}}`),
	} {
		if raw := a.want(403, hospitalA, "POST", "/ExplanationOfBenefit", doc); !strings.Contains(raw, "claim-recorded") {
			t.Errorf("%s: %s", what, raw)
		}
		a.want(403, hospitalA, "POST", "/ExplanationOfBenefit/$validate", doc)
	}
	hidden, none := a.want(403, hospitalA, "POST", "/ExplanationOfBenefit", about("Claim/b2")), a.want(403, hospitalA, "POST", "/ExplanationOfBenefit", about("Claim/b7"))
	if hidden != none {
		t.Errorf("a hidden claim: %s, and one that is not there: %s", hidden, none)
	}
	entry := func(method, url, body string) string {
		return `{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + url + `"}}`
	}
	sent := entry("PUT", "Claim/a3", episodeClaim("a3", "51901", "LK3", "bva", "pa"))
	a.want(403, hospitalA, "POST", "", careBundle(sent, entry("POST", "ExplanationOfBenefit", about("Claim/a3"))))
	a.want(403, hospitalA, "POST", "/ExplanationOfBenefit", explanation("", `,"identifier":[{"system":"https://lienthong.example/sid/malk/51902","value":"LK1"}]`))

	// What came from elsewhere, and a claim that goes nowhere.
	a.want(201, hospitalA, "PUT", "/ExplanationOfBenefit/e1", explanation("e1", `,"claim":{"reference":"https://elsewhere.example/fhir/Claim/1"}`))
	a.want(201, hospitalA, "PUT", "/ExplanationOfBenefit/e2", explanation("e2", `,"claim":{"reference":"Claim/a2"}`))
	// An explained claim does not set out afterwards.
	if raw := a.want(403, hospitalA, "PUT", "/Claim/a2", episodeClaim("a2", "51901", "LK2", "bva", "pa")); !strings.Contains(raw, "claim-explained") {
		t.Error(raw)
	}
	a.want(200, hospitalA, "PUT", "/ExplanationOfBenefit/e2", explanation("e2", ""))
	a.want(200, hospitalA, "PUT", "/Claim/a2", episodeClaim("a2", "51901", "LK2", "bva", "pa"))
	a.want(403, hospitalA, "PUT", "/ExplanationOfBenefit/e2", explanation("e2", `,"claim":{"reference":"Claim/a2"}`))
	a.here.stop(t)
}
