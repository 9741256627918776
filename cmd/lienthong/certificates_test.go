package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

// command runs a command to its end and gives its exit code.
func command(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), args, &stdout, &stderr)
	return stdout.String(), exitCode(err)
}

// issuer is a server with keys, without a listener.
type issuer struct {
	t      *testing.T
	client http.Client
}

const issuerBase = "http://cards.example/fhir"

func newIssuer(t *testing.T, keys string) *issuer {
	t.Helper()
	settings := config.Server{Data: filepath.Join(t.TempDir(), "store"), BaseURL: issuerBase, SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100,
		Certificate: config.Certificate{Keys: keys, Authority: "Sở Y tế Giả Định", ValidFor: 1 << 50}}
	n, err := openNode(t.Context(), settings, issuerBase, logger(io.Discard, "text", "error"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	return &issuer{t, http.Client{Transport: inProcess{n.handler}}}
}

// ask gives status, media type and body.
func (i *issuer) ask(method, address, body string) (int, string, []byte) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", "application/fhir+json")
	res, err := i.client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), raw
}

// keep writes an answer into a file.
func (i *issuer) keep(name, address string) string {
	i.t.Helper()
	status, _, raw := i.ask("GET", address, "")
	if status != 200 {
		i.t.Fatalf("%s: %d %s", address, status, raw)
	}
	path := filepath.Join(i.t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

// The person of this test is invented.
const (
	certifiedPatient = `{"resourceType":"Patient","id":"p1","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051199000011"}],"name":[{"family":"Nguyễn","given":["Thị","Đào"]}],"gender":"female","birthDate":"1999-02-28"}`
	certifiedDose    = `{"resourceType":"Immunization","id":"i1","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"08"}]},"patient":{"reference":"Patient/p1"},"occurrenceDateTime":"2025-01-10","lotNumber":"GD-1"}`
)

func TestACertificateIsIssuedShownVerifiedAndRevoked(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if out, code := command(t, "certificate-key", "new", keys); code != 0 || !strings.Contains(out, "added") {
		t.Fatalf("%d %s", code, out)
	}
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v %v", info.Mode(), err)
	}
	i := newIssuer(t, keys)
	for path, doc := range map[string]string{"Patient/p1": certifiedPatient, "Immunization/i1": certifiedDose} {
		if status, _, raw := i.ask("PUT", issuerBase+"/"+path, doc); status != 201 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	public := i.keep("jwks.json", "http://cards.example/certificate/.well-known/jwks.json")
	of := issuerBase + "/Patient/$immunization-certificate?identifier=051199000011&format="
	var files []string
	for format, begin := range map[string]string{"pdf": "%PDF-", "png": "\x89PNG", "svg": "<svg", "json": `{"verifiableCredential":["eyJ`, "shc": "shc:/", "hc1": "HC1:", "png&form=hc1": "\x89PNG"} {
		file := i.keep("certificate."+format, of+format)
		if raw, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(raw), begin) {
			t.Errorf("%s: %v %.60s", format, err, raw)
		}
		if format != "pdf" && format != "svg" {
			files = append(files, file)
		}
	}
	for _, file := range files {
		out, code := command(t, "verify-certificate", "--keys", public, "--issuer", "http://cards.example/certificate", file)
		if code != 0 || !strings.HasPrefix(out, "VALID\nNguyễn Thị Đào") || !strings.Contains(out, "2025-01-10") {
			t.Errorf("%s: %d %s", filepath.Base(file), code, out)
		}
	}
	parameters := `{"resourceType":"Parameters","parameter":[{"name":"credentialType","valueUri":"https://smarthealth.cards#immunization"}]}`
	_, _, raw := i.ask("POST", issuerBase+"/Patient/p1/$health-cards-issue", parameters)
	if !strings.Contains(string(raw), `"name":"verifiableCredential","valueString":"eyJ`) {
		t.Errorf("%s", raw)
	}
	if _, _, raw := i.ask("POST", issuerBase+"/Patient/p1/$health-cards-issue", strings.Replace(parameters, "#immunization", "#covid19", 1)); string(raw) != `{"resourceType":"Parameters"}` {
		t.Errorf("a type that is not offered: %s", raw)
	}
	if status, _, raw := i.ask("POST", issuerBase+"/Patient/p1/$health-cards-revoke", `{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"sai lô"}]}`); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	_, kid, _ := strings.Cut(string(must(os.ReadFile(public))), `"kid":"`)
	kid, _, _ = strings.Cut(kid, `"`)
	crl := i.keep("crl.json", "http://cards.example/certificate/.well-known/crl/"+kid+".json")
	for _, file := range files {
		if out, code := command(t, "verify-certificate", "--keys", public, "--crl", crl, file); code != exitNotValid || !strings.HasPrefix(out, "NOT VALID") {
			t.Errorf("%s, revoked: %d %s", filepath.Base(file), code, out)
		}
	}
	none := filepath.Join(t.TempDir(), "none.json")
	if err := os.WriteFile(none, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"keys of somebody else": {[]string{"--keys", none, files[0]}, exitNotValid},
		"no certificate":        {[]string{"--keys", public, "hello"}, exitNoCertificate},
		"no keys":               {[]string{"--keys", "/nowhere", files[0]}, exitNoCertificate},
		"in Vietnamese":         {[]string{"--keys", public, "--lang", "vi", files[0]}, 0},
	} {
		if out, code := command(t, append([]string{"verify-certificate"}, c.args...)...); code != c.want {
			t.Errorf("%s: %d %s", name, code, out)
		}
	}
	for query, want := range map[string]int{"?format=docx": 400, "?lang=fr": 400, "?other=1": 400, "?identifier=": 400, "?identifier=051199000012": 404} {
		if status, _, raw := i.ask("GET", issuerBase+"/Patient/$immunization-certificate"+query, ""); status != want || bytes.Contains(raw, []byte("051199")) {
			t.Errorf("%s: %d %s", query, status, raw)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRevocationsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys.json")
	if _, err := addKey(keys, must(os.Stat(dir)).ModTime()); err != nil {
		t.Fatal(err)
	}
	settings := config.Server{Data: filepath.Join(dir, "store"), BaseURL: issuerBase, SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100, Certificate: config.Certificate{Keys: keys}}
	var first, second string
	for n, list := range []*string{&first, &second} {
		node, err := openNode(t.Context(), settings, "", logger(io.Discard, "text", "error"))
		if err != nil {
			t.Fatal(err)
		}
		i := &issuer{t, http.Client{Transport: inProcess{node.handler}}}
		if n == 0 {
			i.ask("PUT", issuerBase+"/Patient/p1", certifiedPatient)
			i.ask("POST", issuerBase+"/Patient/p1/$health-cards-revoke", `{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"sai lô"}]}`)
		}
		*list = node.certificates.service.RID("p1")
		before, err := node.certificates.service.RevokedBefore(t.Context(), *list)
		if err := errors.Join(err, node.close()); err != nil || before.IsZero() {
			t.Errorf("start %d: %v %v", n+1, before, err)
		}
	}
	if first == "" || first != second {
		t.Errorf("the rid changed from %q to %q", first, second)
	}
}
