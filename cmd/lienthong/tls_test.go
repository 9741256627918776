package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a.key = key
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate for 127.0.0.1, changed; it gives both as PEM.
func (a *authority) issue(change func(*x509.Certificate)) (cert, key []byte) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (a *authority) pair(change func(*x509.Certificate)) []tls.Certificate {
	a.t.Helper()
	pair, err := tls.X509KeyPair(a.issue(change))
	if err != nil {
		a.t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// overTLS serves "in" as serve would, with the certificate of an authority, and gives the settings besides.
func overTLS(t *testing.T, server *authority, clients []byte) (address string, c config.Authentication) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, raw []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := server.issue(nil)
	c = config.Authentication{TLSCert: write("cert.pem", cert), TLSKey: write("key.pem", key)}
	if clients != nil {
		c.TLSClientCA = write("clients.pem", clients)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := withTLS(plain, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") }), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close(); <-ended })
	return plain.Addr().String(), c
}

// shake makes one connection and one request; in is false where the server did not let it come to an answer.
func shake(address string, c *tls.Config) (state tls.ConnectionState, in bool) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}, Timeout: fhirtest.Patience}
	resp, err := client.Get("https://" + address)
	if err != nil {
		return state, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return *resp.TLS, err == nil && string(body) == "in"
}

// TestClientCertificates makes real handshakes: where an authority of clients is given, whom it did not certify gets no answer.
func TestClientCertificates(t *testing.T) {
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	address, _ := overTLS(t, ours, ours.pem())
	same := newAuthority(t, "ours") // by name, with a key of its own
	for name, c := range map[string]struct {
		certificates []tls.Certificate
		in           bool
	}{
		"certified":                    {ours.pair(nil), true},
		"none":                         {nil, false},
		"of a foreign authority":       {foreign.pair(nil), false},
		"of an authority of that name": {same.pair(nil), false},
		"expired":                      {ours.pair(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), false},
		"not yet valid":                {ours.pair(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }), false},
		"a server's, not a client's":   {ours.pair(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), false},

		"signed by a client": {signedByAClient(t, ours), false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := &tls.Config{RootCAs: ours.pool(), MinVersion: version, MaxVersion: version}
			// What is shown, whatever the server says whom it would take.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(c.certificates) == 0 {
					return &tls.Certificate{}, nil
				}
				return &c.certificates[0], nil
			}
			if _, in := shake(address, config); in != c.in {
				t.Errorf("%s, %s: in %v, want %v", name, tls.VersionName(version), in, c.in)
			}
		}
	}
	open, _ := overTLS(t, ours, nil)
	if _, in := shake(open, &tls.Config{RootCAs: ours.pool()}); !in {
		t.Error("without an authority of clients nobody needs a certificate")
	}
}

// signedByAClient is what a client makes who takes himself for an authority; it brings the chain along.
func signedByAClient(t *testing.T, ours *authority) []tls.Certificate {
	t.Helper()
	client := ours.pair(nil)[0]
	cert, err := x509.ParseCertificate(client.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pair := (&authority{t, cert, client.PrivateKey.(*ecdsa.PrivateKey)}).pair(nil)
	pair[0].Certificate = append(pair[0].Certificate, client.Certificate[0])
	return pair
}

// TestTLSIsModern: versions and suites that are broken are refused in the handshake, whatever the client would take.
func TestTLSIsModern(t *testing.T) {
	ours := newAuthority(t, "ours")
	address, _ := overTLS(t, ours, nil)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, in := shake(address, &tls.Config{RootCAs: ours.pool(), MinVersion: version, MaxVersion: version}); in {
			t.Errorf("%s is taken", tls.VersionName(version))
		}
	}
	if state, in := shake(address, &tls.Config{RootCAs: ours.pool()}); !in || state.Version != tls.VersionTLS13 {
		t.Errorf("by default %v %s", in, tls.VersionName(state.Version))
	}
	taken := 0
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.SupportedVersions[0] == tls.VersionTLS13 {
			continue
		}
		_, in := shake(address, &tls.Config{RootCAs: ours.pool(), MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		forward := strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_") && (strings.Contains(suite.Name, "GCM") || strings.Contains(suite.Name, "POLY1305")) // the certificate's kind
		if in != forward {
			t.Errorf("%s: in %v, want %v", suite.Name, in, forward)
		}
		if in {
			taken++
		}
	}
	if taken != 3 {
		t.Errorf("%d suites of TLS 1.2 are taken", taken)
	}
	if _, in := shake(address, &tls.Config{RootCAs: newAuthority(t, "foreign").pool()}); in {
		t.Error("the client of this test does not look at certificates")
	}
}

// TestTLSFilesThatCannotBeUsed: the server does not start, and says which of them.
func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	ours := newAuthority(t, "ours")
	_, good := overTLS(t, ours, ours.pem())
	_, otherKey := ours.issue(nil)
	for name, change := range map[string]func(c *config.Authentication, dir string){
		"no certificate":             func(c *config.Authentication, dir string) { c.TLSCert = filepath.Join(dir, "none") },
		"the key of another":         func(c *config.Authentication, dir string) { c.TLSKey = put(t, dir, otherKey) },
		"no authorities":             func(c *config.Authentication, dir string) { c.TLSClientCA = filepath.Join(dir, "none") },
		"a file without authorities": func(c *config.Authentication, dir string) { c.TLSClientCA = put(t, dir, otherKey) },
	} {
		c := good
		change(&c, t.TempDir())
		plain, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := withTLS(plain, c, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: it would serve", name)
		}
		_ = plain.Close()
	}
	for _, half := range []config.Authentication{{Insecure: true, TLSCert: "x"}, {Insecure: true, TLSKey: "x"}, {Insecure: true, TLSClientCA: "x"}} {
		if half.Check("127.0.0.1:0", "") == nil {
			t.Errorf("half configured: %+v", half)
		}
	}
}

func put(t *testing.T, dir string, raw []byte) string {
	t.Helper()
	path := filepath.Join(dir, "file.pem")
	if err := os.WriteFile(path, bytes.Clone(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
