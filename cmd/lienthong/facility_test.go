package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

const (
	sidMaLK  = "https://lienthong.example/sid/malk/"
	sidCSKCB = "https://lienthong.example/sid/cskcb"
)

func hospitalCalled(id, code string) string {
	return `{"resourceType":"Organization","id":"` + id + `","identifier":[{"system":"` + sidCSKCB + `","value":"` + code + `"}]}`
}

// episodeClaim is a Claim of an episode, with an id if it has one.
func episodeClaim(id, facility, maLK, provider, patient string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Claim",` + id + `"identifier":[{"system":"` + sidMaLK + facility + `","value":"` + maLK + `"}],"status":"active","use":"claim","type":{"text":"x"},` +
		`"patient":{"reference":"Patient/` + patient + `"},"created":"2026-03-02","provider":{"reference":"Organization/` + provider + `"},"priority":{"text":"x"},` +
		`"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`
}

// TestWhoseClaims: hospital A numbers its episodes itself, and hospital B can neither take one of these numbers nor find out by
// trying which there are, whatever way it tries.
func TestWhoseClaims(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB = "hospital-bva", "hospital-bvb"
	// As before an operator has said of which facility they are.
	a.want(201, hospitalA, "PUT", "/Patient/pa", carePatient("pa", "051085000011"))
	a.want(201, hospitalB, "PUT", "/Patient/pb", carePatient("pb", "051085000022"))
	if raw := a.want(403, hospitalA, "POST", "/Claim", episodeClaim("", "51901", "LK1", "bva", "pa")); !strings.Contains(raw, `"text":"This is about the facility 51901, and you are registered for no facility (MA_CSKCB). Ask who runs this server to register those that you send for."`) ||
		!strings.Contains(raw, `"code":"facility-none"`) || !strings.Contains(raw, "Claim.identifier") {
		t.Errorf("whose Organization has no code: %s", raw)
	}
	a.want(403, hospitalA, "PUT", "/Organization/bva", hospitalCalled("bva", "51901")) // nobody gives itself a code
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51902"))
	a.want(201, hospitalA, "PUT", "/Claim/a1", episodeClaim("a1", "51901", "LK1", "bva", "pa"))
	a.want(201, hospitalB, "PUT", "/Claim/b1", episodeClaim("b1", "51902", "LK1", "bvb", "pb")) // the same number of another facility

	// LK1 is there and LK2 is not: the answers are one and the same.
	entry := func(method, url, body string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + url + `"}}]}`
	}
	ways := map[string]func(maLK string) (int, string){
		"create": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim", episodeClaim("", "51901", lk, "bvb", "pb"))
		},
		"create as A": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim", episodeClaim("", "51901", lk, "bva", "pb"))
		},
		"create with an id": func(lk string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Claim/new", episodeClaim("new", "51901", lk, "bvb", "pb"))
		},
		"conditional create": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim", episodeClaim("", "51901", lk, "bvb", "pb"), "If-None-Exist", "identifier="+sidMaLK+"51901%7C"+lk)
		},
		"conditional update": func(lk string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Claim?identifier="+sidMaLK+"51901%7C"+lk, episodeClaim("", "51901", lk, "bvb", "pb"))
		},
		"update of its own": func(lk string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Claim/b1", episodeClaim("b1", "51901", lk, "bvb", "pb"))
		},
		"patch of its own": func(lk string) (int, string) {
			return a.ask(hospitalB, "PATCH", "/Claim/b1", `[{"op":"replace","path":"/identifier/0","value":{"system":"`+sidMaLK+`51901","value":"`+lk+`"}}]`, "Content-Type", "application/json-patch+json")
		},
		"transaction": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "", entry("POST", "Claim", episodeClaim("", "51901", lk, "bvb", "pb")))
		},
		"transaction by criteria": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "", entry("PUT", "Claim?identifier="+sidMaLK+"51901%7C"+lk, episodeClaim("", "51901", lk, "bvb", "pb")))
		},
		"batch": func(lk string) (int, string) {
			status, raw := a.ask(hospitalB, "POST", "", strings.Replace(entry("POST", "Claim", episodeClaim("", "51901", lk, "bvb", "pb")), "transaction", "batch", 1))
			if status == 200 && strings.Contains(raw, `"status":"403`) {
				status = 403
			}
			return status, raw
		},
		"check before sending": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim/$precheck", episodeClaim("", "51901", lk, "bvb", "pb"))
		},
		"try without storing": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim/$validate", episodeClaim("", "51901", lk, "bvb", "pb"))
		},
		"a draft": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Claim", strings.Replace(episodeClaim("", "51901", lk, "bvb", "pb"), `"active"`, `"draft"`, 1))
		},
		"an Encounter": func(lk string) (int, string) {
			return a.ask(hospitalB, "POST", "/Encounter", strings.Replace(careEncounter("Patient/pb", "bvb"), `"status":"finished"`, `"status":"in-progress","identifier":[{"system":"`+sidMaLK+`51901","value":"`+lk+`"}]`, 1))
		},
	}
	for way, try := range ways {
		status, there := try("LK1")
		if none, absent := try("LK2"); status != 403 || none != status || strings.ReplaceAll(there, "LK1", "LK2") != absent {
			t.Errorf("%s: %d %s, and of an episode that is not there %d %s", way, status, there, none, absent)
		}
		if !strings.Contains(there, "This is about the facility 51901, and you send for 51902. Each facility writes in its own name; if 51901 is yours too, ask who runs this server to register it for you.") {
			t.Errorf("%s: %s", way, there)
		}
	}
	if raw := a.want(403, hospitalB, "POST", "/Claim", episodeClaim("", "51901", "LK1", "bvb", "pb"), "Accept-Language", "vi"); !strings.Contains(raw, "Dữ liệu này thuộc cơ sở 51901, trong khi bạn được gửi thay cho 51902.") {
		t.Errorf("in Vietnamese: %s", raw)
	}
	for what, body := range map[string]string{
		"A as provider":       episodeClaim("b1", "51902", "LK1", "bva", "pb"),
		"a provider unknown":  episodeClaim("b1", "51902", "LK1", "elsewhere", "pb"),
		"A as provider, only": strings.Replace(episodeClaim("b1", "51902", "LK1", "bva", "pb"), sidMaLK+"51902", "urn:x", 1),
	} {
		if raw := a.want(403, hospitalB, "PUT", "/Claim/b1", body); !strings.Contains(raw, "facility-foreign") || !strings.Contains(raw, "Claim.provider") {
			t.Errorf("%s: %s", what, raw)
		}
	}
	if raw := a.want(403, hospitalB, "POST", "/Organization", strings.Replace(hospitalCalled("x", "51901"), `"id":"x",`, "", 1)); !strings.Contains(raw, "facility-foreign") {
		t.Errorf("another Organization of A's code: %s", raw)
	}
	// Who may not write is refused, whether or not it would change a thing.
	if raw := a.want(403, hospitalB, "PUT", "/Organization/bva", hospitalCalled("bva", "51901")); !strings.Contains(raw, "access-denied") {
		t.Errorf("A's Organization as it is: %s", raw)
	}
	// Nothing of that had an effect: A takes its next number, corrects and calls off what it sent.
	a.want(201, hospitalA, "PUT", "/Claim/a2", episodeClaim("a2", "51901", "LK2", "bva", "pa"))
	a.want(200, hospitalA, "PUT", "/Claim/a1", strings.Replace(episodeClaim("a1", "51901", "LK1", "bva", "pa"), `"2026-03-02"`, `"2026-03-03"`, 1))
	a.want(200, hospitalA, "PUT", "/Claim/a2", strings.Replace(episodeClaim("a2", "51901", "LK2", "bva", "pa"), `"active"`, `"cancelled"`, 1))
	a.here.stop(t)
}

