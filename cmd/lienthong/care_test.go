package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/care"
	"github.com/lienthong/lienthong/fhir/openid/openidtest"
)

// asRoles is a server as it is served, asked by people of an issuer. Names of callers are role, role-organization, or
// role-organization-facility+facility.
type asRoles struct {
	t      *testing.T
	here   *here
	base   string
	issuer *openidtest.Issuer
	tokens map[string]string
}

func serveRoles(t *testing.T, more ...string) *asRoles {
	t.Helper()
	issuer := openidtest.New(t)
	dir := t.TempDir()
	issuers, place := filepath.Join(dir, "issuers.yaml"), filepath.Join(dir, "info.json")
	row := fmt.Sprintf("issuers:\n  - {issuer: '%s', audience: [%s], organization: {claim: org}, facilities: {claim: facilities}, patient: patient, purposes: [TREAT, ETREAT], "+
		"roles: {claim: role, values: {hospital: hospital, clinic: clinic, citizen: citizen, registrar: registrar, auditor: auditor, operator: operator}}}\n", issuer.URL, openidtest.ClientID)
	if err := os.WriteFile(issuers, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--issuers", issuers, "--private-key-host", issuer.URL, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "s"), "--info", place}, more...)
	a := &asRoles{t: t, issuer: issuer, tokens: map[string]string{}}
	a.here = startHere(t, args...)
	a.base = a.here.info(t, place).FHIR
	return a
}

// ask gives status and body; headers come in pairs.
func (a *asRoles) ask(who, method, path, body string, headers ...string) (int, string) {
	a.t.Helper()
	token := a.tokens[who]
	if token == "" {
		role, of, _ := strings.Cut(who, "-")
		of, facilities, registered := strings.Cut(of, "-")
		claims := map[string]any{"role": role, "sub": who, "org": of}
		if registered {
			claims["facilities"] = strings.Split(facilities, "+")
		}
		if role == "citizen" {
			claims = map[string]any{"role": role, "sub": who, "patient": of}
		}
		token = a.issuer.Sign(claims)
		a.tokens[who] = token
	}
	r, err := http.NewRequest(method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/fhir+json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func (a *asRoles) want(status int, who, method, path, body string, headers ...string) string {
	a.t.Helper()
	got, raw := a.ask(who, method, path, body, headers...)
	if got != status {
		a.t.Fatalf("%s: %s %s: %d, want %d: %s", who, method, path, got, status, raw)
	}
	return raw
}

const (
	careSystem = "https://lienthong.example/sid/cccd"
	careNumber = "051085000011" // invented
	careBirth  = "1985-03-15"
)

func carePatient(id, number string) string {
	return `{"resourceType":"Patient","id":"` + id + `","identifier":[{"system":"` + careSystem + `","value":"` + number + `"}],"name":[{"text":"Nguyễn Văn Thử"}],"gender":"male","birthDate":"` + careBirth + `"}`
}

func careEncounter(patient, organization string) string {
	return `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"` + patient + `"},"serviceProvider":{"reference":"Organization/` + organization + `"}}`
}

func careBundle(entries ...string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

func careEntry(full, typ, resource string) string {
	return `{"fullUrl":"` + full + `","resource":` + resource + `,"request":{"method":"POST","url":"` + typ + `"}}`
}

// TestWhoMaySayThatAPatientIsInTheirCare: as the second hospital and as a clinic, about a citizen who is registered elsewhere.
func TestWhoMaySayThatAPatientIsInTheirCare(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "hospital-h1", "PUT", "/Patient/pat1", carePatient("pat1", careNumber))
	a.want(201, "hospital-h1", "POST", "/Immunization", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/pat1"},"occurrenceDateTime":"2020-01-01"}`)
	a.want(201, "hospital-h1", "POST", "/Encounter", careEncounter("Patient/pat1", "h1")) // its own patient
	const shown = "Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=" + careBirth

	for _, who := range []string{"hospital-h2", "clinic-k1"} {
		_, org, _ := strings.Cut(who, "-")
		a.want(404, who, "GET", "/Patient/pat1", "")
		// Whoever knows an id only is refused, and not told whether there is such a patient.
		there := a.want(403, who, "POST", "/Encounter", careEncounter("Patient/pat1", org))
		none := a.want(403, who, "POST", "/Encounter", careEncounter("Patient/none", org))
		if there != none || !strings.Contains(there, "care-unproven") {
			t.Errorf("%s is told %s, and of a patient who is not there %s", who, there, none)
		}
		a.want(403, who, "POST", "/Encounter", careEncounter(a.base+"/Patient/pat1", org))
		a.want(403, who, "POST", "", careBundle(careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001", "Encounter", careEncounter("Patient/pat1", org))))
		known := a.want(409, who, "POST", "/Patient", carePatient("x", careNumber))
		if !strings.Contains(known, "person-known") || strings.Contains(known, "pat1") || !strings.Contains(known, "birthdate") {
			t.Errorf("%s is told %s", who, known)
		}
		transaction := a.want(409, who, "POST", "", careBundle(careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001", "Patient", carePatient("x", careNumber))))
		if !strings.Contains(transaction, "person-known") || strings.Contains(transaction, "pat1") {
			t.Errorf("%s is told %s", who, transaction)
		}
		// A number without the birth date that stands beside it finds nobody, and a name neither.
		for _, guess := range []string{
			"Patient?identifier=" + careSystem + "|" + careNumber, "Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=1985-03-16",
			"Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=1985", "Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=ge1900-01-01",
			"Patient?identifier=" + careNumber + "&birthdate=" + careBirth, "Patient?name=Th%E1%BB%AD&birthdate=" + careBirth,
			"Patient?identifier=" + careSystem + "|051085000012," + careSystem + "|" + careNumber + "&birthdate=" + careBirth,
			"Patient?identifier=" + careSystem + "|" + careNumber + "&birthdate=" + careBirth + "&birthdate=" + careBirth,
		} {
			if raw := a.want(412, who, "POST", "/Encounter", careEncounter(guess, org)); !strings.Contains(raw, "reference-none") {
				t.Errorf("%s guesses %s: %s", who, guess, raw)
			}
		}
		a.want(404, who, "GET", "/Patient/pat1", "")
		for _, none := range []string{"", "  "} { // a reason that is none is said to be none, and opens nothing
			if raw := a.want(400, who, "POST", "/Encounter", careEncounter("Patient/pat1", org), "Break-Glass", none); !strings.Contains(raw, `"code":"break-glass-reason"`) {
				t.Error(raw)
			}
			a.want(400, who, "GET", "/Patient/pat1", "", "Break-Glass", none)
		}
	}

	// Who was shown the card refers to the person by it, and has care from then on.
	a.want(201, "clinic-k1", "POST", "/Encounter", careEncounter(shown, "k1"))
	a.want(200, "clinic-k1", "GET", "/Patient/pat1", "")
	if raw := a.want(200, "clinic-k1", "GET", "/Immunization?patient=pat1", ""); !strings.Contains(raw, `"total":1`) {
		t.Errorf("the clinic reads the vaccinations: %s", raw)
	}
	const visit = "urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000002"
	a.want(200, "hospital-h2", "POST", "", careBundle(careEntry(visit, "Encounter", careEncounter(shown, "h2")),
		careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000003", "Condition", `{"resourceType":"Condition","code":{"text":"x"},"subject":{"reference":"`+shown+`"},"encounter":{"reference":"`+visit+`"}}`)))
	a.want(200, "hospital-h2", "GET", "/Patient/pat1", "")
	a.want(201, "hospital-h2", "POST", "/EpisodeOfCare", `{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/pat1"}}`)
	// In an emergency, with a reason.
	a.want(201, "clinic-k2", "POST", "/Encounter", careEncounter("Patient/pat1", "k2"), "Break-Glass", "Bất tỉnh, không có giấy tờ")
	a.want(200, "clinic-k2", "GET", "/Patient/pat1", "")

	// An Encounter of one's own patient does not become one of another's.
	a.want(200, "clinic-k3", "POST", "", careBundle(careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000004", "Patient", carePatient("x", "051085000022")),
		careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000005", "Encounter", careEncounter("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000004", "k3"))))
	own := idOf(t, a.want(200, "clinic-k3", "GET", "/Encounter", ""))
	moved := strings.Replace(careEncounter("Patient/pat1", "k3"), `{"resourceType":"Encounter",`, `{"resourceType":"Encounter","id":"`+own+`",`, 1)
	a.want(403, "clinic-k3", "PUT", "/Encounter/"+own, moved)
	a.want(403, "clinic-k3", "PATCH", "/Encounter/"+own, `[{"op":"replace","path":"/subject/reference","value":"Patient/pat1"}]`, "Content-Type", "application/json-patch+json")
	a.want(404, "clinic-k3", "GET", "/Patient/pat1", "")
	// An id that nobody has yet is not to be had beforehand.
	a.want(403, "hospital-h2", "PUT", "/Encounter/early", strings.Replace(careEncounter("Patient/later", "h2"), `{"resourceType":"Encounter",`, `{"resourceType":"Encounter","id":"early",`, 1))

	// Who finds several persons at once is in the report of each, with no word of the others.
	a.want(201, "registrar", "PUT", "/Patient/neighbour", carePatient("neighbour", "051085000033"))
	a.want(200, "registrar", "GET", "/Patient?_id=pat1,neighbour", "")
	a.want(200, "hospital-h2", "POST", "", careBundle(careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000006", "Condition", `{"resourceType":"Condition","code":{"text":"x"},"subject":{"reference":"Patient/neighbour"}}`),
		careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000007", "Condition", `{"resourceType":"Condition","code":{"text":"x"},"subject":{"reference":"Patient/pat1"}}`)))

	report := a.want(200, "citizen-pat1", "GET", "/Patient/pat1/$access-report", "", "Accept-Language", "en")
	if strings.Contains(report, "neighbour") || !strings.Contains(report, "saw 2 personal records") {
		t.Errorf("the report tells of others: %s", report)
	}
	if both := regexp.MustCompile(`2 diagnoses.*?</div>`).FindStringIndex(report); both == nil {
		t.Errorf("no word of the request about both: %s", report)
	} else if one, _, _ := strings.Cut(report[both[1]:], `"AuditEvent"`); strings.Count(one, `"reference":"Condition/`) != 1 {
		t.Errorf("the resources of others are named: %s", one)
	}
	for org, met := range map[string]bool{"h1": false, "k1": true, "h2": true, "k2": false} {
		said := false
		for _, words := range divs(t, report) {
			said = said || strings.Contains(words, "Organization/"+org) && strings.Contains(words, "had not known the person before")
		}
		if said != met {
			t.Errorf("the report says that %s had not known the person: %v, want %v\n%s", org, said, met, report)
		}
	}
	if !strings.Contains(report, "Bất tỉnh") {
		t.Errorf("the report has no reason for the broken glass: %s", report)
	}
	a.here.stop(t)
}

func idOf(t *testing.T, bundle string) string {
	t.Helper()
	var b struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(bundle), &b); err != nil || len(b.Entry) != 1 {
		t.Fatalf("not one: %s", bundle)
	}
	return b.Entry[0].Resource.ID
}

// divs are the words of an access report.
func divs(t *testing.T, report string) (out []string) {
	t.Helper()
	var b struct {
		Entry []struct {
			Resource struct{ Text struct{ Div string } }
		}
	}
	if err := json.Unmarshal([]byte(report), &b); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Entry {
		out = append(out, e.Resource.Text.Div)
	}
	return out
}

// TestDosesAndClaimsTellNothingOfHiddenPatients: a dose is not held to the birth date of who is hidden, or each refused day would tell of
// it; who shows the number and birth date is told. A claim of who is hidden is refused, since its file would name the patient.
func TestDosesAndClaimsTellNothingOfHiddenPatients(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "hospital-h1", "PUT", "/Patient/pat1", carePatient("pat1", careNumber))
	dose := func(patient, day string) string {
		return `{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"03"}]},"patient":{"reference":"` + patient + `"},"occurrenceDateTime":"` + day + `"}`
	}
	claim := func(patient string) string {
		return `{"resourceType":"Claim","status":"active","use":"claim","type":{"text":"x"},"patient":{"reference":"` + patient + `"},"created":"2026-01-02","provider":{"reference":"Organization/h2"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`
	}
	for _, who := range []string{"hospital-h2", "clinic-k1"} {
		for _, day := range []string{"1985-03-14", "1985-03-16"} { // careBirth is between them
			there := a.want(200, who, "POST", "/Immunization/$validate", dose("Patient/pat1", day))
			none := a.want(200, who, "POST", "/Immunization/$validate", dose("Patient/none", day))
			if there != none || !strings.Contains(there, "dose-person") {
				t.Errorf("%s is told %s, and of a patient who is not there %s", who, there, none)
			}
		}
		shown := dose("Patient?identifier="+careSystem+"|"+careNumber+"&birthdate="+careBirth, "1985-03-14")
		if raw := a.want(200, who, "POST", "/Immunization/$validate", shown); !strings.Contains(raw, "dose-before-birth") || strings.Contains(raw, "dose-person") {
			t.Errorf("%s, who shows the number: %s", who, raw)
		}
	}
	if raw := a.want(200, "hospital-h1", "POST", "/Immunization/$validate", dose("Patient/pat1", "1985-03-14")); !strings.Contains(raw, "dose-before-birth") {
		t.Errorf("who sees the patient: %s", raw)
	}
	there, none := a.want(403, "hospital-h2", "POST", "/Claim", claim("Patient/pat1")), a.want(403, "hospital-h2", "POST", "/Claim", claim("Patient/none"))
	if there != none || !strings.Contains(there, "care-unproven") {
		t.Errorf("a claim: %s, and of a patient who is not there %s", there, none)
	}
	episode := func(claim string) string {
		return strings.Replace(claim, `"status"`, `"identifier":[{"system":"https://lienthong.example/sid/malk/51901","value":"LK1"}],"status"`, 1)
	}
	a.want(201, "operator", "PUT", "/Organization/h1", `{"resourceType":"Organization","id":"h1","identifier":[{"system":"https://lienthong.example/sid/cskcb","value":"51901"}]}`)
	ofH1 := strings.Replace(episode(claim("Patient/pat1")), "Organization/h2", "Organization/h1", 1)
	a.want(201, "hospital-h1", "PUT", "/Claim/h1claim", strings.Replace(ofH1, `"status"`, `"id":"h1claim","status"`, 1))
	a.want(201, "hospital-h2", "PUT", "/Patient/own", carePatient("own", "051085000033"))
	if raw := a.want(409, "hospital-h2-51901", "POST", "/Claim", episode(claim("Patient/own"))); strings.Contains(raw, "h1claim") || !strings.Contains(raw, "unique-taken") {
		t.Errorf("an episode that a hidden claim has: %s", raw)
	}
	if raw := a.want(409, "hospital-h1", "POST", "/Claim", ofH1); !strings.Contains(raw, "h1claim") {
		t.Errorf("an episode of an own claim: %s", raw)
	}
	a.want(201, "hospital-h2", "PUT", "/Claim/c", strings.Replace(claim("Patient/own"), `"status"`, `"id":"c","status"`, 1))
	a.want(403, "hospital-h2", "PUT", "/Claim/c", strings.Replace(claim("Patient/pat1"), `"status"`, `"id":"c","status"`, 1))
	a.here.stop(t)
}

// TestKnownPersonsCannotBeAskedFor: who asks by create, update, $validate or transaction whether numbers are somebody's is refused in the
// end, for numbers of nobody as well, so that no answer tells; what is the caller's own goes on, and others do.
func TestKnownPersonsCannotBeAskedFor(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "hospital-h1", "PUT", "/Patient/pat1", carePatient("pat1", careNumber))
	own := carePatient("own", "051085000033")
	a.want(201, "clinic-k1", "PUT", "/Patient/own", own)
	const entry = "urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001"
	for i := range care.KnownMost {
		var raw string
		switch i % 4 {
		case 0:
			raw = a.want(409, "clinic-k1", "POST", "/Patient", carePatient("x", careNumber))
		case 1:
			raw = a.want(200, "clinic-k1", "POST", "/Patient/$validate", carePatient("x", careNumber))
		case 2:
			raw = a.want(409, "clinic-k1", "POST", "", careBundle(careEntry(entry, "Patient", carePatient("x", careNumber))))
		case 3:
			raw = a.want(409, "clinic-k1", "PUT", "/Patient/own", carePatient("own", careNumber))
		}
		if !strings.Contains(raw, "person-known") {
			t.Fatalf("%d: %s", i, raw)
		}
	}
	for _, number := range []string{careNumber, "051085000044"} {
		for _, ask := range []struct{ method, path, body string }{
			{"POST", "/Patient", carePatient("x", number)},
			{"POST", "/Patient/$validate", carePatient("x", number)},
			{"POST", "", careBundle(careEntry(entry, "Patient", carePatient("x", number)))},
			{"PUT", "/Patient/own", carePatient("own", number)},
		} {
			status, raw := a.ask("clinic-k1", ask.method, ask.path, ask.body)
			if strings.Contains(raw, "person-known") || !strings.Contains(raw, "care-too-many-tries") {
				t.Errorf("%s %s of %s: %d %s", ask.method, ask.path, number, status, raw)
			}
		}
	}
	a.want(200, "clinic-k1", "PUT", "/Patient/own", strings.Replace(own, "male", "other", 1))
	a.want(201, "clinic-k1", "POST", "/Patient", strings.Replace(own, `"identifier":[{"system":"`+careSystem+`","value":"051085000033"}],`, "", 1))
	a.want(409, "clinic-k2", "POST", "/Patient", carePatient("x", careNumber))
	a.here.stop(t)
}

// TestNumbersCannotBeTriedOut: who guesses numbers and birth dates is refused in words, also with a right one at last, while
// others go on; each try is in the trail.
func TestNumbersCannotBeTriedOut(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "hospital-h1", "PUT", "/Patient/pat1", carePatient("pat1", careNumber))
	by := func(birth string) string {
		return careEncounter("Patient?identifier="+careSystem+"|"+careNumber+"&birthdate="+birth, "k1")
	}
	for i := range care.MissesMost {
		a.want(412, "clinic-k1", "POST", "/Encounter", by(fmt.Sprintf("1985-04-%02d", i+1)))
	}
	for _, lang := range []string{"en", "vi"} {
		raw := a.want(429, "clinic-k1", "POST", "/Encounter", by(careBirth), "Accept-Language", lang)
		if !strings.Contains(raw, "care-too-many-tries") || !strings.Contains(raw, map[string]string{"en": "Too many numbers", "vi": "quá nhiều số"}[lang]) {
			t.Errorf("%s: %s", lang, raw)
		}
	}
	a.want(429, "clinic-k1", "POST", "/Encounter", careEncounter("Patient/pat1", "k1"))
	a.want(429, "clinic-k1", "POST", "", careBundle(careEntry("urn:uuid:0b8a6f0e-1111-4c1c-9c1c-000000000001", "Encounter", by(careBirth))))
	a.want(404, "clinic-k1", "GET", "/Patient/pat1", "")
	a.want(201, "clinic-k1", "POST", "/Patient", carePatient("x", "051085000033")) // what is its own goes on
	a.want(201, "clinic-k2", "POST", "/Encounter", strings.Replace(by(careBirth), "Organization/k1", "Organization/k2", 1))
	a.here.stop(t)
}
