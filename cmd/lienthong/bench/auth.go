package bench

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/jwt"
)

// auth measures what it costs to ask who calls: the same loads against a server that asks nobody, and one where a hospital
// shows its token. Both keep the audit trail; the second has the policy's fence besides. The loads take turns, so that a
// machine that slows down slows both.
func (s *session) auth() error {
	open, err := startServer(s.ctx, folder(s.dir, "open"))
	if err != nil {
		return err
	}
	defer open.stop()
	guarded, header, err := startGuarded(s.ctx, folder(s.dir, "guarded"))
	if err != nil {
		return err
	}
	defer guarded.stop()
	sides := []struct {
		name   string
		base   string
		header map[string]string
	}{{"everybody", open.base, nil}, {"a hospital's token", guarded.base, header}}

	const rounds = 5 // each side has its turn in each; the median of their ratios counts
	body := observation(4)
	var writes, reads [rounds]float64 // with a token, as a share of those without
	for round := range rounds {
		for i, side := range sides {
			h := map[string]string{"Prefer": "return=minimal"}
			for k, v := range side.header {
				h[k] = v
			}
			res := Load{Clients: clients, Duration: s.Duration / rounds, Next: func(_, _ int) *Request {
				return &Request{Method: http.MethodPost, Path: "Observation", Body: body, Header: h}
			}}.Run(s.ctx, side.base)
			s.report.load("auth", "creates, "+side.name, res, 0)
			writes[round] = share(i, writes[round], res)
		}
	}
	for i, side := range sides {
		send := Load{Clients: clients, Next: func(client, n int) *Request {
			if n >= 10 {
				return nil
			}
			id := fmt.Sprintf("bench-%d-%d", client, n)
			doc := strings.Replace(string(body), `{"resourceType":"Observation"`, `{"resourceType":"Observation","id":"`+id+`"`, 1)
			return &Request{Method: http.MethodPut, Path: "Observation/" + id, Body: []byte(doc), Header: side.header}
		}}.Run(s.ctx, side.base)
		if len(send.Errors) > 0 {
			return fmt.Errorf("loading %s: %s", sides[i].name, send.ErrorText())
		}
	}
	for round := range rounds {
		for i, side := range sides {
			res := Load{Clients: clients, Duration: s.Duration / rounds, Next: func(client, n int) *Request {
				return &Request{Method: http.MethodGet, Path: fmt.Sprintf("Observation/bench-%d-%d", (client+n)%clients, n%10), Header: side.header}
			}}.Run(s.ctx, side.base)
			s.report.load("auth", "reads, "+side.name, res, 0)
			reads[round] = share(i, reads[round], res)
		}
	}
	s.report.add(Row{Workload: "auth", Figure: "creates with a token, share of those without", Value: median(writes[:]), Unit: "ratio", Limit: 0.9})
	s.report.add(Row{Workload: "auth", Figure: "reads with a token, share of those without", Value: median(reads[:]), Unit: "ratio", Limit: 0.8})
	return nil
}

// share keeps the rate of the first side, and makes it a ratio with that of the second.
func share(side int, before float64, res Result) float64 {
	if side == 0 {
		return res.PerSecond()
	}
	return res.PerSecond() / before
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func folder(parts ...string) string {
	dir := filepath.Join(parts...)
	_ = os.MkdirAll(dir, 0o700) // a fault shows when the server starts
	return dir
}

// startGuarded starts a server with one registered hospital, and gives the header that it calls with.
func startGuarded(ctx context.Context, dir string) (*process, map[string]string, error) {
	_, tokens, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(tokens)
	if err != nil {
		return nil, nil, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	signer, err := jwt.NewSigner("JWT", crypto.Signer(own))
	if err != nil {
		return nil, nil, err
	}
	files := map[string][]byte{
		"tokens.pem":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		"clients.yaml": fmt.Appendf(nil, "clients:\n  - {id: bench, role: hospital, organization: bench, scopes: \"system/*.cruds\", jwks: %s}\n", signer.JWKS()),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, nil, err
		}
	}
	p, err := start(ctx, dir, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "store"),
		"--clients", filepath.Join(dir, "clients.yaml"), "--token-key", filepath.Join(dir, "tokens.pem"))
	if err != nil {
		return nil, nil, err
	}
	token, err := askToken(ctx, strings.TrimSuffix(p.base, "/fhir")+"/auth/token", signer)
	if err != nil {
		_ = p.stop()
		return nil, nil, err
	}
	return p, map[string]string{"Authorization": "Bearer " + token}, nil
}

// askToken trades an assertion for an access token.
func askToken(ctx context.Context, at string, signer *jwt.Signer) (string, error) {
	assertion, err := signer.Sign(map[string]any{"iss": "bench", "sub": "bench", "aud": at, "exp": time.Now().Add(time.Minute).Unix(), "jti": rand.Text()})
	if err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.cruds"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("no token: HTTP %d %s", resp.StatusCode, answer.Error)
	}
	return answer.Token, nil
}