// TestAGroupSendsForItsFacilities: one sender for several facilities, told of what becomes of each claim; and for no others.
func TestAGroupSendsForItsFacilities(t *testing.T) {
	a := serveRoles(t)
	const group = "hospital-group-51901+51902"
	for id, code := range map[string]string{"bva": "51901", "bvb": "51902", "bvc": "51903"} {
		a.want(201, "operator", "PUT", "/Organization/"+id, hospitalCalled(id, code))
	}
	a.want(201, group, "PUT", "/Patient/pg", carePatient("pg", "051085000033"))
	a.want(201, group, "PUT", "/Claim/g1", episodeClaim("g1", "51901", "LK1", "bva", "pg"))
	a.want(201, group, "PUT", "/Claim/g2", episodeClaim("g2", "51902", "LK1", "bvb", "pg"))
	if raw := a.want(403, group, "POST", "/Claim", episodeClaim("", "51903", "LK1", "bvc", "pg")); !strings.Contains(raw, "you send for 51901, 51902") {
		t.Errorf("who is not in the group: %s", raw)
	}
	for _, claim := range []string{"g1", "g2"} {
		if raw := a.want(200, group, "GET", "/Task?focus=Claim/"+claim, ""); !strings.Contains(raw, `"queued"`) {
			t.Errorf("how far %s is: %s", claim, raw)
		}
		if raw := a.want(200, "hospital-bvc", "GET", "/Task?focus=Claim/"+claim, ""); strings.Contains(raw, `"queued"`) {
			t.Errorf("another hospital is told how far %s is: %s", claim, raw)
		}
	}
	// A facility that leaves the group takes its numbers along: what was sent for it can be called off, and no more.
	const smaller = "hospital-group-51901"
	a.want(403, smaller, "PUT", "/Claim/g2", strings.Replace(episodeClaim("g2", "51902", "LK1", "bvb", "pg"), `"2026-03-02"`, `"2026-03-03"`, 1))
	a.want(200, smaller, "PUT", "/Claim/g2", strings.Replace(episodeClaim("g2", "51902", "LK1", "bvb", "pg"), `"active"`, `"entered-in-error"`, 1))
	a.want(403, "hospital-group-", "POST", "/Claim", episodeClaim("", "51901", "LK3", "bva", "pg"))
	a.here.stop(t)
}

