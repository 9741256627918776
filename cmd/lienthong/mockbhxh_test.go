package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/signature"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// hospital is a client of a mock at an address.
func hospital(t *testing.T, url, username, password string) *gateway.Client {
	t.Helper()
	c, err := gateway.New(gateway.Config{BaseURL: url, Username: username, Password: password, Timeout: fhirtest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func claimSample(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", "outpatient.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKillOfTheMock: what the mock has acknowledged is in its ledger after kill -9, whose chain holds; and the export of a
// mock that runs proves the same.
func TestKillOfTheMock(t *testing.T) {
	rng := crashes(t)
	dir := t.TempDir()
	file := claimSample(t)
	var mu sync.Mutex
	receipts := map[string]bool{}
	head := ""
	for range 3 {
		portal, before := startChild(t, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", dir), len(receipts)
		var senders sync.WaitGroup
		for range 4 {
			client := hospital(t, portal.info.Gateway, demoAccount, demoPassword)
			senders.Go(func() {
				for {
					out := client.Send(t.Context(), gateway.File{MaCSKCB: "51901", Raw: file})
					if out.State != gateway.Accepted {
						return // it is gone
					}
					mu.Lock()
					receipts[out.MaGiaoDich] = true
					mu.Unlock()
				}
			})
		}
		fhirtest.Eventually(t, "receipts for more than one request with the same version", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(receipts) > before+1
		})
		within(rng, 300*time.Millisecond)
		portal.kill()
		senders.Wait()
		var sum bhxhmock.Summary
		var out, rows bytes.Buffer
		args := []string{"mock-bhxh", "ledger", "--data", dir, "--format", "json", "-o", filepath.Join(dir, "export.ndjson")}
		if head != "" {
			args = append(args, "--head", head)
		}
		err := run(t.Context(), args, &out, io.Discard)
		if e := json.Unmarshal(out.Bytes(), &sum); e != nil || !sum.Found {
			t.Fatalf("%v %v %s", err, e, out.String())
		}
		if len(sum.Twice) == 0 || err == nil || !strings.Contains(err.Error(), "ONCE") {
			t.Errorf("the same version many times is not told: %v", err)
		}
		head = sum.Head.SHA256
		raw, err := os.ReadFile(filepath.Join(dir, "export.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		rows.Write(raw)
		for id := range receipts {
			if !bytes.Contains(rows.Bytes(), []byte(id)) {
				t.Errorf("DURABLE: the receipt %s is not in the ledger", id)
			}
		}
		if again, err := bhxhmock.Verify(&rows, ""); err != nil || again.Head != sum.Head || again.Torn != 0 {
			t.Errorf("the export: %+v %v", again, err)
		}
	}
	if err := run(t.Context(), []string{"mock-bhxh", "ledger", "--data", dir, "--head", strings.Repeat("0", 64)}, io.Discard, io.Discard); err == nil {
		t.Error("a head that never was is taken")
	}
}

// TestHospitalsAtTheMock: several hospitals, each with its account and its certificate.
func TestHospitalsAtTheMock(t *testing.T) {
	certificates := t.TempDir()
	keys := map[string]*signature.Key{}
	for _, facility := range []string{"51901", "51902"} {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: facility}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
		raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		if keys[facility], err = signature.NewKey(private, cert); err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
		if err := os.WriteFile(filepath.Join(certificates, facility+".pem"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	portal := startChild(t, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--certificates", certificates,
		"--credentials", written(t, "hospitals.yaml", `accounts:
  - {username: bv1, password: mot, facilities: ["51901"]}
  - {username: bv2, password: hai, facilities: ["51902"]}
  - {username: so, password: ba}
`))
	plain := claimSample(t)
	sign := func(by string) []byte {
		signed, err := keys[by].Sign(plain)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	tampered := bytes.Replace(sign("51901"), []byte("<NGAYLAP>2026"), []byte("<NGAYLAP>2025"), 1)
	first, second, all := hospital(t, portal.info.Gateway, "bv1", "mot"), hospital(t, portal.info.Gateway, "bv2", "hai"), hospital(t, portal.info.Gateway, "so", "ba")
	for _, c := range []struct {
		name   string
		client *gateway.Client
		file   []byte
		want   gateway.State
		code   string
	}{
		{"its own, signed", first, sign("51901"), gateway.Accepted, "200"},
		{"not signed", first, plain, gateway.Refused, "205"},
		{"signed by another", first, sign("51902"), gateway.Refused, "205"},
		{"changed afterwards", first, tampered, gateway.Refused, "205"},
		{"of a hospital that is not its own", second, sign("51901"), gateway.Refused, "403"},
		{"of an account for all", all, sign("51901"), gateway.Accepted, "200"},
	} {
		if out := c.client.Send(t.Context(), gateway.File{MaCSKCB: "51901", Raw: c.file}); out.State != c.want || string(out.Code) != c.code {
			t.Errorf("%s: %s %s %s", c.name, out.State, out.Code, out.Text)
		}
	}
	_, raw, err := exchange(http.MethodGet, portal.info.Gateway+"/ledger.ndjson", "")
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for line := range strings.Lines(string(raw)) {
		var r bhxhmock.Row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		states = append(states, fmt.Sprint(r.Signature, r.Effect))
	}
	if got := strings.Join(states, " "); got != "validtrue missingfalse invalidfalse invalidfalse validfalse validtrue" {
		t.Error(got)
	}
}

func TestTheMocksFilesAreCheckedInWords(t *testing.T) {
	data := t.TempDir()
	for _, c := range [][]string{
		{"--rules", written(t, "r.yaml", "name: x\nrules: [{code: R1, kind: magic, vi: a, en: b}]"), "magic"},
		{"--cards", written(t, "c.yaml", "cards: [{}]"), "card 1"},
		{"--certificates", t.TempDir(), "no *.pem"},
		{"--certificates", filepath.Dir(written(t, "51901.pem", "x")), "no certificate"},
		{"--clock-speed", "-1", "speed"},
		{"--settled-after=-1s", "--log-level=error", "negative"},
	} {
		err := run(t.Context(), append([]string{"mock-bhxh", "--listen", "127.0.0.1:0", "--data", data}, c[:2]...), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, what := range []string{"rules", "cards"} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"mock-bhxh", what}, &out, io.Discard); err != nil {
			t.Error(err)
		}
		flag := written(t, what+".yaml", out.String())
		h := mockServeCmd{Data: data, Rules: flag}
		if what == "cards" {
			h = mockServeCmd{Data: data, Cards: flag}
		}
		if _, err := h.options(); err != nil {
			t.Errorf("what %s prints cannot be read: %v", what, err)
		}
	}
}
