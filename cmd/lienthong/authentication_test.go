package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

func TestServeDoesNotStartWithAuthenticationByHalf(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "clients.yaml")
	if err := os.WriteFile(file, []byte("clients: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := filepath.Join(dir, "issuers.yaml")
	row := "issuers:\n  - {issuer: 'https://id.example', audience: [x], roles: {default: auditor}, browser: {client_id: x}}\n"
	if err := os.WriteFile(browser, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"sign-in in clear":          {[]string{"--issuers", browser, "--key-host", "https://id.example", "--base-url", "http://records.example/fhir"}, "in clear"},
		"sign-in at a strange host": {[]string{"--issuers", browser, "--base-url", "https://records.example/fhir"}, "allow list"},
		"nothing":                   {nil, "--insecure-no-authentication"},
		"clients without key":       {[]string{"--clients", file}, "--token-key"},
		"key without clients":       {[]string{"--token-key", file}, "--clients"},
		"both ways":                 {[]string{"--issuers", file, "--insecure-no-authentication"}, "which of them"},
		"no address for tokens":     {[]string{"--issuers", file, "--listen", "0.0.0.0:0"}, "--base-url"},
		"a certificate by half":     {[]string{"--insecure-no-authentication", "--tls-cert", file}, "--tls-key"},
		"client CA alone":           {[]string{"--insecure-no-authentication", "--tls-client-ca", file}, "--tls-cert"},
		"a wildcard of sites":       {[]string{"--insecure-no-authentication", "--cors-origin", "*"}, "--cors-origin"},
		"a key that is none":        {[]string{"--clients", file, "--token-key", file}, "no private key"},
		"issuers that are none":     {[]string{"--issuers", file}, "issuers file"},
		"a host that is no host":    {[]string{"--issuers", file, "--key-host", "keys.example"}, "no origin"},
		"an issuer of the demo":     {[]string{"--insecure-no-authentication", "--demo-issuer"}, "--demo-issuer"},
	} {
		args := append([]string{"serve", "--data", filepath.Join(dir, "store"), "--listen", "127.0.0.1:0", "--memory-limit", "0"}, c.args...)
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhereNobodyIsAskedItIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "s"), "--info", path)
	base := h.info(t, path).FHIR
	_, metadata, err := exchange(http.MethodGet, base+"/metadata", "")
	if err != nil || !bytes.Contains(metadata, []byte(unguarded[0])) {
		t.Errorf("metadata: %v", err)
	}
	_, page, err := exchange(http.MethodGet, base+"/Patient?_format=html", "")
	if err != nil || !bytes.Contains(page, []byte(unguarded[0])) {
		t.Errorf("page: %v %.300s", err, page)
	}
	if !strings.Contains(h.err.String(), unguarded[0]) {
		t.Errorf("log: %s", h.err.String())
	}
	h.stop(t)
}

// guarded is a server with one registered client, whose key and lines are those of docs/developer.md.
func guarded(t *testing.T, more ...string) (h *here, dir, base string, lines []string) {
	for _, program := range []string{"openssl", "curl", "xxd", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here", program)
		}
	}
	dir = t.TempDir()
	raw, err := os.ReadFile("../../docs/developer.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "## How a system gets a token")
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(after, 2) {
		lines = append(lines, m[1])
	}
	if len(lines) != 2 {
		t.Fatal("docs/developer.md lacks the lines")
	}
	shell(t, dir, "", lines[0]+"openssl genpkey -algorithm ed25519 -out tokens.pem\n")
	jwks, err := os.ReadFile(filepath.Join(dir, "his.jwks"))
	if err != nil {
		t.Fatal(err)
	}
	clients := "clients:\n  - {id: his-51901, role: hospital, organization: bv-51901, scopes: \"system/*.cruds\", jwks: " + strings.TrimSpace(string(jwks)) + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "clients.yaml"), []byte(clients), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "info.json")
	h = startHere(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "store"), "--info", path,
		"--clients", filepath.Join(dir, "clients.yaml"), "--token-key", filepath.Join(dir, "tokens.pem"), "--log-level", "debug"}, more...)...)
	return h, dir, h.info(t, path).FHIR, lines
}

