package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/search"
)

// TestNoPersonInWordsReachesAnAuditor (FENCED): whatever field of a claim file, note, narrative or attachment somebody wrote a person's
// name or number into, an auditor gets the field without it, in every way. The hospital sees it as it was sent.
func TestNoPersonInWordsReachesAnAuditor(t *testing.T) {
	tables, people := claimTables(t)
	a := serveRoles(t)
	const hospital, auditor = "hospital-h1-51901", "auditor"
	// Of invented persons: the patient under two names, a relative, a guardian who stands in a field of one table alone.
	const words = "chị Đặng Thị Giả (DANG THI GIA, Gia Dang Thi, Đ.T.Giả), trước là Đặng Thị Mạo, CCCD 051 185 000 022, thẻ GD4515100000077, " +
		"ĐT 0909.888.777, con bà Bùi Thị Tưởng; người nhà Lê Văn Ngờ"
	secrets := []string{"dang thi", "thi gia", "gia dang", "thi mao", "185 000 022", "gd4515100000077", "0909 888", "0909888", "bui thi", "van ngo", "le van"}
	initials := regexp.MustCompile(`(^| |d)tgia( |$)`) // a word by itself: signatures are random, and long enough to have its letters
	if !initials.Match(search.AppendFolded(nil, words, 0)) {
		t.Fatal("the initials are not found where they stand")
	}
	written := regexp.MustCompile(`Gia-(XML\d+)-(\w+)#`)
	bundle, references := claimFileOf(tables)
	bundle = written.ReplaceAllStringFunc(bundle, func(mark string) string {
		if people[written.FindStringSubmatch(mark)[2]] {
			return mark
		}
		return mark + " " + words
	})
	for from, to := range map[string]string{
		`"text":"Gia-Patient-name#"`:     `"text":"Đặng Thị Giả"`,
		`"value":"Gia-Patient-telecom#"`: `"value":"+84909888777"`,
		`"value":"Gia-Patient-identifier#"`: `"value":"BN000009"},{"system":"https://lienthong.example/sid/cccd","value":"051185000022"}` +
			`,{"system":"https://lienthong.example/sid/bhyt","value":"GD4515100000077"`,
		`Gia-XML7-HO_TEN_CHA#`:            "Lê Văn Ngờ",
		`"status":"completed"`:            `"status":"completed","note":[{"text":"` + words + `"}],"description":"` + words + `"`,
		`"productOrService":{"text":"x"}`: `"productOrService":{"coding":[{"system":"urn:x","code":"1","display":"` + words + `"}],"text":"` + words + `"}`,
		`"birthDate":"1985-03-15"`:        `"birthDate":"1985-03-02"`,
		`"supportingInfo":[`:              `"supportingInfo":[{"sequence":900,"category":{"text":"x"},"valueString":"` + words + `"},{"sequence":901,"category":{"text":"x"},"valueReference":{"reference":"DocumentReference/d"}},`,
		`"type":"transaction","entry":[`: `"type":"transaction","entry":[{"resource":{"resourceType":"DocumentReference","id":"d","status":"current","description":"` + words +
			`","subject":{"reference":"Patient/p"},"content":[{"attachment":{"contentType":"text/plain","title":"` + words + `","data":"xJDhurduZyBUaOG7iyBHaeG6ow=="}}]},"request":{"method":"PUT","url":"DocumentReference/d"}},` +
			`{"resource":{"resourceType":"RelatedPerson","id":"r","patient":{"reference":"Patient/p"},"name":[{"text":"Bùi Thị Tưởng"}]},"request":{"method":"PUT","url":"RelatedPerson/r"}},`,
	} {
		if !strings.Contains(bundle, from) {
			t.Fatalf("there is no %s", from)
		}
		bundle = strings.ReplaceAll(bundle, from, to)
	}
	a.want(http.StatusOK, hospital, "POST", "", strings.ReplaceAll(bundle, `"text":"Đặng Thị Giả"`, `"text":"Đặng Thị Mạo"`))
	a.want(http.StatusOK, hospital, "POST", "", bundle)

	paths := []string{"/Claim/c/_history", "/Claim/c/_history/1", "/Claim/c?_format=html", "/Claim?_id=c&_include=Claim:encounter", "/Patient/p/$everything", "/Claim/c/$case", "/Claim/c/$case?output=json",
		"/Claim/c/$evidence", "/Claim/$cases?output=json", "/Claim/$sample?seed=1&size=2&by=facility&members=true", "/DocumentReference/d", "/Task?focus=Claim/c"}
	for _, r := range references {
		typ, id, _ := strings.Cut(r, "/")
		paths = append(paths, "/"+r, "/"+typ+"?_id="+id, "/"+r+"/_history")
	}
	shown := map[string]string{}
	for _, path := range paths {
		raw := a.want(http.StatusOK, auditor, "GET", path, "")
		if strings.Contains(path, "evidence") {
			raw = string(fhirtest.Unzipped(t, []byte(raw)))
		}
		shown[auditor] += raw
		folded := string(search.AppendFolded(nil, raw, 0))
		for _, s := range append(initials.FindAllString(folded, -1), secrets...) {
			if at := strings.Index(folded, s); at >= 0 {
				t.Errorf("%s tells %q: …%s…", path, s, folded[max(at-80, 0):min(at+80, len(folded))])
			}
		}
		if strings.Contains(raw, "xJDhurduZyBUaOG7iyBHaeG6ow==") {
			t.Errorf("%s shows the letter", path)
		}
	}
	for _, r := range append(references, "DocumentReference/d") {
		if raw := a.want(http.StatusOK, hospital, "GET", "/"+r, ""); r != "Patient/p" && !strings.Contains(raw, words) {
			t.Errorf("the hospital does not see its own words in %s", r)
		}
	}
	for _, table := range tables {
		for _, f := range table.Fields {
			if !people[f.Name] && !strings.Contains(shown[auditor], table.mark(f.Name)+" chị [tên bị che] (") {
				t.Errorf("the auditor does not see what is left of %s of %s", f.Name, table.Table)
			}
		}
	}
}
