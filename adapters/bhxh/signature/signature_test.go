package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

var today = time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)

func key(tb testing.TB, signer crypto.Signer) (*Key, *x509.Certificate) {
	tb.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "51901 (thử nghiệm)"}, NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(1, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	k, err := NewKey(signer, cert)
	if err != nil {
		tb.Fatal(err)
	}
	return k, cert
}

func sample(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile(fhirtest.Data(tb, "domain", "claim-xml", "samples", "outpatient.xml"))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func code(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return ""
}

func TestWhatIsSignedVerifiesAndWhatIsChangedDoesNot(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, otherCert := key(t, ec)
	for name, signer := range map[string]crypto.Signer{"RSA": rs, "ECDSA": ec} {
		k, cert := key(t, signer)
		raw := sample(t)
		signed, err := k.Sign(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		if i := bytes.Index(signed, []byte("<CHUKYDONVI>")); !bytes.Equal(signed[:i], raw[:i]) {
			t.Error(name, "the file before the signature changed")
		}
		if got, err := Verify(signed, []*x509.Certificate{cert}, today); err != nil || !got.Equal(cert) {
			t.Error(name, err)
		}
		text := string(signed)
		sig := text[strings.Index(text, "<ds:Signature"):strings.Index(text, "</CHUKYDONVI>")]
		for what, spoilt := range map[string]string{
			"facility":             strings.Replace(text, "<MACSKCB>51901", "<MACSKCB>51902", 1),
			"table":                strings.Replace(text, "<NOIDUNGFILE>PD94", "<NOIDUNGFILE>PD95", 1),
			"episode taken away":   text[:strings.Index(text, "<HOSO>")] + text[strings.Index(text, "</HOSO>")+7:],
			"signature elsewhere":  strings.Replace(strings.Replace(text, sig, "", 1), "</THONGTINDONVI>", sig+"</THONGTINDONVI>", 1),
			"second signature":     strings.Replace(text, "</THONGTINDONVI>", sig+"</THONGTINDONVI>", 1),
			"element in its place": strings.Replace(text, "<CHUKYDONVI>", "<CHUKYDONVI><X/>", 1),
			"another reference":    strings.Replace(text, `URI=""`, `URI="#x"`, 1),
		} {
			if spoilt == text {
				t.Fatalf("%s: nothing was changed", what)
			}
			if _, err := Verify([]byte(spoilt), []*x509.Certificate{cert}, today); code(err) != "bhxh-signature" {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if _, err := Verify(signed, nil, today); code(err) != "bhxh-signature" {
			t.Errorf("%s, nobody is trusted: %v", name, err)
		}
		if _, err := Verify(signed, []*x509.Certificate{cert}, today.AddDate(2, 0, 0)); code(err) != "bhxh-signature" {
			t.Errorf("%s, an expired certificate: %v", name, err)
		}
		if _, err := Verify(raw, []*x509.Certificate{cert}, today); code(err) != "bhxh-not-signed" {
			t.Errorf("%s, no signature: %v", name, err)
		}
		if name == "RSA" {
			if _, err := Verify(signed, []*x509.Certificate{otherCert}, today); code(err) != "bhxh-signature" {
				t.Errorf("another facility is trusted: %v", err)
			}
		}
		if _, err := other.Sign(signed); err == nil {
			t.Error("a signed file was signed again")
		}
	}
	if _, err := Verify([]byte("<!DOCTYPE x><GIAMDINHHS/>"), nil, today); code(err) != "bhxh-file-unreadable" {
		t.Errorf("a document type: %v", err)
	}
	if _, err := other.Sign([]byte("<GIAMDINHHS></GIAMDINHHS>")); err == nil {
		t.Error("a file without CHUKYDONVI was signed")
	}
}

func TestKeysAreLoadedFromPEM(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, cert := key(t, ec)
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	k, err := Load(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := k.Sign(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(signed, []*x509.Certificate{cert}, today); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "51901.pem"), append(certPEM, keyPEM...), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = folder.Sign(t.Context(), "51901", sample(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(signed, []*x509.Certificate{cert}, today); err != nil {
		t.Error(err)
	}
	if _, err := folder.Sign(t.Context(), "51902", sample(t)); code(err) != "bhxh-signing-key-missing" {
		t.Errorf("signed for another facility: %v", err)
	}
	if _, err := Open(t.TempDir()); code(err) != "bhxh-signing-key" {
		t.Errorf("a folder without keys: %v", err)
	}
	if _, err := Load(certPEM, []byte("SECRET")); code(err) != "bhxh-signing-key" {
		t.Error(err)
	}
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKey(another, cert); code(err) != "bhxh-signing-key" {
		t.Error("a key of another certificate was taken")
	}
}

func FuzzVerify(f *testing.F) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	k, cert := key(f, ec)
	raw := sample(f)
	signed, err := k.Sign(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte("<GIAMDINHHS><CHUKYDONVI><Signature/></CHUKYDONVI></GIAMDINHHS>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := Verify(file, []*x509.Certificate{cert}, today); err != nil {
			return
		}
		// The text may differ in what canonical XML ignores, but it must say what was signed.
		e, _, err := wire.ReadEnvelope(file, wire.DefaultLimits())
		if err != nil {
			t.Fatalf("it verifies and cannot be read: %v", err)
		}
		if e.ChuKyDonVi = ""; !bytes.Equal(e.Append(nil), raw) {
			t.Fatal("another content verifies")
		}
	})
}