func shell(t *testing.T, dir, base, script string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BASE="+base, "TOKEN_URL="+strings.TrimSuffix(base, "/fhir")+"/auth/token")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func TestAHospitalGetsATokenAsTheDocumentSays(t *testing.T) {
	h, dir, base, lines := guarded(t)
	var created struct{ ResourceType, ID string }
	if out := shell(t, dir, base, "b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }\n"+lines[1]); json.Unmarshal(out, &created) != nil || created.ResourceType != "Patient" || created.ID == "" {
		t.Fatalf("%s", out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "token.json"))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if json.Unmarshal(raw, &answer) != nil || answer.Expires != 300 {
		t.Fatalf("%s", raw)
	}
	get := func(path, token string) int {
		r, err := http.NewRequest(http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for path, want := range map[string]int{"/Patient": 401, "/metadata": 200, "/.well-known/smart-configuration": 200} {
		if got := get(path, ""); got != want {
			t.Errorf("%s without a token: %d, want %d", path, got, want)
		}
	}
	if got := get("/Patient", answer.Token); got != 200 {
		t.Errorf("with the token: %d", got)
	}
	// Out of the file is out of the house, with a token that still lives.
	if err := os.WriteFile(filepath.Join(dir, "clients.yaml"), []byte("clients: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fhirtest.Eventually(t, "the client that was taken out to be refused", func() bool { return get("/Patient", answer.Token) == 401 })
	h.stop(t)
	journal, err := os.ReadFile(filepath.Join(dir, "store", "audit", "00000000000000000000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	named := false
	for line := range bytes.Lines(journal) {
		var e struct {
			On    string
			Agent struct {
				Who    string
				System bool
			}
		}
		named = named || json.Unmarshal(line, &e) == nil && e.On == "/auth/token" && e.Agent.System && e.Agent.Who != ""
	}
	if !named {
		t.Error("the trail does not say which client got a token")
	}
	if strings.Contains(h.err.String()+h.out.String(), answer.Token) {
		t.Error("the token was logged")
	}
}

func TestHTTPSIsServedWithModernSettingsAlone(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl here")
	}
	dir := t.TempDir()
	issue := func(cn string) {
		shell(t, dir, "", "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN="+cn+" -addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.crt 2>/dev/null")
	}
	issue("first")
	path := filepath.Join(dir, "info.json")
	h := startHere(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "store"), "--info", path,
		"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key"))
	base := h.info(t, path).FHIR
	if !strings.HasPrefix(base, "https://") {
		t.Fatal(base)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(base, "https://"), "/fhir")
	dial := func(c *tls.Config) (string, error) {
		c.InsecureSkipVerify = true // the test looks at the name itself
		conn, err := tls.Dial("tcp", address, c)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	for name, c := range map[string]*tls.Config{
		"TLS 1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		if _, err := dial(c); err == nil {
			t.Errorf("%s was served", name)
		}
	}
	for _, c := range []*tls.Config{{}, {MaxVersion: tls.VersionTLS12}} {
		if cn, err := dial(c); err != nil || cn != "first" {
			t.Errorf("%s %v", cn, err)
		}
	}
	fhirtest.Eventually(t, "the renewed certificate", func() bool {
		issue("second") // again, since a certificate begins at a full second
		cn, err := dial(&tls.Config{})
		return err == nil && cn == "second"
	})
	h.stop(t)
}

// TestTheDemoSaysNothingOfItsPeople greps what a run of the demo wrote beside its store: events, info, credentials.
func TestTheDemoSaysNothingOfItsPeople(t *testing.T) {
	path := filepath.Join(t.TempDir(), "info.json")
	h := startHere(t, "demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--info", path, "--every", "1s", "--citizens", "20", "--log-level", "debug")
	i := h.info(t, path)
	tokens := regexp.MustCompile(`Bearer ([\w.-]+)'; (curl .*)`).FindAllStringSubmatch(h.out.String(), -1)
	if len(tokens) != 5 {
		t.Fatalf("%d tokens:\n%s", len(tokens), h.out.String())
	}
	for n, want := range []string{"Bundle", "Bundle", "Claim", "Patient"} {
		if answer := bash(t, "H='Authorization: Bearer "+tokens[n][1]+"'; "+tokens[n][2]); answer["resourceType"] != want {
			t.Errorf("%s: %v", tokens[n][2], answer)
		}
	}
	if status, _, _ := exchange(http.MethodGet, i.FHIR+"/Patient?identifier="+i.CitizenID, ""); status != 200 {
		t.Errorf("%d", status)
	}
	h.stop(t)
	for _, secret := range append([]string{i.CitizenID, "Nguyễn", "Trần"}, tokens[0][1], tokens[1][1], tokens[2][1], tokens[3][1], tokens[4][1]) {
		if strings.Contains(h.err.String(), secret) {
			t.Errorf("the log has %.12s…", secret)
		}
	}
}
