package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lienthong/lienthong/fhir"
)

func code(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newSigner(t *testing.T, keys ...crypto.Signer) *Signer {
	t.Helper()
	s, err := NewSigner("JWT", keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ed() ed25519.PrivateKey { _, k, _ := ed25519.GenerateKey(rand.Reader); return k }
func ec(c elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(c, rand.Reader))
}

func TestATokenIsProvenByItsKeyAlone(t *testing.T) {
	ctx := context.Background()
	now := time.Unix(1_700_000_000, 0)
	for _, key := range []crypto.Signer{ed(), ec(elliptic.P256()), ec(elliptic.P384()), must(rsa.GenerateKey(rand.Reader, 2048))} {
		s := newSigner(t, key)
		token := must(s.Sign(map[string]any{"iss": "i", "sub": "s", "aud": []string{"a", "b"}, "exp": now.Unix(), "n": 7, "scope": "x y"}))
		got, err := Verify(ctx, token, Algorithms, s.Keys())
		if err != nil || got.Issuer != "i" || got.Subject != "s" || len(got.Audience) != 2 || !got.Expires.Equal(now) || got.All["n"] != 7.0 || got.Scope != "x y" || got.Type != "JWT" {
			t.Errorf("%T: %+v, %v", key, got, err)
		}
		if _, err := Verify(ctx, token, []Algorithm{ES512}, s.Keys()); code(err) != "token-algorithm" {
			t.Errorf("%T: an algorithm that is not allowed: %v", key, err)
		}
		if _, err := Verify(ctx, token, Algorithms, newSigner(t, ed()).Keys()); code(err) != "token-key-unknown" {
			t.Errorf("%T: another's keys: %v", key, err)
		}
		// One bit anywhere makes it another token, or none.
		for i := range len(token) {
			bent := []byte(token)
			if bent[i] == '.' {
				continue
			}
			bent[i] ^= 1
			if _, err := Verify(ctx, string(bent), Algorithms, s.Keys()); err == nil {
				t.Fatalf("%T: accepted with byte %d changed", key, i)
			}
		}
		set, err := ParseSet(s.JWKS())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(ctx, token, Algorithms, set); err != nil {
			t.Errorf("%T: by the published keys: %v", key, err)
		}
	}
}

func TestOldKeysProveUntilTheyAreTakenOut(t *testing.T) {
	old, next := ed(), ed()
	token := must(newSigner(t, old).Sign(map[string]any{"iss": "i"}))
	if _, err := Verify(context.Background(), token, Algorithms, newSigner(t, next, old).Keys()); err != nil {
		t.Error(err)
	}
	if _, err := Verify(context.Background(), token, Algorithms, newSigner(t, next).Keys()); code(err) != "token-key-unknown" {
		t.Error(err)
	}
}

func TestSignersComeFromPEM(t *testing.T) {
	block := func(key any) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
	}
	s, err := ParseSigner("JWT", append(block(ed()), block(ec(elliptic.P384()))...))
	if err != nil || len(s.public.Keys) != 2 || s.algorithm != EdDSA {
		t.Fatalf("%+v %v", s, err)
	}
	if strings.Contains(string(s.JWKS()), `"d"`) {
		t.Error("a private key is published")
	}
	one := block(ed())
	for name, raw := range map[string][]byte{"nothing": nil, "no key": []byte("x"), "the same twice": append(append([]byte{}, one...), one...),
		"a certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "P-521": block(ec(elliptic.P521()))} {
		if _, err := ParseSigner("JWT", raw); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	public := func(key any, kid string) jose.JSONWebKey { return jose.JSONWebKey{Key: key, KeyID: kid} }
	set := func(keys ...jose.JSONWebKey) string {
		return string(must(json.Marshal(jose.JSONWebKeySet{Keys: keys})))
	}
	a, weak := ec(elliptic.P384()), must(rsa.GenerateKey(rand.Reader, 1024))
	for name, c := range map[string]struct{ raw, want string }{
		"no JSON":               {"x", "no JSON Web Key Set"},
		"empty":                 {`{"keys":[]}`, "no public key"},
		"without kid":           {set(public(a.Public(), "")), "no public key"},
		"private":               {set(public(a, "k")), "private"},
		"a secret":              {`{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`, "private or symmetric"},
		"kid twice":             {set(public(a.Public(), "k"), public(ec(elliptic.P384()).Public(), "k")), "same kid"},
		"weak RSA":              {set(public(weak.Public(), "k")), "1024 bits"},
		"for encryption":        {set(jose.JSONWebKey{Key: a.Public(), KeyID: "k", Use: "enc"}), "no public key"},
		"alg that does not fit": {set(jose.JSONWebKey{Key: a.Public(), KeyID: "k", Algorithm: "HS256"}), "no public key"},
	} {
		if _, err := ParseSet([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAddressesThatAreInside(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1"} {
		if isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "203.162.4.191", "2606:4700::1111"} {
		if !isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is not taken for public", a)
		}
	}
}

func TestAFetchGoesWhereItMayAndNowhereElse(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { t.Error("the inner server was asked") }))
	defer inner.Close()
	var behave http.HandlerFunc
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { behave(w, r) }))
	defer outer.Close()
	port := func(u string) string { return u[strings.LastIndex(u, ":"):] }

	f := must(NewFetcher([]string{"https://localhost" + port(inner.URL)}, []string{outer.URL}))
	for name, u := range map[string]string{
		"another host":         inner.URL,
		"another scheme":       strings.Replace(outer.URL, "http:", "https:", 1),
		"a file":               "file:///etc/passwd",
		"credentials":          strings.Replace(outer.URL, "//", "//user:secret@", 1),
		"a host by userinfo":   outer.URL + "@127.0.0.1" + port(inner.URL),
		"a fragment":           outer.URL + "/#x",
		"another port":         "http://127.0.0.1:1/",
		"gopher":               "gopher://127.0.0.1" + port(outer.URL),
		"a name that is inner": "https://localhost" + port(inner.URL) + "/", // listed as public, resolves to the loopback
	} {
		if _, _, err := f.Get(context.Background(), u); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	behave = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, http.StatusFound) }
	if _, _, err := f.Get(context.Background(), outer.URL+"/jwks"); err == nil || err.Error() != "HTTP 302" {
		t.Errorf("a redirect: %v", err)
	}
	behave = func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, maxDocument+1)) }
	if _, _, err := f.Get(context.Background(), outer.URL+"/jwks"); err == nil {
		t.Error("a document without end was taken")
	}
	behave = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=120")
		_, _ = w.Write([]byte("{}"))
	}
	if body, keep, err := f.Get(context.Background(), outer.URL+"/jwks"); err != nil || string(body) != "{}" || keep != 2*time.Minute {
		t.Errorf("%s %s %v", body, keep, err)
	}
	for _, bad := range []string{"keys.example", "http://keys.example", "https://a@keys.example", "https://keys.example/path", "file:///x"} {
		if _, err := NewFetcher([]string{bad}, nil); err == nil {
			t.Errorf("the allow list takes %s", bad)
		}
	}
}

