package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/tabular"
)

const sidMaBN = "https://lienthong.example/sid/mabn/"

// numbered is a Patient with record numbers of hospitals, each as facility|number.
func numbered(id string, numbers ...string) string {
	var all []string
	for _, n := range numbers {
		facility, value, _ := strings.Cut(n, "|")
		all = append(all, `{"system":"`+sidMaBN+facility+`","value":"`+value+`"}`)
	}
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Patient",` + id + `"identifier":[` + strings.Join(all, ",") + `],"name":[{"text":"Nguyễn Văn Thử"}],"birthDate":"1985-03-15"}`
}

// TestAHospitalGivesItsOwnNumbers: hospital A numbers its patients itself. Hospital B gives nobody such a number, whatever way it tries, and
// does not find out by trying which there are; what stands there already, because who keeps the register entered it, stays.
func TestAHospitalGivesItsOwnNumbers(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB = "hospital-bva", "hospital-bvb"
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51902"))
	a.want(201, hospitalA, "PUT", "/Patient/pa", numbered("pa", "51901|BN1"))
	a.want(201, hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN1"))

	entry := func(method, url, body string) string {
		return careBundle(`{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + url + `"}}`)
	}
	foreign := func(number string) string { return numbered("", "51902|BN1", "51901|"+number) }
	// BN1 is there and BN2 is not: the answers are one and the same.
	for way, try := range map[string]func(number string) (int, string){
		"create": func(n string) (int, string) { return a.ask(hospitalB, "POST", "/Patient", foreign(n)) },
		"create by an alias": func(n string) (int, string) {
			return a.ask(hospitalB, "POST", "/Patient", strings.ReplaceAll(foreign(n), "https://lienthong.example/sid/", "http://fhir.hl7.org.vn/core/sid/"))
		},
		"conditional create": func(n string) (int, string) {
			return a.ask(hospitalB, "POST", "/Patient", foreign(n), "If-None-Exist", "identifier="+sidMaBN+"51901%7C"+n)
		},
		"conditional update": func(n string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Patient?identifier="+sidMaBN+"51901%7C"+n, foreign(n))
		},
		"update of its own": func(n string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN1", "51901|"+n))
		},
		"update of what it does not see": func(n string) (int, string) {
			return a.ask(hospitalB, "PUT", "/Patient/pa", numbered("pa", "51901|"+n))
		},
		"patch of its own": func(n string) (int, string) {
			return a.ask(hospitalB, "PATCH", "/Patient/pb", `[{"op":"add","path":"/identifier/-","value":{"system":"`+sidMaBN+`51901","value":"`+n+`"}}]`, "Content-Type", "application/json-patch+json")
		},
		"transaction": func(n string) (int, string) {
			return a.ask(hospitalB, "POST", "", entry("POST", "Patient", foreign(n)))
		},
		"transaction by criteria": func(n string) (int, string) {
			return a.ask(hospitalB, "POST", "", entry("PUT", "Patient?identifier="+sidMaBN+"51901%7C"+n, foreign(n)))
		},
		"try without storing": func(n string) (int, string) { return a.ask(hospitalB, "POST", "/Patient/$validate", foreign(n)) },
		"another type": func(n string) (int, string) {
			return a.ask(hospitalB, "POST", "/Account", `{"resourceType":"Account","status":"active","identifier":[{"system":"`+sidMaBN+`51901","value":"`+n+`"}]}`)
		},
	} {
		status, there := try("BN1")
		if none, absent := try("BN2"); status != 403 || none != status || strings.ReplaceAll(there, "BN1", "BN2") != absent {
			t.Errorf("%s: %d %s, and of a number that is not there %d %s", way, status, there, none, absent)
		}
		if !strings.Contains(there, `"code":"facility-foreign"`) || !strings.Contains(there, "This is about the facility 51901, and you send for 51902.") {
			t.Errorf("%s: %s", way, there)
		}
	}
	for who, code := range map[string]string{"clinic-k1": "facility-none", "auditor": "access-denied", "citizen-pa": "access-denied", "operator": "access-denied"} {
		if raw := a.want(403, who, "POST", "/Patient", foreign("BN2")); !strings.Contains(raw, code) {
			t.Errorf("%s: %s", who, raw)
		}
	}
	a.want(201, hospitalB, "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"identifier":{"system":"`+sidMaBN+`51901","value":"BN1"}}}`) // cites it

	// A person has numbers of two hospitals: the register enters them, and each hospital lets the other's stand.
	a.want(200, "registrar", "PUT", "/Patient/pb", numbered("pb", "51902|BN1", "51901|BN7"))
	a.want(200, hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN5", "51901|BN7"))
	a.want(200, hospitalB, "PATCH", "/Patient/pb", `[{"op":"add","path":"/active","value":true}]`, "Content-Type", "application/json-patch+json")
	a.want(403, hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN5", "51901|BN8"))
	merge := `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/pa"}},{"name":"target-patient","valueReference":{"reference":"Patient/pb"}},{"name":"reason","valueString":"x"}]}`
	a.want(200, "registrar", "POST", "/Patient/$merge", merge)
	a.want(200, "registrar", "POST", "/Patient/$unmerge", merge)
	a.want(200, hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN5"))
	a.want(403, hospitalB, "PUT", "/Patient/pb", numbered("pb", "51902|BN5", "51901|BN7"))
	a.here.stop(t)
}

// TestAHospitalWritesItsOwnStays: a stay is one at the sender or at a department of the sender, and an ExplanationOfBenefit that it brings
// along is of its own; whether or not there is what else it names.
func TestAHospitalWritesItsOwnStays(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB, bare = "hospital-bva", "hospital-bvb", "hospital-bvc"
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51902"))
	a.want(201, hospitalB, "PUT", "/Organization/ward", `{"resourceType":"Organization","id":"ward","partOf":{"reference":"Organization/bvb"}}`)
	a.want(201, hospitalB, "PUT", "/Organization/bed", `{"resourceType":"Organization","id":"bed","partOf":{"reference":"Organization/ward"}}`)
	a.want(201, hospitalB, "PUT", "/Organization/ring", `{"resourceType":"Organization","id":"ring","partOf":{"reference":"Organization/ring"}}`)
	for who, id := range map[string]string{hospitalA: "pa", hospitalB: "pb", bare: "pc", "clinic-k1": "pk"} {
		a.want(201, who, "PUT", "/Patient/"+id, strings.Replace(numbered(id), `"identifier":[],`, "", 1))
	}
	stay := func(id, provider string) string {
		return strings.NewReplacer(`{"reference":"Organization/x"}`, provider, `"status"`, `"id":"`+id+`","status"`).Replace(careEncounter("Patient/pb", "x"))
	}
	explains := func(id, provider string) string {
		return `{"resourceType":"ExplanationOfBenefit","id":"` + id + `","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/pb"},"created":"2026-03-02","insurer":{"display":"x"},` +
			`"provider":` + provider + `,"outcome":"complete","insurance":[{"focal":true,"coverage":{"display":"x"}}]}`
	}
	at := func(organization string) string { return `{"reference":"Organization/` + organization + `"}` }
	by := func(code string) string { return `{"identifier":{"system":"` + sidCSKCB + `","value":"` + code + `"}}` }
	for typ, doc := range map[string]func(id, provider string) string{"Encounter": stay, "ExplanationOfBenefit": explains} {
		own := "/" + typ + "/own"
		a.want(201, hospitalB, "PUT", own, doc("own", at("bvb")))
		for _, provider := range []string{at("ward"), at("bed"), by("51902"), `{"display":"x"}`, `{"reference":"https://elsewhere.example/fhir/Organization/1"}`} {
			a.want(200, hospitalB, "PUT", own, doc("own", provider))
		}
		there, none := a.want(403, hospitalB, "PUT", own, doc("own", at("bva"))), a.want(403, hospitalB, "PUT", own, doc("own", at("bvz")))
		if strings.ReplaceAll(there, "bva", "bvz") != none || !strings.Contains(there, `"code":"facility-foreign"`) || !strings.Contains(there, typ+`.`) {
			t.Errorf("at A: %s, and at nobody's %s", there, none)
		}
		a.want(403, hospitalB, "PUT", own, doc("own", at("ring")))
		a.want(403, hospitalB, "PUT", own, doc("own", `{"reference":"`+a.base+`/Organization/bva"}`))
		for _, code := range []string{"51901", "51999"} {
			a.want(403, hospitalB, "PUT", own, doc("own", by(code)))
			a.want(403, hospitalB, "PUT", own, strings.Replace(doc("own", `{"reference":"#o"}`), `"status"`, `"contained":[{"resourceType":"Organization","id":"o","identifier":[{"system":"`+sidCSKCB+`","value":"`+code+`"}]}],"status"`, 1))
		}
		a.want(403, hospitalB, "POST", "/"+typ, doc("x", at("bva")))
		a.want(403, hospitalB, "POST", "/"+typ+"/$validate", doc("x", at("bva")))
		a.want(403, hospitalB, "PUT", "/"+typ+"?_id=new", doc("new", at("bva")))
		a.want(403, hospitalB, "PATCH", own, `[{"op":"replace","path":"/`+map[string]string{"Encounter": "serviceProvider", "ExplanationOfBenefit": "provider"}[typ]+`","value":`+at("bva")+`}]`, "Content-Type", "application/json-patch+json")
		a.want(403, hospitalB, "POST", "", careBundle(`{"resource":`+doc("own", at("bva"))+`,"request":{"method":"PUT","url":"`+typ+`/own"}}`))
		a.want(403, "hospital-group-51901", "PUT", "/"+typ+"/group", strings.Replace(doc("group", at("bvb")), "Patient/pb", "Patient/none", 1))
	}
	if raw := a.want(403, bare, "PUT", "/Encounter/bare", strings.Replace(stay("bare", at("bva")), "Patient/pb", "Patient/pc", 1)); !strings.Contains(raw, "facility-none") {
		t.Error(raw)
	}
	a.want(201, bare, "PUT", "/Encounter/bare", strings.Replace(stay("bare", at("bvc")), "Patient/pb", "Patient/pc", 1))
	a.want(201, bare+"-", "PUT", "/Encounter/none", strings.Replace(stay("none", at("bvc")), "Patient/pb", "Patient/pc", 1)) // who sends for nobody has stays of its own
	a.want(403, "clinic-k1", "PUT", "/Encounter/k", strings.Replace(stay("k", at("bva")), "Patient/pb", "Patient/pk", 1))
	a.want(201, "clinic-k1", "PUT", "/Encounter/k", strings.Replace(stay("k", at("k1")), "Patient/pb", "Patient/pk", 1))
	a.here.stop(t)
}

// TestTheDirectoryIsOfWhoItNames: nobody enters a room, a doctor, a service or a department of somebody else's hospital, nor a code of one,
// and by such entries a claim cannot be in another's name either; while where a stay came from and leads to may be named.
func TestTheDirectoryIsOfWhoItNames(t *testing.T) {
	a := serveRoles(t)
	const hospitalA, hospitalB = "hospital-bva", "hospital-bvb"
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51902"))
	a.want(201, hospitalA, "PUT", "/Organization/ward", `{"resourceType":"Organization","id":"ward","name":"Khoa Nội","partOf":{"reference":"Organization/bva"}}`)
	for typ, element := range map[string]string{"Location": "managingOrganization", "PractitionerRole": "organization", "HealthcareService": "providedBy", "Organization": "partOf", "Account": `status":"active","owner`} {
		doc := func(id, organization string) string {
			return `{"resourceType":"` + typ + `","id":"` + id + `","` + element + `":{"reference":"Organization/` + organization + `"}}`
		}
		a.want(201, hospitalA, "PUT", "/"+typ+"/room-a", doc("room-a", "bva"))
		a.want(200, hospitalA, "PUT", "/"+typ+"/room-a", doc("room-a", "ward"))
		a.want(201, hospitalB, "PUT", "/"+typ+"/room-b", doc("room-b", "bvb"))
		for _, of := range []string{"bva", "ward"} {
			raw := a.want(403, hospitalB, "PUT", "/"+typ+"/room-b", doc("room-b", of))
			if !strings.Contains(raw, `"code":"facility-foreign"`) || !strings.Contains(raw, "This is about the facility Organization/"+of) {
				t.Error(raw)
			}
			a.want(403, hospitalB, "POST", "/"+typ, doc("x", of))
			a.want(403, hospitalB, "POST", "/"+typ+"/$validate", doc("x", of))
			a.want(403, hospitalB, "POST", "", careBundle(`{"resource":`+doc("new", of)+`,"request":{"method":"PUT","url":"`+typ+`/new"}}`))
		}
	}
	// What the request itself makes of it counts: a ward of A in the same transaction.
	a.want(403, hospitalB, "POST", "", careBundle(`{"fullUrl":"urn:uuid:00000000-0000-4000-8000-00000000000a","resource":{"resourceType":"Location","partOf":{"reference":"Location/room-a"}},"request":{"method":"POST","url":"Location"}}`))
	a.want(403, hospitalB, "POST", "/Location", `{"resourceType":"Location","identifier":[{"system":"`+sidCSKCB+`","value":"51901"}]}`)
	a.want(201, hospitalB, "PUT", "/Organization/school", `{"resourceType":"Organization","id":"school","name":"Trường tiểu học"}`)
	a.want(201, hospitalB, "POST", "/Location", `{"resourceType":"Location","managingOrganization":{"reference":"Organization/school"}}`)

	a.want(201, hospitalB, "PUT", "/Patient/pb", carePatient("pb", "051085000022"))
	claim := func(provider, more string) string {
		return strings.NewReplacer(`Organization/bvb`, provider, `"use"`, more+`"use"`).Replace(episodeClaim("c", "51902", "LK1", "bvb", "pb"))
	}
	a.want(201, hospitalB, "PUT", "/Claim/c", claim("PractitionerRole/room-b", `"facility":{"reference":"Location/room-b"},`))
	for place, body := range map[string]string{
		"Claim.provider": claim("PractitionerRole/room-a", ""), "Claim.facility": claim("Organization/bvb", `"facility":{"reference":"Location/room-a"},`),
		"Claim.facility.identifier": claim("Organization/bvb", `"facility":{"identifier":{"system":"`+sidCSKCB+`","value":"51901"}},`),
	} {
		for _, way := range []func() string{
			func() string { return a.want(403, hospitalB, "PUT", "/Claim/c", body) },
			func() string { return a.want(403, hospitalB, "POST", "/Claim/$validate", body) },
			func() string { return a.want(403, hospitalB, "POST", "/Claim/$precheck", body) },
			func() string {
				return a.want(403, hospitalB, "POST", "", careBundle(`{"resource":`+body+`,"request":{"method":"PUT","url":"Claim/c"}}`))
			},
		} {
			if raw := way(); !strings.Contains(raw, `"code":"facility-foreign"`) || !strings.Contains(raw, `["`+place+`"]`) && !strings.Contains(raw, place+`"]`) {
				t.Errorf("%s: %s", place, raw)
			}
		}
	}
	transfer := strings.Replace(careEncounter("Patient/pb", "bvb"), `"status"`, `"hospitalization":{"origin":{"reference":"Location/room-a"},"destination":{"reference":"Organization/bva"}},"status"`, 1)
	a.want(201, hospitalB, "POST", "/Encounter", transfer)
	a.here.stop(t)
}

// TestImportOfNumbersBySender: an import by a token is held to the same, one at the terminal of the server is not.
func TestImportOfNumbersBySender(t *testing.T) {
	a := serveRoles(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "people.ndjson")
	if err := os.WriteFile(file, []byte(numbered("p1", "51901|BN1")+"\n"+numbered("p2", "51902|BN1")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const hospital = "hospital-bvb-51902"
	a.want(200, hospital, "GET", "/Organization", "") // makes the token
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte(a.tokens[hospital]), 0o600); err != nil {
		t.Fatal(err)
	}
	imports := func(more ...string) (int, string) {
		var out, stderr bytes.Buffer
		err := run(t.Context(), append([]string{"import", "-q", file}, more...), &out, &stderr)
		return exitCode(err), out.String() + stderr.String()
	}
	if code, out := imports("--server", a.base, "--token-file", token, "--state", filepath.Join(dir, "state")); code != exitPartial || !strings.Contains(out, "This is about the facility 51901, and you send for 51902.") {
		t.Errorf("by a token: %d %s", code, out)
	}
	a.want(200, hospital, "GET", "/Patient/p2", "")
	a.want(404, hospital, "GET", "/Patient/p1", "")
	a.here.stop(t)
	if code, out := imports("--data", filepath.Join(dir, "store")); code != 0 {
		t.Errorf("at the terminal: %d %s", code, out)
	}
}

// TestACheckInWaitsUntilItsSenderIsRegistered: as who sent it, and nobody else, one learns why a check-in is held after the operator took
// the facility from its sender.
func TestACheckInWaitsUntilItsSenderIsRegistered(t *testing.T) {
	a := serveRoles(t, "--gateway-url", "http://127.0.0.1:1", "--gateway-credentials", credentials(t), "--gateway-check-ins")
	const hospital = "hospital-bva"
	job := func(operation string) {
		t.Helper()
		a.want(200, "operator", "POST", "/$job-"+operation, `{"resourceType":"Parameters","parameter":[{"name":"job","valueString":"bhxh-checkin"},{"name":"reason","valueString":"x"}]}`)
	}
	job("pause")
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, hospital, "PUT", "/Patient/pa", numbered("pa", "51901|BN1"))
	a.want(201, hospital, "PUT", "/Encounter/e", strings.Replace(careEncounter("Patient/pa", "bva"), `"status":"finished"`, `"id":"e","status":"in-progress","identifier":[{"system":"`+sidMaLK+`51901","value":"LK1"}]`, 1))
	a.want(200, "operator", "PUT", "/Organization/bva", `{"resourceType":"Organization","id":"bva","name":"x"}`)
	job("resume")
	job("run")
	fhirtest.Eventually(t, "the reason", func() bool {
		return strings.Contains(a.want(200, hospital, "GET", "/Encounter/e/$sync-status", ""), "Bên gửi chưa được đăng ký gửi hồ sơ cho cơ sở này (MA_CSKCB)")
	})
	for who, status := range map[string]int{"hospital-bvb": 404, "clinic-k1": 403, "citizen-pa": 403, "registrar": 403, "operator": 403, "auditor": 404} {
		a.want(status, who, "GET", "/Encounter/e/$sync-status", "")
	}
	a.here.stop(t)
}

// TestATableOfDosesGivesNoForeignNumbers: a table with record numbers of another facility is taken, row by row, without these numbers; a row
// that has no other number is refused with the reason, as CSV and as XLSX, rehearsed and done.
func TestATableOfDosesGivesNoForeignNumbers(t *testing.T) {
	a := serveRoles(t)
	a.want(201, "operator", "PUT", "/Organization/bva", hospitalCalled("bva", "51901"))
	a.want(201, "operator", "PUT", "/Organization/bvb", hospitalCalled("bvb", "51902"))
	a.want(201, "hospital-bva", "PUT", "/Patient/pa", numbered("pa", "51901|BN1"))
	dir := t.TempDir()
	table := &tabular.Table{Head: []string{"so_cccd", "ma_ho_so", "ma_cskcb", "ho_ten", "ngay_sinh", "ngay_tiem", "ma_vac_xin"}, Rows: [][]string{
		{"051225000011", "BN7", "51901", "Giả Định An", "31/01/2025", "31/01/2025", "08"},
		{"", "BN1", "51901", "Nguyễn Văn Thử", "15/03/1985", "31/01/2025", "08"}, // a person of A
		{"", "BN2", "51901", "Nguyễn Văn Thử", "15/03/1985", "31/01/2025", "08"}, // nobody
		{"", "BN1", "51902", "Giả Định Bình", "31/01/2025", "31/01/2025", "08"},
	}}
	for _, one := range [][2]string{{"hospital-bvb", "(sẽ|đã) thêm,,,"}, {"clinic-k1", "từ chối,lỗi,intake-foreign-record,ma_ho_so"}} { // in this order: the second has a number of its own
		who, row := one[0], one[1]
		a.want(200, who, "GET", "/Organization", "") // makes the token
		token := filepath.Join(dir, "token-"+who)
		if err := os.WriteFile(token, []byte(a.tokens[who]), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"doses.csv", "doses.xlsx"} {
			file, report := filepath.Join(dir, name), filepath.Join(dir, who+name+".csv")
			if who == "clinic-k1" {
				table.Rows[0][0] = "051225000022"
			}
			if err := writeTable(table, file); err != nil {
				t.Fatal(err)
			}
			for _, more := range [][]string{{"--dry-run"}, nil} {
				var out, stderr bytes.Buffer
				code := exitCode(run(t.Context(), append([]string{"import-immunizations", file, "--server", a.base, "--token-file", token, "--report", report}, more...), &out, &stderr))
				raw, err := os.ReadFile(report)
				if code != exitPartial || err != nil {
					t.Fatalf("%s: %d %v %s %s", who, code, err, out.String(), stderr.String())
				}
				const refused = "Mã hồ sơ thuộc cơ sở 51901, mà bạn không được đăng ký thay mặt, và dòng này không có số nào khác của người được tiêm."
				want := []string{"2,(sẽ|đã) thêm,cảnh báo,intake-record-left-out,ma_ho_so,\"Không ghi mã hồ sơ của cơ sở 51901, .*", "3,từ chối,lỗi,intake-foreign-record,ma_ho_so,\"" + refused + ".*",
					"4,từ chối,lỗi,intake-foreign-record,ma_ho_so,\"" + refused + ".*", "5," + row + ".*"}
				if name == "doses.xlsx" { // the CSV came before
					want[0], want[3] = "2,đã có,,,,,.*", strings.Replace(want[3], "(sẽ|đã) thêm", "đã có", 1)
				}
				if ok, err := regexp.MatchString("^[^\n]*\n"+strings.Join(want, "\n")+"\n$", string(raw)); err != nil || !ok {
					t.Errorf("%s, %s %v:\n%s", who, name, more, raw)
				}
			}
		}
	}
	if raw := a.want(200, "registrar", "GET", "/Patient?_count=50", ""); strings.Count(raw, sidMaBN+"51901") != 1 || strings.Count(raw, sidMaBN+"51902") != 1 || strings.Count(raw, "Giả Định An") != 2 {
		t.Errorf("%s", raw)
	}
	a.here.stop(t)
}
