package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// tellsWho are definitions of fields of the claim file that may tell who somebody is, where, and by which number.
var tellsWho = regexp.MustCompile(`(?i)họ và tên|địa chỉ|điện thoại|căn cước|mã thẻ bhyt|mã số (bhxh|bảo hiểm xã hội)|mã (số )?người bệnh|nơi cư trú|tên đơn vị|đơn vị quản lý|nuôi dưỡng`)

// fieldsThatStay are those among them that an auditor is shown, with the reason.
var fieldsThatStay = map[string]string{
	"MA_TTDV": "staff", "MA_BS": "staff", "TEN_BS": "staff", "NGUOI_DO_DE": "staff", "NGUOI_GHI_PHIEU": "staff", "NGUOI_CHU_TRI": "staff",
	"MA_DANTOC_NND": "a code that many share", "MA_QUOCTICH": "a code that many share",
}

type claimTable struct {
	Table  string
	Fields []struct {
		Name       string
		Definition string `json:"definition_vi"`
	}
}

// mark is the invented text of a field.
func (c claimTable) mark(field string) string { return "Gia-" + c.Table + "-" + field + "#" }

func claimTables(t *testing.T) (tables []claimTable, people map[string]bool) {
	t.Helper()
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "tables.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Tables []claimTable }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	people = map[string]bool{}
	for _, table := range file.Tables {
		for _, f := range table.Fields {
			if tellsWho.MatchString(firstSentence(f.Definition)) && fieldsThatStay[f.Name] == "" {
				people[f.Name] = true
			}
		}
	}
	for _, name := range []string{"MA_BN", "HO_TEN_ME", "NGUOI_GIAM_HO", "SO_CCCD_NND", "MAXA_CU_TRU", "MA_THE_TAM", "DIEN_THOAI", "NGAYSINH_NND"} {
		if !people[name] {
			t.Fatalf("%s is taken for no field of a person: the test looks for too little", name)
		}
	}
	return file.Tables, people
}

// firstSentence is what a field is; what follows is how to fill it, and speaks of much else.
func firstSentence(definition string) string {
	first, _, _ := strings.Cut(definition, ". ")
	first, _, _ = strings.Cut(first, "Lưu ý")
	return first
}

// claimFileOf is a claim with every field of every table as extensions, where the mapping puts those that have no element.
func claimFileOf(tables []claimTable) (bundle string, references []string) {
	patient := `{"resourceType":"Patient","id":"p","name":[{"text":"Gia-Patient-name#"}],"telecom":[{"system":"phone","value":"Gia-Patient-telecom#"}],` +
		`"address":[{"text":"Gia-Patient-address#"}],"identifier":[{"system":"https://lienthong.example/sid/mabn/51901","value":"Gia-Patient-identifier#"}],"gender":"female","birthDate":"1985-03-15"}`
	const about = `"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}`
	rows := map[string]string{
		"Observation":        `"status":"final","code":{"text":"x"},` + about,
		"ClinicalImpression": `"status":"completed",` + about,
		"CarePlan":           `"status":"active","intent":"plan",` + about,
		"Composition":        `"status":"final","type":{"text":"x"},"date":"2026-05-31","author":[{"display":"x"}],"title":"x",` + about,
		"ServiceRequest":     `"status":"active","intent":"order",` + about,
		"Appointment":        `"status":"proposed","participant":[{"actor":{"reference":"Patient/p"},"status":"needs-action"}]`,
	}
	homes := map[string]string{"XML4": "Observation", "XML5": "ClinicalImpression", "XML6": "CarePlan", "XML7": "Composition", "XML8": "Composition", "XML9": "Composition",
		"XML10": "Composition", "XML11": "Composition", "XML12": "Composition", "XML13": "ServiceRequest", "XML14": "Appointment", "XML15": "CarePlan"}
	extension := map[string]string{}
	var entries, info []string
	add := func(reference, doc string) {
		references = append(references, reference)
		entries = append(entries, `{"resource":`+doc+`,"request":{"method":"PUT","url":"`+reference+`"}}`)
	}
	add("Patient/p", patient)
	for _, table := range tables {
		var fields []string
		for _, f := range table.Fields {
			fields = append(fields, `{"url":"`+f.Name+`","valueString":"`+table.mark(f.Name)+`"}`)
		}
		low := strings.ToLower(table.Table)
		extension[table.Table] = `"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/` + low + `","extension":[` + strings.Join(fields, ",") + `]}]`
		if typ := homes[table.Table]; typ != "" {
			add(typ+"/"+low, `{"resourceType":"`+typ+`","id":"`+low+`",`+extension[table.Table]+`,`+rows[typ]+`}`)
			info = append(info, `{"sequence":`+strconv.Itoa(len(info)+1)+`,"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"`+table.Table+`"}]},"valueReference":{"reference":"`+typ+"/"+low+`"}}`)
		}
	}
	add("Encounter/e", `{"resourceType":"Encounter","id":"e",`+extension["XML0"]+`,"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}`)
	line := func(sequence, table string) string {
		return `{"sequence":` + sequence + `,"encounter":[{"reference":"Encounter/e"}],` + extension[table] + `,"productOrService":{"text":"x"},"net":{"value":1000,"currency":"VND"},` +
			`"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"` + table + `"}]}}`
	}
	add("Claim/c", `{"resourceType":"Claim","id":"c",`+extension["XML1"]+`,"identifier":[{"system":"https://lienthong.example/sid/malk/51901","value":"LK-1"}],"status":"active","use":"claim",`+
		`"type":{"text":"x"},"patient":{"reference":"Patient/p"},"created":"2026-05-31","provider":{"display":"x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}],`+
		`"supportingInfo":[`+strings.Join(info, ",")+`],"item":[`+line("1", "XML2")+`,`+line("2", "XML3")+`]}`)
	return careBundle(entries...), references
}

