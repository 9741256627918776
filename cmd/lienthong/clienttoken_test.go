package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/jwt"
)

// A registered client imports with its key alone.
func TestImportWithAClientsKey(t *testing.T) {
	h, dir, base, _ := guarded(t)
	file := filepath.Join(dir, "people.ndjson")
	line := `{"resourceType":"Patient","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051085000077"}],"name":[{"text":"Trần Văn Thử"}],"birthDate":"1985-03-15"}` + "\n"
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	imports := func(more ...string) (string, error) {
		var out, errs bytes.Buffer
		err := run(t.Context(), append([]string{"import", "-q", file, "--server", base, "--state", filepath.Join(dir, "import.state")}, more...), &out, &errs)
		return out.String(), err
	}
	key := filepath.Join(dir, "his.pem")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"another client":    {[]string{"--client-id", "nobody", "--client-key", key, "--client-key-id", "2026"}, "the assertion is not accepted"},
		"another kid":       {[]string{"--client-id", "his-51901", "--client-key", key}, "the assertion is not accepted"},
		"no key":            {[]string{"--client-id", "his-51901"}, "go together"},
		"a key of no use":   {[]string{"--client-id", "his-51901", "--client-key", filepath.Join(dir, "tokens.pem")}, "P-384"},
		"a token file also": {[]string{"--client-id", "his-51901", "--client-key", key, "--token-file", key}, "exclude each other"},
	} {
		if out, err := imports(c.args...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	if out, err := imports("--client-id", "his-51901", "--client-key", key, "--client-key-id", "2026"); err != nil || !strings.Contains(out, "1 resources") {
		t.Errorf("with its key: %v %s", err, out)
	}
	h.stop(t)
}

// One token serves until shortly before its end; one from elsewhere is not asked for.
func TestAClientsTokenIsRenewedInTime(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jwt.ParseClientSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "k1")
	if err != nil {
		t.Fatal(err)
	}
	asked, elsewhere := 0, false
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			at := server.URL
			if elsewhere {
				at = "http://127.0.0.1:1"
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"token_endpoint": at + "/token"}) // the client's reading fails then
			return
		}
		asked++
		tok, err := jwt.Verify(r.Context(), r.FormValue("client_assertion"), []jwt.Algorithm{jwt.ES384}, signer.Keys())
		if err != nil || tok.Issuer != "c1" || tok.Subject != "c1" || len(tok.Audience) != 1 || tok.Audience[0] != server.URL+"/token" {
			t.Errorf("assertion: %v %+v", err, tok)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "t" + r.FormValue("scope"), "expires_in": 300})
	}))
	defer server.Close()
	now := time.Now() // Verify looks at no clock
	c := &clientToken{flags: clientFlags{ClientID: "c1", ClientScope: "system/*.rs"}, base: server.URL, signer: signer, http: server.Client(), now: func() time.Time { return now }}
	for after, want := range []int{1, 1, 2, 2} { // at 0, 2, 4:30 and 5 minutes
		now = now.Add([]time.Duration{0, 2 * time.Minute, 150 * time.Second, 30 * time.Second}[after])
		if token, err := c.Token(t.Context()); err != nil || token != "tsystem/*.rs" || asked != want {
			t.Errorf("%d: %q %v, asked %d times, want %d", after, token, err, asked, want)
		}
	}
	now, elsewhere = now.Add(time.Hour), true
	if _, err := c.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "names no token endpoint of its own") {
		t.Errorf("elsewhere: %v", err)
	}
}
