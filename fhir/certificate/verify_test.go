package certificate_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir/certificate"
)

// signed makes a world with one certificate, long enough for several QR codes.
func signed(t *testing.T) (*world, certificate.Issued) {
	w := newWorld(t)
	w.put(patient)
	for _, day := range []string{"01", "03", "05", "07", "09", "11", "13", "15", "17", "19", "21", "23", "25", "27"} {
		w.put(vaccinated("i"+day, "completed", "198", "2025-01-"+day, fmt.Sprintf("LÔ-%x", sha256.Sum256([]byte(day)))[:40], `,"location":{"display":"Trạm Y tế Giả Định `+day+`"}`))
	}
	return w, w.issue()
}

func TestAChangedByteIsRefused(t *testing.T) {
	w, i := signed(t)
	for pos := range len(i.JWS) {
		for _, c := range []byte("Az_.") {
			if i.JWS[pos] == c {
				continue
			}
			changed := i.JWS[:pos] + string(c) + i.JWS[pos+1:]
			if _, err := w.Verifier().Verify(t.Context(), changed); code(err) == "" {
				t.Fatalf("JWS with %q at %d passed", c, pos)
			}
		}
	}
	before, err := w.Verifier().Verify(t.Context(), i.HC1)
	if err != nil {
		t.Fatal(err)
	}
	said := show(t, before)
	refused := 0
	for pos := len("HC1:"); pos < len(i.HC1); pos++ {
		for _, c := range []byte("0Z :") {
			if i.HC1[pos] == c {
				continue
			}
			// The packing outside of the signature has bits that mean nothing: what passes has to say the same.
			got, err := w.Verifier().Verify(t.Context(), i.HC1[:pos]+string(c)+i.HC1[pos+1:])
			if err != nil {
				refused++
			} else if show(t, got) != said {
				t.Fatalf("HC1 with %q at %d passed and says something else", c, pos)
			}
		}
	}
	if refused < 3*(len(i.HC1)-10) {
		t.Errorf("only %d changes were refused", refused)
	}
}

func show(t *testing.T, cards []certificate.Card) string {
	t.Helper()
	raw, err := json.Marshal(cards)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestCodesOfOneCertificateComeInAnyOrder(t *testing.T) {
	w, i := signed(t)
	parts := certificate.Numeric(i.JWS)
	if len(parts) < 2 {
		t.Fatalf("%d codes; the test needs several", len(parts))
	}
	want, err := w.Verifier().Verify(t.Context(), i.JWS)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		order := rapid.Permutation(parts).Draw(rt, "order")
		text := strings.Join(order, rapid.SampledFrom([]string{" ", "\n", "\r\n\t"}).Draw(rt, "between"))
		if rapid.Bool().Draw(rt, "scanned twice") {
			text += "\n" + order[0]
		}
		got, err := w.Verifier().Verify(t.Context(), text)
		if err != nil || show(t, got) != show(t, want) {
			rt.Fatalf("%v", err)
		}
	})
	w.clock.Time = noon.Add(time.Second)
	other := certificate.Numeric(w.issue().JWS)
	for name, text := range map[string]string{"one is missing": parts[0], "of another": parts[0] + " " + other[1], "other count": parts[0] + " shc:/2/9/" + parts[1][8:]} {
		if _, err := w.Verifier().Verify(t.Context(), text); code(err) == "" {
			t.Errorf("%s: it passed", name)
		}
	}
	file, err := json.Marshal(map[string][]string{"verifiableCredential": {i.JWS}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verifier().Verify(t.Context(), string(file)); err != nil {
		t.Errorf("a file: %v", err)
	}
}

func TestNumericIsUndoneByVerify(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		jws := rapid.StringOfN(rapid.RuneFrom([]rune("ABCxyz019-_.")), 1, 6000, -1).Draw(rt, "jws")
		var back string
		for n, p := range certificate.Numeric(jws) {
			if len(p) > 2*1195+len("shc:/") {
				rt.Fatalf("code %d has %d characters: more than version 22 holds", n, len(p))
			}
			digits := p[strings.LastIndex(p, "/")+1:]
			for k := 0; k < len(digits); k += 2 {
				back += string((digits[k]-'0')*10 + digits[k+1] - '0' + 45)
			}
		}
		if back != jws {
			rt.Fatalf("%q became %q", jws, back)
		}
	})
}