// TestImportOfClaimFilesBySender: a claim file is taken from who sends for its facility, and refused in words from another.
func TestImportOfClaimFilesBySender(t *testing.T) {
	a := serveRoles(t)
	dir := t.TempDir()
	samples := filepath.Join(fhirtest.Data(t, "domain", "claim-xml", "samples"), "three-episodes.xml") // of 51901
	imports := func(who, state string) (int, string) {
		t.Helper()
		a.want(200, who, "GET", "/Organization", "") // makes the token
		token := filepath.Join(dir, who+".token")
		if err := os.WriteFile(token, []byte(a.tokens[who]), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		err := run(t.Context(), []string{"import", "-q", samples, "--server", a.base, "--token-file", token, "--state", filepath.Join(dir, state)}, &out, &stderr)
		return exitCode(err), out.String() + stderr.String()
	}
	if code, out := imports("hospital-other-51902", "1"); code != exitPartial || !strings.Contains(out, "This is about the facility 51901, and you send for 51902.") {
		t.Errorf("by another hospital: %d %s", code, out)
	}
	if raw := a.want(200, "auditor", "GET", "/Claim?_summary=count", ""); !strings.Contains(raw, `"total":0`) {
		t.Errorf("of a file that was refused there is: %s", raw)
	}
	if code, out := imports("hospital-bva-51901", "2"); code != 0 {
		t.Errorf("by the hospital itself: %d %s", code, out)
	}
	if raw := a.want(200, "auditor", "GET", "/Claim?_summary=count", ""); !strings.Contains(raw, `"total":3`) {
		t.Errorf("of the hospital's file there is: %s", raw)
	}
	a.here.stop(t)
}

// TestAClaimTakesNothingUnseen: both hospitals know the patient, and each Encounter is its own: a claim file takes the dates, the
// reason and the results of what the Claim refers to, so the other one is refused, as it is of an Encounter that nobody has.
func TestAClaimTakesNothingUnseen(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB = "hospital-bva-51901", "hospital-bvb-51902"
	const shown = "Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=" + careBirth
	encounter := func(id, patient, organization string) string {
		return strings.Replace(careEncounter(patient, organization), `"status"`, `"id":"`+id+`","status"`, 1)
	}
	a.want(201, hospitalA, "PUT", "/Patient/pat1", carePatient("pat1", careNumber))
	a.want(201, hospitalA, "PUT", "/Encounter/of-a", encounter("of-a", "Patient/pat1", "bva"))
	a.want(201, hospitalB, "PUT", "/Encounter/of-b", encounter("of-b", shown, "bvb"))
	a.want(200, hospitalB, "GET", "/Patient/pat1", "")
	a.want(404, hospitalB, "GET", "/Encounter/of-a", "")
	claim := func(id, visit string) string {
		return strings.Replace(episodeClaim(id, "51902", "LK1", "bvb", "pat1"), `"insurance"`, `"item":[{"sequence":1,"productOrService":{"text":"x"},"encounter":[{"reference":"Encounter/`+visit+`"}]}],"insurance"`, 1)
	}
	there, none := a.want(403, hospitalB, "POST", "/Claim", claim("", "of-a")), a.want(403, hospitalB, "POST", "/Claim", claim("", "of-z"))
	if strings.ReplaceAll(there, "of-a", "of-z") != none || !strings.Contains(there, "Claim.item[0].encounter[0].reference") ||
		!strings.Contains(there, "A claim file takes what its Claim refers to, and Encounter/of-a is not among the records that you may see. Send it along in the same request, or before the Claim.") {
		t.Errorf("an Encounter of A: %s, and one that is not there %s", there, none)
	}
	if raw := a.want(403, hospitalB, "POST", "/Claim/$validate", claim("", "of-a")); !strings.Contains(raw, "claim-cites-unseen") {
		t.Errorf("tried: %s", raw)
	}
	a.want(201, hospitalB, "PUT", "/Claim/b1", claim("b1", "of-b"))
	a.want(403, hospitalB, "PUT", "/Claim/b1", claim("b1", "of-a"))
	entry := func(method, url, body string) string {
		return `{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + url + `"}}`
	}
	a.want(403, hospitalB, "POST", "", careBundle(entry("PUT", "Claim/b1", claim("b1", "of-a"))))
	a.want(403, hospitalB, "POST", "", careBundle(entry("PUT", "Encounter/of-a", encounter("of-a", "Patient/pat1", "bvb")), entry("PUT", "Claim/b1", claim("b1", "of-a"))))
	a.want(200, hospitalB, "POST", "", careBundle(entry("PUT", "Encounter/new", encounter("new", "Patient/pat1", "bvb")), entry("PUT", "Claim/b1", claim("b1", "new"))))
	a.here.stop(t)
}

// TestWhatBecameOfAClaimIsTheServersToSay: nobody who sends claims can write what looks like the insurer's decision, a payment, the
// progress of a claim, its review or a finding about it: of his own claims neither, and not beforehand under an id to come.
func TestWhatBecameOfAClaimIsTheServersToSay(t *testing.T) {
	a := serveRoles(t)
	const hospital = "hospital-bva-51901"
	a.want(201, hospital, "PUT", "/Patient/pa", carePatient("pa", "051085000011"))
	a.want(201, hospital, "PUT", "/Claim/a1", episodeClaim("a1", "51901", "LK1", "bva", "pa"))
	response := `"status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/pa"},"created":"2026-03-02","insurer":{"display":"x"},"request":{"reference":"Claim/a1"},"outcome":"complete"`
	notice := `"status":"active","created":"2026-03-02","payment":{"display":"x"},"recipient":{"display":"x"},"amount":{"value":1}`
	for what, c := range map[string]struct{ path, body, code string }{
		"a decision":         {"/ClaimResponse", response, "access-denied"},
		"one to come":        {"/ClaimResponse/claim-response-a2", `"id":"claim-response-a2",` + response, "access-denied"},
		"a payment":          {"/PaymentNotice", notice, "access-denied"},
		"the progress":       {"/Task", `"status":"completed","intent":"order","focus":{"reference":"Claim/a1"}`, "claim-recorded"},
		"the progress, by n": {"/Task", `"status":"completed","intent":"order","focus":{"reference":"` + a.base + `/Claim/a1"}`, "claim-recorded"},
		"a review":           {"/Task", `"status":"completed","intent":"order","basedOn":[{"reference":"Claim/a1"}]`, "claim-recorded"},
		"a finding":          {"/DetectedIssue", `"status":"final","code":{"coding":[{"system":"urn:x","code":"reconciliation"}]}`, "claim-recorded"},
	} {
		method := "POST"
		typ, id, put := strings.Cut(strings.TrimPrefix(c.path, "/"), "/")
		if put && id != "" {
			method = "PUT"
		}
		if raw := a.want(403, hospital, method, c.path, `{"resourceType":"`+typ+`",`+c.body+`}`); !strings.Contains(raw, c.code) {
			t.Errorf("%s: %s", what, raw)
		}
	}
	a.want(201, hospital, "POST", "/Task", `{"resourceType":"Task","status":"requested","intent":"order","focus":{"reference":"ServiceRequest/s1"}}`)
	a.want(201, hospital, "POST", "/DetectedIssue", `{"resourceType":"DetectedIssue","status":"final","code":{"coding":[{"code":"DRG"}]},"patient":{"reference":"Patient/pa"}}`)
	if raw := a.want(200, "auditor", "GET", "/Task?focus=Claim/a1", ""); !strings.Contains(raw, `"queued"`) {
		t.Errorf("the server's own: %s", raw)
	}
	a.here.stop(t)
}

// TestOnlyWhoSeesAClaimDecidesAboutIt: $resolve moves a claim, so it is for those who may read its Task, whatever they may write.
func TestOnlyWhoSeesAClaimDecidesAboutIt(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "hospital-bva", "PUT", "/Patient/pa", carePatient("pa", "051085000011"))
	a.want(201, "hospital-bva", "PUT", "/Claim/a1", episodeClaim("a1", "51901", "LK1", "bva", "pa"))
	withdraw := `{"resourceType":"Parameters","parameter":[{"name":"decision","valueCode":"withdraw"},{"name":"reason","valueString":"x"},{"name":"who","valueString":"x"}]}`
	there, none := a.want(404, "hospital-bvb", "POST", "/Task/claim-sync-a1/$resolve", withdraw), a.want(404, "hospital-bvb", "POST", "/Task/claim-sync-a2/$resolve", withdraw)
	if strings.ReplaceAll(there, "sync-a1", "sync-a2") != none {
		t.Errorf("another hospital is told %s, and of a claim that is not there %s", there, none)
	}
	if raw := a.want(200, "hospital-bva", "GET", "/Task/claim-sync-a1", ""); !strings.Contains(raw, `"queued"`) {
		t.Errorf("after another hospital tried to withdraw it: %s", raw)
	}
	if raw := a.want(200, "hospital-bva", "POST", "/Task/claim-sync-a1/$resolve", withdraw); !strings.Contains(raw, `"withdrawn"`) {
		t.Errorf("its own: %s", raw)
	}
	a.here.stop(t)
}
