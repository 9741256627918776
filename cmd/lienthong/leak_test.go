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
	eventually(t, "the printed tokens", func() bool { return strings.Count(h.out.String(), "Bearer ") == 4 })
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
		} {
			ask(http.MethodGet, path, token, "")
		}
		at := strings.TrimSuffix(base, "/fhir") + "/auth/sign-in?to=" + url.QueryEscape("/fhir/Patient?identifier="+number)
		if resp, err := http.Get(at); err != nil || resp.StatusCode != http.StatusOK {
			t.Error(err)
		} else {
			_ = resp.Body.Close()
		}
		person := `{"resourceType":"Patient","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"` + c.CCCD + `"}],"name":[{"text":"` + c.Name + `"}]}`
		ask(http.MethodPost, "/Patient", token, person) // its number is taken
		ask(http.MethodPost, "/Patient", token, strings.Replace(person, `"value":"`, `"valeu":"`, 1))
		ask(http.MethodPost, "/Patient", token+"x", person)
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
				t.Errorf("%q stands in %s", s[:min(len(s), 12)], where)
			}
		}
	}
}
