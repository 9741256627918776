package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestNothingButDocumentsNamesAPerson asks a demo for everybody in every way that puts a number, a name or a token into an
// address, a header, a body or an error, and then looks for them in all that the program wrote besides the documents
// themselves and what the demo shows on purpose: its log at the finest level, temporary files, the audit journal and its index.
func TestNothingButDocumentsNamesAPerson(t *testing.T) {
	dir := t.TempDir()
	temporary, data, file := filepath.Join(dir, "tmp"), filepath.Join(dir, "data"), filepath.Join(dir, "info.json")
	store := filepath.Join(data, "store")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	h := startHere(t, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--data", data, "--info", file, "--seed", "7", "--log-level", "debug")
	base := h.info(t, file).FHIR
	people := synthetic.New(synthetic.Config{Citizens: 60, Seed: 7, Today: time.Now()}).Citizens
	fhirtest.Eventually(t, "the printed tokens", func() bool { return strings.Count(h.out.String(), "Bearer ") == 5 })
	var secrets []string
	for _, m := range regexp.MustCompile(`Bearer ([^']+)'`).FindAllStringSubmatch(h.out.String(), -1) {
		secrets = append(secrets, m[1])
	}
	ask := func(method, path, token, body string) {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/fhir+json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 500 {
			t.Errorf("%s %s: %d", method, path, resp.StatusCode)
		}
	}
	found := false
	for i, c := range people {
		secrets = append(secrets, c.CCCD, c.Card, c.Name)
		token := secrets[i%4]
		if i%5 == 0 {
			token = ""
		}
		number, name := url.QueryEscape("https://lienthong.example/sid/cccd|"+c.CCCD), url.QueryEscape(c.Name)
		for _, path := range []string{
			"/Patient?identifier=" + number, "/Immunization?patient.identifier=" + number, "/Patient?name=" + name, "/Patient/" + c.CCCD,
			"/Patient?" + c.CCCD + "=1", "/" + c.CCCD, "/Patient/$immunization-summary?identifier=" + number, "/Patient?_format=html&name=" + name,
			"/Patient?birthdate=" + c.CCCD, "/Patient?_sort=" + c.CCCD, "/Patient/x?access_token=" + secrets[0], "/metadata?" + name,
			"/Patient/$summary?identifier=" + number, "/Patient/$immds-forecast?identifier=" + number, "/Patient/$immunization-certificate?identifier=" + number,
			"/$immunization-due?commune=" + name, "/$immunization-coverage?commune=" + c.CCCD, "/$immunization-recall?lotNumber=" + c.CCCD,
			"/Claim/$cases?patient=" + number, "/Claim/$cases?_sort=" + name, "/Claim/$sample?seed=" + c.Card, "/Claim/" + c.Card + "/$attempt?number=" + c.CCCD,
			"/Patient/" + c.CCCD + "/$access-report", "/Encounter/" + c.Card + "/$sync-status", "/Patient/" + c.CCCD + "/$everything?start=" + name,
		} {
			ask(http.MethodGet, path, token, "")
		}
		at := strings.TrimSuffix(base, "/fhir") + "/auth/sign-in?to=" + url.QueryEscape("/fhir/Patient?identifier="+number)
		if resp, err := http.Get(at); err != nil || resp.StatusCode != http.StatusOK {
			t.Error(err)
		} else {
			_ = resp.Body.Close()
		}
		logout := url.Values{"logout_token": {secrets[i%4] + c.CCCD}}
		if resp, err := http.PostForm(strings.TrimSuffix(base, "/fhir")+"/auth/back-channel-logout", logout); err != nil {
			t.Error(err)
		} else {
			_ = resp.Body.Close()
		}
		person := `{"resourceType":"Patient","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"` + c.CCCD + `"}],"name":[{"text":"` + c.Name + `"}]}`
		ask(http.MethodPost, "/Patient", token, person) // its number is taken
		ask(http.MethodPost, "/Patient", token, strings.Replace(person, `"value":"`, `"valeu":"`, 1))
		ask(http.MethodPost, "/Patient", token+"x", person)
		ask(http.MethodPost, "/Consent", token, `{"resourceType":"Consent","status":"active","patient":{"display":"`+c.Name+`","identifier":{"value":"`+c.CCCD+`"}}}`)
		ask(http.MethodPost, "/Encounter", token, `{"resourceType":"Encounter","status":"`+c.Name+`","subject":{"identifier":{"value":"`+c.Card+`"}}}`)
		ask(http.MethodPost, "/Claim/$precheck", token, `<GIAMDINHHS><MA_THE_BHYT>`+c.Card+`</MA_THE_BHYT>`+c.Name+`</GIAMDINHHS>`)
		ask(http.MethodPost, "/Patient/$match", token, `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":`+person+`}]}`)
		found = found || strings.Contains(h.out.String(), c.CCCD)
	}
	if !found {
		t.Error("the demo is about other people than those looked for")
	}
	h.stop(t)
	written := map[string][]byte{"log": []byte(h.err.String())}
	for _, root := range []string{temporary, filepath.Join(store, "audit"), filepath.Join(store, "audit.key.pub")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			written[path], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if n := len(written[filepath.Join(store, "audit", "00000000000000000000.jsonl")]); n < 100_000 {
		t.Errorf("the audit journal has %d bytes only", n)
	}
	for where, raw := range written {
		for _, s := range secrets {
			if bytes.Contains(raw, []byte(s)) {
				at := bytes.Index(raw, []byte(s))
				t.Errorf("%q stands in %s: %s", s[:min(len(s), 12)], where, raw[max(0, at-500):at])
			}
		}
	}
}
