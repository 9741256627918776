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

// auth measures what authentication, authorization and the audit trail cost together: the same loads against a server with
// none of them, one that asks nobody but keeps the trail, and one that keeps it and where a hospital shows its token, held to
// the policy's fence. The loads take turns, so that a machine that slows down slows all.
func (s *session) auth() error {
	none, err := start(s.ctx, folder(s.dir, "none"), "bench-unwatched", "--data", filepath.Join(s.dir, "none", "store"))
	if err != nil {
		return err
	}
	defer none.stop()
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
	sides := []side{{"with none of it", none, nil}, {"with the trail alone", open, nil}, {"with the trail and a hospital's token", guarded, header}}

	if err := s.bringChildren("auth", sides); err != nil {
		return err
	}
	if err := s.makeReady(sides, plain, consented); err != nil {
		return err
	}
	// Creates come last: reads and searches are of a store of the same size on each side.
	for _, c := range []struct {
		comparison
		next func(header map[string]string) func(client, n int) *Request
	}{
		{comparison{"auth", fmt.Sprintf("reads by %d clients", clients), 0.8, clients}, plain.read},
		{comparison{"auth", fmt.Sprintf("reads by %d clients", manyClients), 0.8, manyClients}, plain.read},
		{comparison{"auth", "reads where a Consent is in force", 0.8, clients}, consented.read},
		{comparison{"auth", "searches by patient and code", 0.8, clients}, plain.search},
		{comparison{"auth", "searches where a Consent is in force", 0.8, clients}, consented.search},
		{comparison{"auth", "searches for vaccinations by citizen ID", 0.8, clients}, vaccinations},
		{comparison{"auth", "vaccination summaries by citizen ID", 0.8, clients}, summaries},
		{comparison{"auth", "creates", 0.9, clients}, plain.create},
	} {
		if err := s.compare(c.comparison, sides, s.Duration/2, c.next); err != nil {
			return err
		}
	}
	return nil
}

// makeReady gives each side the people who are asked about, and lets all of them come to rest.
func (s *session) makeReady(sides []side, who ...people) error {
	for _, side := range sides {
		for _, p := range who {
			if err := p.bring(s.ctx, side); err != nil {
				return err
			}
		}
	}
	for _, side := range sides {
		side.server.settle(resting)
	}
	return nil
}

// manyClients are enough that the processors have work while some of them wait for the disk: what a server can do, not how long its
// answers take, bounds them.
const manyClients = 256

// side is one of the servers that are compared, and what is sent to it.
type side struct {
	name   string
	server *process
	header map[string]string
}

// rounds is how often each side has its turn; the median of the ratios of a round counts.
const rounds = 5

// comparison is one load that all sides get in turns; limit is that of the last side's share of the first.
type comparison struct {
	workload, what string
	limit          float64 // 0 = none
	clients        int
}

// compare runs one load against all sides in turns, for so long on each, and reports the others as shares of the first.
func (s *session) compare(c comparison, sides []side, long time.Duration, next func(header map[string]string) func(client, i int) *Request) error {
	shares, used := make([][]float64, len(sides)), make([][]float64, len(sides))
	for range rounds {
		var first float64
		for i, side := range sides {
			_, _, before := side.server.usage()
			res := Load{Clients: c.clients, Duration: long / rounds, Next: next(side.header)}.Run(s.ctx, side.server.base)
			_, _, after := side.server.usage()
			if res.Requests == 0 || len(res.Errors) > 0 {
				return fmt.Errorf("%s %s: %d requests; errors: %s", c.what, side.name, res.Requests, res.ErrorText())
			}
			s.report.load(c.workload, c.what+" "+side.name, res, 0)
			if i == 0 {
				first = res.PerSecond()
			}
			shares[i] = append(shares[i], res.PerSecond()/first)
			used[i] = append(used[i], (after-before)/float64(res.Requests)*1e6)
		}
	}
	for i, side := range sides {
		s.report.add(Row{Workload: c.workload, Figure: "server processor time, " + c.what + " " + side.name, Value: median(used[i]), Unit: "µs"})
	}
	for i, side := range sides[1:] {
		row := Row{Workload: c.workload, Figure: c.what + " " + side.name + ", share of those " + sides[0].name, Value: median(shares[i+1]), Unit: "ratio"}
		if i+2 == len(sides) {
			row.Limit = c.limit
		}
		s.report.add(row)
	}
	return nil
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