func TestTimeDecides(t *testing.T) {
	w, i := signed(t)
	for name, c := range map[string]struct {
		now  time.Time
		want string
	}{
		"a clock behind by less than a minute": {noon.Add(-59 * time.Second), ""},
		"a clock behind by more":               {noon.Add(-61 * time.Second), "certificate-not-yet"},
		"the last second":                      {noon.Add(365*24*time.Hour - time.Second), ""},
		"after the end":                        {noon.Add(365 * 24 * time.Hour), "certificate-expired"},
	} {
		w.clock.Time = c.now
		for _, text := range []string{i.JWS, i.HC1} {
			if _, err := w.Verifier().Verify(t.Context(), text); code(err) != c.want {
				t.Errorf("%s, %.4s: %v", name, text, err)
			}
		}
	}
}

func TestKeysRotate(t *testing.T) {
	raw, first, err := certificate.AddKey(nil, noon.Add(-48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	both, second, err := certificate.AddKey(raw, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.put(patient, vaccinated("i", "completed", "198", "2025-01-10", "L1", ""))
	use := func(raw []byte) {
		t.Helper()
		if w.Keys, err = certificate.ParseKeys(raw); err != nil {
			t.Fatal(err)
		}
	}
	use(raw)
	old := w.issue()
	use(both)
	if got := w.issue().Card.KeyID; got != first {
		t.Errorf("before its time key %s signs", got)
	}
	w.clock.Time = noon.Add(time.Hour)
	fresh := w.issue()
	if fresh.Card.KeyID != second {
		t.Errorf("the newest key does not sign, but %s", fresh.Card.KeyID)
	}
	public, err := w.Keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(public), `"d"`) || !strings.Contains(string(public), second) {
		t.Errorf("the public keys are %s", public)
	}
	use(public)
	for _, i := range []certificate.Issued{old, fresh} {
		for _, text := range []string{i.JWS, i.HC1} {
			if _, err := w.Verifier().Verify(t.Context(), text); err != nil {
				t.Errorf("with the public keys: %v", err)
			}
		}
	}
	if w.Keys.Signs(w.clock.now()) {
		t.Error("public keys sign")
	}
	use(raw) // the second key was taken out
	for _, text := range []string{fresh.JWS, fresh.HC1} {
		if _, err := w.Verifier().Verify(t.Context(), text); code(err) != "certificate-key-unknown" {
			t.Errorf("with a key that is gone: %v", err)
		}
	}
	elsewhere := w.Verifier()
	elsewhere.Issuers = []string{"https://other.example"}
	if _, err := elsewhere.Verify(t.Context(), old.JWS); code(err) != "certificate-issuer" {
		t.Errorf("another issuer: %v", err)
	}
}

func TestKeyFilesThatCannotBeUsedAreRefused(t *testing.T) {
	raw, id, err := certificate.AddKey(nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	secret := string(raw)[strings.Index(string(raw), `"d"`):][:20]
	for name, bad := range map[string]string{
		"no JSON":        secret,
		"another kid":    strings.Replace(string(raw), id, "other", 1),
		"twice":          strings.Replace(string(raw), `"keys": [`, `"keys": [`+strings.TrimSuffix(strings.SplitN(string(raw), "[", 2)[1], "]\n}\n")+",", 1),
		"another curve":  strings.Replace(string(raw), "P-256", "P-384", 1),
		"another use":    strings.Replace(string(raw), "ES256", "RS256", 1),
		"a secret (oct)": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
	} {
		if _, err := certificate.ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%s: it was read", name)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

// signFor makes a JWS with a payload of one's own, as somebody with the key could.
func signFor(t testing.TB, k *ecdsa.PrivateKey, kid string, payload []byte) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"ES256","kid":"`+kid+`","zip":"DEF"}`)) + "." + b64(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func TestBombsAreNotUnpacked(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	raw := `{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(k.X.FillBytes(make([]byte, 32))) + `","y":"` + b64(k.Y.FillBytes(make([]byte, 32))) + `"}]}`
	keys, err := certificate.ParseKeys([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	kid := strings.SplitN(strings.SplitN(string(public), `"kid":"`, 2)[1], `"`, 2)[0]
	v := certificate.Verifier{Keys: keys}
	zeros := bytes.Repeat([]byte("0"), 8<<20)
	var deflated, zipped bytes.Buffer
	f, _ := flate.NewWriter(&deflated, 9)
	z := zlib.NewWriter(&zipped)
	for _, err := range []error{second(f.Write(zeros)), f.Close(), second(z.Write(zeros)), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"signed, DEFLATE":   {signFor(t, k, kid, deflated.Bytes()), "certificate-too-large"},
		"zlib":              {"HC1:" + base45(zipped.Bytes()), "certificate-too-large"},
		"a long text":       {"shc:/" + strings.Repeat("0", 1<<20), "certificate-too-large"},
		"a long JWS":        {strings.Repeat("A", 70<<10) + "..", "certificate-too-large"},
		"many codes":        {"shc:/1/1000000000/00", "certificate-unreadable"},
		"nothing in it":     {signFor(t, k, kid, nil), "certificate-unreadable"},
		"no certificate":    {"hello", "certificate-unreadable"},
		"nothing":           {"", "certificate-unreadable"},
		"an odd digit":      {"shc:/123", "certificate-unreadable"},
		"beyond the letter": {"shc:/99", "certificate-unreadable"},
	} {
		if _, err := v.Verify(t.Context(), c.text); code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// "alg": "none" and HS256 with the public key as secret are no signatures.
	for _, alg := range []string{"none", "HS256"} {
		text := b64([]byte(`{"alg":"`+alg+`","kid":"`+kid+`","zip":"DEF"}`)) + "." + b64(deflated.Bytes()) + "." + b64([]byte("x"))
		if _, err := v.Verify(t.Context(), text); code(err) != "certificate-unreadable" {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func second(_ int, err error) error { return err }

// base45 is RFC 9285 written a second time, by its text.
func base45(b []byte) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	var out strings.Builder
	for i := 0; i < len(b); i += 2 {
		n, chars := int(b[i]), 2
		if i+1 < len(b) {
			n, chars = n*256+int(b[i+1]), 3
		}
		for range chars {
			out.WriteByte(alphabet[n%45])
			n /= 45
		}
	}
	return out.String()
}

func TestICAO(t *testing.T) {
	for name, want := range map[string]string{
		"Nguyễn": "NGUYEN", "Thị Đào": "THI<DAO", "Đặng Ươm": "DANG<UOM", "O'Neil-Smith": "O<NEIL<SMITH", "": "", "李": "", " quý ": "QUY",
	} {
		if got := certificate.ICAO(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	keys := newKeys(f, noon)
	for _, seed := range []string{"shc:/567629", "shc:/1/2/567629", "HC1:6BF", "HC1:NCF", "eyJh.eyJh.eyJh", `{"verifiableCredential":["a.b.c"]}`, "HC1:" + base45([]byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})} {
		f.Add(seed)
	}
	v := certificate.Verifier{Keys: keys}
	f.Fuzz(func(t *testing.T, text string) {
		if cards, err := v.Verify(t.Context(), text); err == nil {
			t.Fatalf("%q passed with keys that signed nothing: %v", text, cards)
		} else if c := code(err); !strings.HasPrefix(c, "certificate-") {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
