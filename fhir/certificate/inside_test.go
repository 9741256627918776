package certificate

import (
	"bytes"
	"testing"
)

// The decoders behind the signature are reached only with a key: here without one, as if it had been stolen.

func FuzzCardOfHC1(f *testing.F) {
	raw, err := encodeCBOR.Marshal(claimsHC1{Issuer: country, Issued: 1, Expires: 2, Health: map[int]hcert{1: hcertOf(Card{Family: "Trần", BirthDate: "2000", Doses: []Dose{{Code: "198", Date: "2025-01-01"}}}, "Giả Định")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0x9f, 0x9f, 0x9f})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if c, err := cardOfHC1(payload); err == nil && (c.Form != HC1 || len(c.Doses) > 1024) {
			t.Fatalf("%+v", c)
		}
	})
}

func FuzzCardOfSHC(f *testing.F) {
	f.Add([]byte(`{"iss":"https://x.example","nbf":1,"vc":{"type":[],"credentialSubject":{"fhirVersion":"4.0.1","fhirBundle":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[{"family":"Trần"}]}},{"resource":{"resourceType":"Immunization","vaccineCode":{"coding":[{"code":"1"}]},"protocolApplied":[{"doseNumberPositiveInt":1e99}]}}]}}}}`))
	f.Add([]byte(`{"iss":"x","nbf":1e300,"vc":{}}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		if c, err := cardOfSHC(plain); err == nil && (c.Form != SHC || c.Issuer == "") {
			t.Fatalf("%+v", c)
		}
	})
}

func FuzzBase45(f *testing.F) {
	f.Add("QED8WEX0", []byte("ietf!")) // the example of RFC 9285
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		if b, ok := decode45(text); ok && encode45(b) != text {
			t.Fatalf("%q was read and is written as %q", text, encode45(b))
		}
		if b, ok := decode45(encode45(raw)); !ok || !bytes.Equal(b, raw) {
			t.Fatalf("%x came back as %x", raw, b)
		}
	})
}

func TestBase45OfTheRFC(t *testing.T) {
	for raw, want := range map[string]string{"AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0"} {
		if got := encode45([]byte(raw)); got != want {
			t.Errorf("%q became %q, want %q", raw, got, want)
		}
	}
	for _, bad := range []string{"GGW", ":::", "::", "A", "ABCD", "bb8", "Đ00"} { // GGW is 65536
		if _, ok := decode45(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}
