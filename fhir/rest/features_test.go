package rest_test

import (
	"bytes"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// feature is the test of one row of the table of search features, over HTTP: searches of the ward below and the ids that
// they find, in order; searches that are refused, with the code of the refusal; and scripts of testdata/script.
type feature struct {
	finds   map[string]string
	refuses map[string]string
	scripts string // names without .txtar
}

const ucumMg = "http://unitsofmeasure.org|mg"

var features = map[string]feature{
	"and-or": {finds: map[string]string{
		"Patient?gender=male,female": "p1 p2", "Patient?gender=male,female&active=true": "p1", `Patient?identifier=s|1\,2`: "p2", `Patient?identifier=1\|x`: "",
	}},
	"id":          {finds: map[string]string{"Patient?_id=p1": "p1", "Patient?_id=p3,p1": "p1 p3", "Patient?_id:not=p1": "p2 p3"}},
	"lastUpdated": {finds: map[string]string{"Patient?_lastUpdated=gt2026-02": "p1 p2 p3", "Patient?_lastUpdated=lt2026-03-01": "", "Patient?_lastUpdated=2026-03-01": "p1 p2 p3"}},
	"token": {finds: map[string]string{
		"Observation?code=8480-6": "a b", "Observation?code=http://loinc.org|8480-6": "a b", "Observation?code=|x": "c", "Observation?code=http://loinc.org|": "a b",
		"Patient?active=true": "p1", "Patient?identifier=s|1": "p1", "Patient?phone=0901": "p1", "Observation?code=8480-6&code=X": "",
	}},
	"token-not":  {finds: map[string]string{"Patient?gender:not=male": "p2 p3", "Patient?active:not=true": "p2 p3"}},
	"token-text": {finds: map[string]string{"Observation?code:text=huyet": "a", "Observation?code:code-text=ap huyet": "a"}},
	"token-in": {finds: map[string]string{
		"Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender": "p1 p2", "Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender": "p3",
		"Observation?code:in=http://hl7.org/fhir/ValueSet/observation-codes": "a b",
	}, refuses: map[string]string{"Patient?gender:in=http://none": "valueset-unknown"}},
	"token-hier": {finds: map[string]string{
		"Encounter?class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP":   "e1 e2",
		"Encounter?class:above=http://terminology.hl7.org/CodeSystem/v3-ActCode|ACUTE": "e1 e2",
	}},
	"of-type":     {finds: map[string]string{"Patient?identifier:of-type=http://t|MR|1": "p1", "Patient?identifier:of-type=http://t|MR|2": ""}},
	"string":      {finds: map[string]string{"Patient?family=vo": "p1", "Patient?family:exact=Võ": "p1", "Patient?family:exact=vo": "", "Patient?name:contains=guy": "p3"}},
	"string-fold": {finds: map[string]string{"Patient?name=đao le": "p2", "Patient?name=LE DAO": "p2", "Patient?name=Nguye\u0302\u0303n": "p3"}},
	"date": {finds: map[string]string{
		"Patient?birthdate=1990": "p1", "Patient?birthdate=ge1991": "p2", "Observation?date=2020-02-02": "a", "Observation?date=2020-02-02T08:00:00Z": "", "Observation?date=gt2021": "b",
		"Observation?date=eb2020-03": "a", "Observation?date=sa2020": "b", "Observation?date=ne2020-02-02": "b",
	}, refuses: map[string]string{"Patient?birthdate=tomorrow": "search-value-date"}},
	"number": {finds: map[string]string{"RiskAssessment?probability=0.8": "r", "RiskAssessment?probability=gt0.8": "", "RiskAssessment?probability=ge0.75": "r"},
		refuses: map[string]string{"RiskAssessment?probability=much": "search-value-number"}},
	"quantity": {finds: map[string]string{
		"Observation?value-quantity=5.4|" + ucumMg: "a", "Observation?value-quantity=0.0054|http://unitsofmeasure.org|g": "a", "Observation?value-quantity=gt6|" + ucumMg: "b", "Observation?value-quantity=7": "b",
	}},
	"uri": {finds: map[string]string{"ValueSet?url=http://acme.org/fhir": "", "ValueSet?url:below=http://acme.org/fhir": "v", "ValueSet?url:above=http://acme.org/fhir/ValueSet/1/x": "v"}},
	"reference": {finds: map[string]string{
		"Observation?subject=Patient/p1": "a", "Observation?subject=p1": "a", "Observation?subject:Patient=p1": "a", "Observation?subject=http://else/Patient/p1": "", "Observation?subject:identifier=s|9": "c",
	}},
	"composite": {finds: map[string]string{"Observation?code-value-quantity=8480-6$gt6|" + ucumMg: "b", "Observation?code-value-quantity=x$5": ""}},
	"special": {finds: map[string]string{"Location?near=16.05|108.2|5|km": "danang", "Location?near=16.05|108.2|100|m": "", "Location?near=16.05|108.2|3|[mi_us]": "danang", "Location?near=16.05|108.2|0.1|[mi_us]": ""},
		refuses: map[string]string{"Location?near=somewhere": "search-value-near"}, scripts: "special"},
	"missing": {finds: map[string]string{"Patient?gender:missing=true": "p3", "Patient?gender:missing=false": "p1 p2", "Observation?value-quantity:missing=true": "c", "Observation?date:missing=true": "c"}},
	"chain": {finds: map[string]string{
		"Observation?patient.name=vo": "a", "Observation?patient.organization.name=benh": "a", "Observation?subject:Patient.organization:Organization.partof.name=so": "a", "Observation?patient.name=vo,le": "a b",
		"MedicationRequest?medication.code=x": "m1", "MedicationRequest?medication.code=y": "", "MedicationRequest?medication:Medication.manufacturer.name=so": "m1", "MedicationRequest?medication.code=x&medication.status=inactive": "",
		"MedicationRequest?medication.code:not=x": "", "Patient?_has:MedicationRequest:patient:medication.code=x": "p1", "MedicationRequest?_filter=medication.code eq x and status eq active": "m1",
	}, scripts: "chain"},
	"has": {finds: map[string]string{
		"Patient?_has:Observation:patient:code=8480-6": "p1 p2", "Patient?_has:Observation:patient:encounter.class=IMP": "p1", "Organization?_has:Patient:organization:_has:Observation:patient:code=8480-6": "o1",
	}},
	"include":    {scripts: "include"},
	"revinclude": {scripts: "include"},
	"sort":       {finds: map[string]string{"Patient?_sort=birthdate": "p1 p2 p3", "Patient?_sort=-birthdate": "p2 p1 p3", "Patient?_sort=gender,-_id": "p2 p1 p3", "Patient?_sort=-_lastUpdated": "p3 p2 p1"}},
	"page":       {scripts: "page web_history_pages"},
	"total":      {scripts: "total"},
	"summary":    {scripts: "summary"},
	"contained": {finds: map[string]string{
		"Patient?_contained=false": "p1 p2 p3", "Medication?code=x": "own", "Medication?code=x&_contained=false&_containedType=contained": "own",
		"Medication?code=x&_contained=true": "m1", "Medication?code=x&_contained=true&_containedType=contained": "c1", "Medication?_contained=true": "m1",
		"Medication?code=x&_contained=both": "own m1", "Medication?code=x&_contained=both&_containedType=contained": "own c1", "Medication?_contained=both&_containedType=container": "own m1",
		"Medication?code=x&status=inactive&_contained=true": "", "Medication?code=y&status=inactive&_contained=true&_containedType=contained": "c2",
		"Medication?_id=c2&_contained=both&_containedType=contained": "c2", "Medication?_id:not=c2&_contained=true&_containedType=contained": "c1", "Medication?_id=own&_contained=true": "",
		"Medication?_contained=both&_containedType=contained&_sort=-_id": "own c2 c1", "Medication?_contained=both&_containedType=contained&_sort=status,code": "c1 own c2",
		"Medication?_contained=true&_containedType=contained&manufacturer.name=so": "c1", "Medication?_contained=true&_filter=code eq y or status eq active": "m1",
		"Medication?_contained=true&status:missing=true": "", "Medication?_contained=both&code:not=x": "m1", "Patient/p1/Observation?_contained=true": "",
	}, refuses: map[string]string{
		"Patient?_contained=yes": "search-value-choice", "Patient?_containedType=all": "search-value-choice", "Patient?_contained=true&_contained=both": "search-param-repeated",
		"Medication?_contained=true&_has:MedicationRequest:medication:status=active": "search-contained", "Medication?_contained=both&_list=l": "search-contained",
		"Medication?_contained=true&_include=Medication:manufacturer": "search-contained", "?_type=Medication,Patient&_contained=true&_id=x": "search-contained",
	}, scripts: "contained"},
	"text": {finds: map[string]string{"Patient?_text=sot": "p1", "Patient?_text=SỐT": "p1", "Patient?_text=benh*": "p1", "Patient?_text=none": ""}, refuses: map[string]string{"Patient?_content=sot": "search-text-off"}}, // and TestContentIsSwitched
	"filter": {finds: map[string]string{
		"Patient?_filter=gender eq male or family sw le": "p1 p2", "Patient?_filter=not (gender pr true)": "p3", "Observation?_filter=date ge 2021": "b", "Patient?_filter=organization.name co ngai": "p1",
	}, refuses: map[string]string{"Patient?_filter=gender is male": "search-filter-syntax"}},
	"list": {finds: map[string]string{"Patient?_list=l": "p1"}, refuses: map[string]string{"AllergyIntolerance?_list=$current-allergies": "search-list-functional", "Patient?_query=x": "search-query-named"}},
	"meta": {finds: map[string]string{
		"Patient?_tag=s|t": "p1", "Patient?_tag:not=s|t": "p2 p3", "Patient?_profile=http://p/x": "p1", "Patient?_profile:below=http://p": "p1", "Patient?_security=R": "p1", "Patient?_source=http://src/a": "p1",
	}},
	"type":        {scripts: "multi_types"},
	"compartment": {scripts: "multi_compartment"},
	"post":        {scripts: "post postforms"},
	"strict":      {refuses: map[string]string{"Patient?nmae=x": "search-param-unknown", "Patient?name:soundex=x": "search-modifier-unsupported"}, scripts: "strict"},
	"count0":      {scripts: "total"},
	"custom":      {refuses: map[string]string{"Patient?nationality=vi": "search-param-unknown"}, scripts: "custom"},
	"explain":     {scripts: "explain"},
	"cond":        {scripts: "cond cond_patch cond_refused"},
	"tx":          {scripts: "tx tx_criteria tx_reference tx_refused batch ifmatch"},
	"history":     {scripts: "history historyshow"},
	"patch":       {scripts: "patch op_fhirpatch"},
	"everything":  {scripts: "everything op_everything"},
	"lastn":       {scripts: "op_lastn"},
	"prefer":      {scripts: "prefer"},
}

// ward is what the searches of features go over, in the order of its creation.
var ward = []string{
	`{"resourceType":"Organization","id":"o2","name":"Sở Y tế"}`,
	`{"resourceType":"Organization","id":"o1","name":"Bệnh viện Quảng Ngãi","partOf":{"reference":"Organization/o2"}}`,
	`{"resourceType":"Patient","id":"p1","active":true,"gender":"male","birthDate":"1990-02-05","name":[{"family":"Võ","given":["Văn","Thử"]}],"telecom":[{"system":"phone","value":"0901"}],
	  "meta":{"tag":[{"system":"s","code":"t"}],"profile":["http://p/x"],"security":[{"code":"R"}],"source":"http://src/a"},"managingOrganization":{"reference":"Organization/o1"},
	  "identifier":[{"system":"s","value":"1","type":{"coding":[{"system":"http://t","code":"MR"}]}}],
	  "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Bệnh nhân sốt</div>"}}`,
	`{"resourceType":"Patient","id":"p2","gender":"female","birthDate":"1991","name":[{"family":"Lê","given":["Đào"]}],"identifier":[{"system":"s","value":"1,2"}]}`,
	`{"resourceType":"Patient","id":"p3","name":[{"text":"Nguyễn Thử"}]}`,
	`{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"}}`,
	`{"resourceType":"Encounter","id":"e2","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"ACUTE"}}`,
	`{"resourceType":"Observation","id":"a","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Huyết áp tâm thu"}]},"subject":{"reference":"Patient/p1"},
	  "encounter":{"reference":"Encounter/e1"},"effectiveDateTime":"2020-02-02","valueQuantity":{"value":5.4,"system":"http://unitsofmeasure.org","code":"mg"}}`,
	`{"resourceType":"Observation","id":"b","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"subject":{"reference":"Patient/p2"},
	  "effectivePeriod":{"start":"2021-05-01"},"valueQuantity":{"value":7,"system":"http://unitsofmeasure.org","code":"g"}}`,
	`{"resourceType":"Observation","id":"c","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"identifier":{"system":"s","value":"9"}}}`,
	`{"resourceType":"ValueSet","id":"v","status":"active","url":"http://acme.org/fhir/ValueSet/1"}`,
	`{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p1"}}]}`,
	`{"resourceType":"Location","id":"danang","position":{"latitude":16.0544,"longitude":108.2022}}`,
	`{"resourceType":"Medication","id":"own","status":"inactive","code":{"coding":[{"code":"x"}]}}`,
	`{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","subject":{"reference":"Patient/p1"},"medicationReference":{"reference":"#c1"},"contained":[
	  {"resourceType":"Medication","id":"c1","status":"active","code":{"coding":[{"code":"x"}]},"manufacturer":{"reference":"Organization/o2"}},
	  {"resourceType":"Medication","id":"c2","status":"inactive","code":{"coding":[{"code":"y"}]}}]}`,
	`{"resourceType":"RiskAssessment","id":"r","status":"final","subject":{"reference":"Patient/p1"},"prediction":[{"probabilityDecimal":0.8}]}`,
}

// TestSearch has one subtest for each row of the table of search features.
func TestSearch(t *testing.T) {
	s := serve(t)
	for _, raw := range ward {
		d, err := resource.New([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := d.Root().ID()
		s.do(t, "PUT", "/"+string(d.Root().ResourceType())+"/"+id, []byte(raw)).want(t, 201)
	}
	for _, row := range slices.Sorted(maps.Keys(features)) {
		f := features[row]
		t.Run(row, func(t *testing.T) {
			for query, want := range f.finds {
				var ids []string
				for e := range s.do(t, "GET", searchPath(query), nil).want(t, 200).doc(t).Get("entry").Elements() {
					ids = append(ids, e.Get("resource").Get("id").Text())
				}
				if got := strings.Join(ids, " "); got != want {
					t.Errorf("%s finds %q, want %q", query, got, want)
				}
			}
			for query, want := range f.refuses {
				res := s.do(t, "GET", searchPath(query), nil)
				got := res.doc(t).Get("issue").At(0).Get("details").Get("coding").At(0).Get("code").Text()
				if got != want || res.StatusCode < 400 || res.StatusCode >= 500 {
					t.Errorf("%s is answered %d %s, want %s", query, res.StatusCode, got, want)
				}
			}
			if f.scripts != "" {
				p := scripts()
				for _, name := range strings.Fields(f.scripts) {
					p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
				}
				testscript.Run(t, p)
			}
		})
	}
}

// TestEveryFeatureHasATest: the table of search features and the one above have the same rows.
func TestEveryFeatureHasATest(t *testing.T) {
	raw, err := os.ReadFile(fhirtest.Data(t, "design", "search-features.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range bytes.Lines(raw) {
		cells := strings.Split(string(line), "|")
		if len(cells) < 3 {
			continue
		}
		row := strings.TrimSpace(cells[1])
		if row == "" || row == "row" || strings.HasPrefix(row, "-") {
			continue
		}
		if rows[row] = true; features[row].empty() {
			t.Errorf("row %s has no test", row)
		}
	}
	for row := range features {
		if !rows[row] {
			t.Errorf("%s is no row of the table", row)
		}
	}
	if len(rows) == 0 {
		t.Error("the table has no rows")
	}
}

func (f feature) empty() bool { return f.finds == nil && f.refuses == nil && f.scripts == "" }

// searchPath writes a readable query as a URL has it.
func searchPath(query string) string {
	of, rest, _ := strings.Cut(query, "?")
	var parts []string
	for part := range strings.SplitSeq(rest, "&") {
		name, value, _ := strings.Cut(part, "=")
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return "/" + of + "?" + strings.Join(parts, "&")
}
