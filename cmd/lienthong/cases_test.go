package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/reconciliation"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// insurer is a server with the three sample episodes of a hospital, which sends them to a mock portal, and an issuer of
// people who ask it.
type insurer struct {
	t      *testing.T
	dir    string
	fhir   string
	portal string
	signer *jwt.Signer
}

const testIssuer = "https://people.example"

// newInsurer imports the samples and serves them; it returns when all are assessed.
func newInsurer(t *testing.T, more ...string) *insurer {
	t.Helper()
	w := &insurer{t: t, dir: t.TempDir()}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if w.signer, err = jwt.NewSigner("JWT", crypto.Signer(key)); err != nil {
		t.Fatal(err)
	}
	issuers := filepath.Join(w.dir, "issuers.yaml")
	if err := os.WriteFile(issuers, fmt.Appendf(nil, `issuers:
  - issuer: %s
    audience: [lienthong]
    algorithms: [EdDSA]
    jwks: %s
    roles: {claim: role, values: {hospital: hospital, clinic: clinic, auditor: auditor, citizen: citizen}}
    organization: {claim: organization}
    patient: patient
`, testIssuer, w.signer.JWKS()), 0o600); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(w.dir, "store")
	samples := filepath.Join(fhirtest.Data(t, "domain", "claim-xml", "samples"), "three-episodes.xml")
	if code, out := w.command("precheck", samples); code != 0 {
		t.Fatalf("precheck: %d %s", code, out)
	}
	if code, out := w.command("import", "--data", store, "--quiet", samples); code != 0 {
		t.Fatalf("import: %d %s", code, out)
	}
	w.portal = startChild(t, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", filepath.Join(w.dir, "portal"), "--assessing-after", "10ms", "--assessed-after", "20ms", "--settled-after", "10ms").info.Gateway
	w.fhir = startChild(t, append([]string{"serve", "--issuers", issuers, "--listen", "127.0.0.1:0", "--data", store,
		"--gateway-url", w.portal, "--gateway-credentials", credentials(t),
		"--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s", "--gateway-ask-every", "50ms", "--gateway-reconcile-schedule", ""}, more...)...).info.FHIR
	fhirtest.Eventually(t, "the assessment", func() bool {
		var p cases.Page
		w.plain(w.token("auditor", ""), "/Claim/$cases?state=assessed,settled", &p)
		return len(p.Rows) == 3
	})
	return w
}

// command runs the command in a process of its own to its end.
func (w *insurer) command(args ...string) (code int, out string) {
	w.t.Helper()
	c := spawn(w.t, args...)
	select {
	case err := <-c.ended:
		c.ended <- err
	case <-time.After(fhirtest.Patience):
		w.t.Fatalf("%v does not end", args)
	}
	return c.cmd.ProcessState.ExitCode(), c.out.String()
}

// must is command for what has to work.
func (w *insurer) must(args ...string) string {
	w.t.Helper()
	code, out := w.command(args...)
	if code != 0 {
		w.t.Fatalf("%v: %d %s", args, code, out)
	}
	return out
}

// tokenFile is a token for the commands.
func (w *insurer) tokenFile(role, organization string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, role+".token")
	if err := os.WriteFile(path, []byte(w.token(role, organization)+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// token is one for a person of a role.
func (w *insurer) token(role, organization string) string {
	w.t.Helper()
	claims := map[string]any{"iss": testIssuer, "aud": "lienthong", "sub": role + "-1", "role": role, "exp": time.Now().Add(time.Hour).Unix()}
	if organization != "" {
		claims["organization"] = organization
	}
	token, err := w.signer.Sign(claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// ask makes a request with a token.
func (w *insurer) ask(token, method, path, body string) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.fhir+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, raw
}

// plain asks for plain JSON.
func (w *insurer) plain(token, path string, to any) {
	w.t.Helper()
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	status, raw := w.ask(token, http.MethodGet, path+sign+"output=json", "")
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, status, raw)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		w.t.Fatalf("%s: %v %s", path, err, raw)
	}
}

// One server with three claims that were assessed is enough for all that auditors do; the last of it has them paid.
func TestAuditors(t *testing.T) {
	enginetest.InFolder(t)
	w := newInsurer(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *insurer)
	}{{"see cases without names", seeCasesWithoutNames}, {"get news", getNews}, {"get evidence", getEvidence}, {"follow a claim file the whole way", followTheWholeWay}, {"import by token", importByToken}} {
		t.Run(part.name, func(t *testing.T) {
			w.t = t
			part.run(t, w)
		})
	}
}

// What auditors ask for holds to the policy: no names, nothing for those who may not, and what they write is seen by auditors.
func seeCasesWithoutNames(t *testing.T, w *insurer) {
	auditor, hospital := w.token("auditor", ""), w.token("hospital", "elsewhere")
	var all cases.Page
	w.plain(auditor, "/Claim/$cases?facility=51901&_count=2", &all)
	if len(all.Rows) != 2 || all.Next == "" {
		t.Fatalf("%+v", all)
	}
	claim := "/" + all.Rows[0].Claim
	var c cases.Case
	w.plain(auditor, claim+"/$case", &c)
	if len(c.Lines) == 0 || len(c.Cited) == 0 || len(c.Versions) != 1 || len(c.Versions[0].Attempts) == 0 || !c.Lines[0].Decided || c.Lines[0].Paid == "" {
		t.Errorf("%+v", c)
	}
	for _, path := range []string{claim + "/$case", claim + "/$case?output=json", "/Claim/$cases", "/Claim/$sample?seed=1&size=2&by=facility,month&members=true"} {
		status, raw := w.ask(auditor, http.MethodGet, path, "")
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, raw)
		}
		for _, secret := range []string{"NGUYỄN", "051085000011"} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
		for _, other := range []string{w.token("clinic", "k1"), w.token("citizen", ""), hospital} {
			if status, raw := w.ask(other, http.MethodGet, path, ""); status != http.StatusForbidden && status != http.StatusNotFound {
				t.Errorf("%s for somebody else: %d %s", path, status, raw)
			}
		}
	}
	review := `{"resourceType":"Parameters","parameter":[{"name":"outcome","valueCode":"agreed"},{"name":"note","valueString":"Đủ hồ sơ"},{"name":"who","valueString":"somebody else"}]}`
	if status, raw := w.ask(hospital, http.MethodPost, claim+"/$review", review); status != http.StatusForbidden {
		t.Errorf("%d %s", status, raw)
	}
	status, raw := w.ask(auditor, http.MethodPost, claim+"/$review", review)
	if status != http.StatusOK || !strings.Contains(string(raw), `"auditor-1"`) || strings.Contains(string(raw), "somebody else") {
		t.Fatalf("%d %s", status, raw)
	}
	w.plain(auditor, claim+"/$case", &c)
	if len(c.Reviews) != 1 || c.Reviews[0].Outcome != cases.Agreed || c.Reviews[0].Who != "auditor-1" {
		t.Errorf("%+v", c.Reviews)
	}
	for token, want := range map[string]int{auditor: http.StatusOK, hospital: http.StatusNotFound} {
		if status, raw := w.ask(token, http.MethodGet, "/"+c.Reviews[0].Reference, ""); status != want {
			t.Errorf("%d %s", status, raw)
		}
	}
	for path, want := range map[string]int{
		"/Claim/$cases?page=x": http.StatusBadRequest, "/Claim/$cases?colour=red": http.StatusBadRequest, "/Claim/$cases?output=xml": http.StatusBadRequest,
		"/Claim/$cases?_count=0": http.StatusBadRequest, "/Claim/$sample?seed=1": http.StatusBadRequest, "/Claim/none/$case": http.StatusNotFound,
	} {
		if status, raw := w.ask(auditor, http.MethodGet, path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
}

// A file of evidence goes from the server to a third party who has the public key and nothing else.
func getEvidence(t *testing.T, w *insurer) {
	auditor := w.token("auditor", "")
	var all cases.Page
	w.plain(auditor, "/Claim/$cases?_count=1", &all)
	status, file := w.ask(auditor, http.MethodGet, "/"+all.Rows[0].Claim+"/$evidence?lang=en", "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, file)
	}
	away := t.TempDir()
	path, key := filepath.Join(away, "evidence.zip"), filepath.Join(away, "key.pub")
	public, err := os.ReadFile(filepath.Join(w.dir, "store", auditKey+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{path: file, key: public} {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"verify-evidence", path, "--key", key}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "nothing was changed") {
		t.Errorf("%v %s", err, out.String())
	}
	if status, raw := w.ask(w.token("clinic", "k1"), http.MethodGet, "/"+all.Rows[0].Claim+"/$evidence", ""); status != http.StatusForbidden {
		t.Errorf("%d %s", status, raw)
	}
	for _, at := range []int{len(file) / 3, len(file) / 2} {
		file[at] ^= 1
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"verify-evidence", path, "--key", key}, io.Discard, io.Discard); exitCode(err) != exitFailed {
		t.Errorf("a changed file: %v", err)
	}
}

// A hospital's claim file goes the whole way, each step a process of its own: pre-check and import of the XML, delivery, the mock
// assessment, reconciliation, payment, and a file of evidence that a third party verifies.
func followTheWholeWay(t *testing.T, w *insurer) {
	as := []string{"--server", w.fhir, "--token-file", w.tokenFile("auditor", "")}
	claims := func(args ...string) string {
		t.Helper()
		return w.must(append(append([]string{"claims"}, args...), as...)...)
	}
	if out := claims("list", "--facility", "51901", "--period", "2026-03"); strings.Count(out, "51901_2026_00000") != 3 || !strings.Contains(out, "chấp nhận toàn bộ [assessed, approved]") {
		t.Fatalf("%s", out)
	}
	settled := 0
	fhirtest.Eventually(t, "the payment", func() bool {
		var rep reconciliation.Report
		out := claims("reconcile", "--facility", "51901", "--from", "2026-03", "--to", "2026-03", "--json")
		if json.Unmarshal([]byte(out), &rep) != nil || rep.Records != 3 || rep.Matched != 3 || len(rep.Findings) != 0 {
			t.Fatalf("%s", out)
		}
		settled += rep.Settled
		return settled == 3
	})
	out := claims("list", "--state", "settled", "--json")
	var one cases.Row
	if strings.Count(out, "\n") != 3 || json.Unmarshal([]byte(out[:strings.Index(out, "\n")]), &one) != nil || one.Paid == "" {
		t.Fatalf("%s", out)
	}
	// The same version once more is what was accepted, also when it was paid.
	var orgs struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if _, raw := w.ask(w.token("auditor", ""), http.MethodGet, "/Organization?identifier=https://lienthong.example/sid/cskcb%7C51901", ""); json.Unmarshal(raw, &orgs) != nil || len(orgs.Entry) != 1 {
		t.Fatalf("%s", raw)
	}
	hospital := w.token("hospital", orgs.Entry[0].Resource.ID)
	_, claim := w.ask(hospital, http.MethodGet, "/"+one.Claim, "")
	if status, raw := w.ask(hospital, http.MethodPost, "/Claim/$precheck", string(claim)); status != http.StatusOK || !strings.Contains(string(raw), `"DUP-02"`) {
		t.Errorf("$precheck of what was paid: %d %s", status, raw)
	}
	for _, name := range []string{string(one.ID()), one.Claim, one.MaLK} {
		if out := claims("show", name); !strings.Contains(out, "XML2/1") || !strings.Contains(out, one.MaGiaoDich) {
			t.Errorf("%s: %s", name, out)
		}
	}
	if out := claims("sample", "--seed", "2026-Q1", "--size", "2", "--by", "facility,month"); !strings.Contains(out, "2 trong 3 hồ sơ") {
		t.Errorf("%s", out)
	}
	file, key := filepath.Join(w.dir, "evidence.zip"), filepath.Join(w.dir, "store", auditKey+".pub")
	claims("export", one.MaLK, "-o", file)
	if out := w.must("verify-evidence", file, "--key", key); !strings.Contains(out, one.MaLK) || !strings.Contains(out, "nothing was changed") {
		t.Errorf("%s", out)
	}
	var evidence evidenceSeen
	if err := json.Unmarshal([]byte(w.must("verify-evidence", file, "--key", key, "--json")), &evidence); err != nil || evidence.Versions == 0 || evidence.Traced != evidence.Versions {
		t.Errorf("%v %+v", err, evidence)
	}
	// Who may not is told so, and the server's words are shown.
	for _, args := range [][]string{{"list"}, {"sample", "--seed", "x", "--size", "1"}, {"reconcile", "--facility", "51901"}} {
		code, out := w.command(append(append([]string{"claims"}, args...), "--server", w.fhir, "--token-file", w.tokenFile("citizen", ""))...)
		if code != exitFailed || !strings.Contains(out, "403") {
			t.Errorf("%v as a citizen: %d %s", args, code, out)
		}
	}
	if code, out := w.command(append([]string{"claims", "export", string(one.ID()), "-o", file}, as...)...); code != exitFailed {
		t.Errorf("a file was written over: %s", out)
	}
	if code, out := w.command(append([]string{"claims", "show", "../x"}, as...)...); code != exitUsage {
		t.Errorf("%d %s", code, out)
	}
}

type evidenceSeen struct{ Versions, Traced int }

// What happened to claims is told in the order of its happening, each change once, to those who may read it.
func getNews(t *testing.T, w *insurer) {
	auditor := w.token("auditor", "")
	var told []news
	read := func() (n int) {
		for after := ""; ; {
			var answer struct {
				News []news
				Next string
				More bool
			}
			w.plain(auditor, "/Claim/$claim-news?after="+after, &answer)
			told, n = append(told, answer.News...), n+len(answer.News)
			if after = answer.Next; !answer.More {
				return n
			}
		}
	}
	read()
	seen := map[string]bool{}
	answers, steps := 0, 0
	for _, n := range told {
		if seen[n.Resource+"/"+n.Version] {
			t.Errorf("%s version %s is told twice", n.Resource, n.Version)
		}
		seen[n.Resource+"/"+n.Version] = true
		switch {
		case strings.HasPrefix(n.Resource, "ClaimResponse/"):
			answers++
		case strings.HasPrefix(n.Resource, "Task/claim-sync-"): // how far it is
			steps++
		case !strings.HasPrefix(n.Resource, "Task/claim-review-"): // nothing is paid yet
			t.Errorf("an auditor is told of %s", n.Resource)
		}
	}
	if steps < answers {
		t.Errorf("%d steps of %d answers", steps, answers)
	}
	if answers < 6 { // accepted and assessed, of three claims
		t.Errorf("%d answers", answers)
	}
	if status, raw := w.ask(w.token("hospital", "elsewhere"), http.MethodGet, "/Claim/$claim-news?output=json", ""); status != http.StatusOK || strings.Contains(string(raw), "resource") {
		t.Errorf("%d %s", status, raw)
	}
	if status, raw := w.ask(auditor, http.MethodGet, "/Claim/$claim-news", ""); status != http.StatusOK || !strings.Contains(string(raw), `"resourceType":"ClaimResponse"`) {
		t.Errorf("%d %s", status, raw)
	}
	if status, _ := w.ask(auditor, http.MethodGet, "/Claim/$claim-news?after=x", ""); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
}

// A hospital's own computer imports by a token; one that has run out stops it, and the same command goes on with the next.
func importByToken(t *testing.T, w *insurer) {
	file, token := filepath.Join(w.dir, "by-token.ndjson"), filepath.Join(w.dir, "his.token")
	lines := `{"resourceType":"Patient","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051085000099"}],"name":[{"text":"Nguyễn Thị Thử"}],"birthDate":"1985-03-15"}` + "\n"
	for _, err := range []error{os.WriteFile(file, []byte(lines), 0o600), os.WriteFile(token, []byte("stale"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"import", "-q", file, "--server", w.fhir, "--token-file", token, "--state", filepath.Join(w.dir, "by-token.state")}
	if code, out := w.command(args...); code == 0 || code == exitPartial || !strings.Contains(out, "does not let this command in") {
		t.Errorf("with a token that does not hold: %d %s", code, out)
	}
	if err := os.WriteFile(token, []byte(w.token("hospital", "h-1")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := w.must(args...); !strings.Contains(out, "1 resources") {
		t.Errorf("with a new one: %s", out)
	}
}