// TestNoPersonOfAClaimFileReachesAnAuditor (FENCED): whatever table of the claim file a field of a person stands in, an auditor gets it in
// no way; all other fields come. The hospital that sent the file sees each, so that the test would.
func TestNoPersonOfAClaimFileReachesAnAuditor(t *testing.T) {
	tables, people := claimTables(t)
	a := serveRoles(t)
	bundle, references := claimFileOf(tables)
	const hospital = "hospital-h1-51901"
	a.want(http.StatusOK, hospital, "POST", "", strings.ReplaceAll(bundle, `#"`, `-before#"`)) // so that every field has a past
	a.want(http.StatusOK, hospital, "POST", "", bundle)

	paths := []string{"/Claim/c/_history", "/Claim/c/_history/1", "/Claim/_history", "/Claim/c?_format=html", "/Claim/c?_elements=extension", "/Claim?_id=c&_summary=data",
		"/Claim?_id=c&_include=Claim:encounter&_include=Claim:patient", "/Encounter?_id=e&_revinclude=Composition:encounter&_revinclude=Claim:encounter&_revinclude=ServiceRequest:encounter",
		"/Patient/p/$everything", "/Claim/c/$case", "/Claim/c/$case?output=json", "/Claim/c/$evidence", "/Claim/c/$diff", "/Claim/$cases", "/Claim/$cases?output=json",
		"/Claim/$sample?seed=1&size=2&by=facility,month&members=true"}
	for _, r := range references {
		typ, id, _ := strings.Cut(r, "/")
		paths = append(paths, "/"+r, "/"+typ+"?_id="+id, "/"+r+"/_history")
	}
	shown := map[string]string{}
	ask := func(who, method, path, body string) string {
		raw := a.want(http.StatusOK, who, method, path, body)
		if strings.Contains(path, "evidence") {
			raw = string(fhirtest.Unzipped(t, []byte(raw)))
		}
		shown[who] += raw
		return raw
	}
	const auditor = "auditor"
	const batch = `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Claim/c"}},{"request":{"method":"GET","url":"Composition?encounter=Encounter/e"}}]}`
	for _, path := range append(paths, "") {
		method, body := http.MethodGet, ""
		if path == "" {
			method, body = http.MethodPost, batch
		}
		raw := ask(auditor, method, path, body)
		if strings.Contains(raw, "Gia-Patient-") {
			t.Errorf("%s %s tells of the Patient", method, path)
		}
		for _, table := range tables {
			for _, f := range table.Fields {
				if people[f.Name] && (strings.Contains(raw, table.mark(f.Name)) || strings.Contains(raw, table.mark(f.Name+"-before"))) {
					t.Errorf("%s %s tells %s of %s", method, path, f.Name, table.Table)
				}
			}
		}
	}
	for _, r := range references {
		ask(hospital, http.MethodGet, "/"+r, "")
	}
	for _, table := range tables {
		for _, f := range table.Fields {
			if !strings.Contains(shown[hospital], table.mark(f.Name)) {
				t.Errorf("the hospital does not see its own %s of %s", f.Name, table.Table)
			}
			if !people[f.Name] && !strings.Contains(shown[auditor], table.mark(f.Name)) {
				t.Errorf("the auditor does not see %s of %s, which tells of nobody", f.Name, table.Table)
			}
			if end := table.mark(f.Name); strings.HasPrefix(f.Name, "MA_THE_") && !strings.Contains(shown[auditor], fmt.Sprintf(`{"url":"%s","valueString":"%s%s"}`, f.Name, strings.Repeat("*", len(end)-4), end[len(end)-4:])) {
				t.Errorf("the auditor does not see the end of %s of %s", f.Name, table.Table)
			}
		}
	}
}