func TestKeysOfAURLRotate(t *testing.T) {
	now := atomic.Int64{}
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	now.Store(1000)
	first, second := newSigner(t, ed()), newSigner(t, ed())
	var serve atomic.Pointer[[]byte]
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if b := serve.Load(); b != nil {
			_, _ = w.Write(*b)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	r := NewRemote(must(NewFetcher(nil, []string{server.URL})), server.URL+"/jwks", clock)
	ctx := context.Background()
	key := func(s *Signer) string { _, err := r.Key(ctx, s.public.Keys[0].KeyID); return code(err) }

	if got := key(first); got != "keys-unreachable" {
		t.Fatal(got)
	}
	raw := first.JWKS()
	serve.Store(&raw)
	if got := key(first); got != "keys-unreachable" || asked.Load() != 1 {
		t.Fatalf("asked again at once: %s, %d", got, asked.Load())
	}
	now.Add(int64(askAgain / time.Second))
	if got := key(first); got != "<nil>" {
		t.Fatal(got)
	}
	raw2 := second.JWKS()
	serve.Store(&raw2)
	if got := key(second); got != "token-key-unknown" || asked.Load() != 2 {
		t.Fatalf("a stranger's kid makes us ask: %s, %d", got, asked.Load())
	}
	now.Add(int64(askAgain / time.Second))
	if got := key(second); got != "<nil>" {
		t.Fatal(got)
	}
	if got := key(first); got != "token-key-unknown" {
		t.Fatalf("a key that was taken out: %s", got)
	}
	serve.Store(nil) // the server of keys is down: what was seen last holds for a day
	now.Add(int64(keepStale/time.Second) - 1)
	if got := key(second); got != "<nil>" {
		t.Fatal(got)
	}
	now.Add(2)
	if got := key(second); got != "keys-unreachable" {
		t.Fatal(got)
	}
}

func TestDiscoveryBelievesAnIssuerAboutItselfOnly(t *testing.T) {
	s := newSigner(t, ed())
	var server *httptest.Server
	issuer := ""
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			_, _ = w.Write(s.JWKS())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": server.URL + "/keys"})
	}))
	defer server.Close()
	for name, want := range map[string]string{server.URL: "<nil>", "https://other.example": "keys-unreachable"} {
		issuer = name
		r := NewIssuer(must(NewFetcher(nil, []string{server.URL})), server.URL, nil)
		if _, err := r.Key(context.Background(), s.public.Keys[0].KeyID); code(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	_, k, _ := ed25519.GenerateKey(rand.Reader)
	s := must(NewSigner("JWT", k))
	f.Add(must(s.Sign(map[string]any{"iss": "i"})))
	f.Add("e30.e30.")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	other := must(NewSigner("JWT", ed())).Keys()
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := Verify(context.Background(), token, Algorithms, other); err == nil {
			t.Fatal("a token was accepted that nobody signed")
		} else if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Unknown {
			t.Fatalf("refused as %v", err)
		}
		Peek(token)
	})
}
