package certificate

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Limits of what is read. Certificates of a lifetime stay far below; what is larger is no certificate.
const (
	maxText  = 64 << 10  // of one certificate as text
	maxPlain = 256 << 10 // of its content, unpacked
	maxParts = 64        // QR codes of one certificate
)

// The credential types of an immunization card.
const (
	typeHealthCard   = "https://smarthealth.cards#health-card"
	typeImmunization = "https://smarthealth.cards#immunization"
)

// signSHC writes the card as compact JWS. Source: https://spec.smarthealth.cards, "Health Cards are Encoded as Compact
// Serialization JSON Web Signatures".
func signSHC(c Card, k key) (string, error) {
	claims := resource.ObjectOf{
		"iss", c.Issuer,
		"nbf", resource.Literal(strconv.FormatInt(c.Issued.Unix(), 10)),
	}
	if !c.Expires.IsZero() {
		claims = append(claims, "exp", resource.Literal(strconv.FormatInt(c.Expires.Unix(), 10)))
	}
	claims = append(claims, "vc", resource.ObjectOf{
		"type", resource.ListOf{typeHealthCard, typeImmunization},
		"credentialSubject", resource.ObjectOf{"fhirVersion", "4.0.1", "fhirBundle", bundleOf(c)},
		"rid", c.RID,
	})
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(resource.AppendJSON(nil, claims)); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	// go-jose has no "zip" for signatures: the payload comes packed, and the header says so.
	o := (&jose.SignerOptions{}).WithHeader("zip", "DEF").WithHeader(jose.HeaderKey("kid"), k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, o)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(packed.Bytes())
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// bundleOf is the FHIR Bundle of a card, with no more in it than the guide for vaccination cards asks for: no ids, no
// narrative, no displays. Source: https://hl7.org/fhir/uv/shc-vaccination (data minimization profiles)
func bundleOf(c Card) resource.ObjectOf {
	given := resource.ListOf{}
	for _, g := range c.Given {
		given = append(given, g)
	}
	entries := resource.ListOf{resource.ObjectOf{"fullUrl", "resource:0", "resource", resource.ObjectOf{
		"resourceType", "Patient",
		"name", resource.ListOf{resource.ObjectOf{"family", c.Family, "given", given}},
		"birthDate", c.BirthDate,
	}}}
	for i, d := range c.Doses {
		vaccine := resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", d.System, "code", d.Code}}}
		if d.Code == "" {
			vaccine = resource.ObjectOf{"text", d.Text}
		}
		entries = append(entries, resource.ObjectOf{"fullUrl", "resource:" + strconv.Itoa(i+1), "resource", resource.ObjectOf{
			"resourceType", "Immunization",
			"status", "completed",
			"vaccineCode", vaccine,
			"patient", resource.ObjectOf{"reference", "resource:0"},
			"occurrenceDateTime", d.Date,
			"lotNumber", d.Lot,
			"performer", resource.ListOf{resource.ObjectOf{"actor", resource.ObjectOf{"display", d.Performer}}},
		}})
	}
	return resource.ObjectOf{"resourceType", "Bundle", "type", "collection", "entry", entries}
}

// verifySHC reads a compact JWS. The card comes back also with errors about its time, never with one about its signature.
func verifySHC(text string, keys *Keys) (Card, error) {
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return Card{}, unreadable("JWS", err)
	}
	// base64 may carry bits that no byte comes of: only the one way to write a signature is accepted.
	if again, err := signed.CompactSerialize(); err != nil || again != text {
		return Card{}, unreadable("JWS", err)
	}
	h := signed.Signatures[0].Protected
	if zip, _ := h.ExtraHeaders["zip"].(string); zip != "DEF" {
		return Card{}, unreadable("zip", nil)
	}
	k, known := keys.find(h.KeyID)
	if !known {
		return Card{}, fhir.Errorf(fhir.Unprocessable, "certificate-key-unknown", "")
	}
	payload, err := signed.Verify(k.public)
	if err != nil {
		return Card{}, fhir.Wrap(fhir.Unprocessable, "certificate-signature", err)
	}
	z := flate.NewReader(bytes.NewReader(payload))
	plain, err := limited(z)
	if err != nil {
		return Card{}, err
	}
	c, err := cardOfSHC(plain)
	c.KeyID = k.id
	return c, err
}

// limited reads what was packed, up to the limit: a few bytes can stand for gigabytes.
func limited(r io.Reader) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	switch {
	case len(plain) > maxPlain:
		return nil, fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", maxPlain)
	case err != nil:
		return nil, unreadable("DEFLATE", err)
	}
	return plain, nil
}

func unreadable(what string, err error) error {
	return fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, what)
}

// claimsSHC are the claims that a verifier needs.
type claimsSHC struct {
	Issuer string  `json:"iss"`
	From   float64 `json:"nbf"`
	Until  float64 `json:"exp"`
	VC     struct {
		Type    []string `json:"type"`
		RID     string   `json:"rid"`
		Subject struct {
			Bundle json.RawMessage `json:"fhirBundle"`
		} `json:"credentialSubject"`
	} `json:"vc"`
}

func cardOfSHC(plain []byte) (Card, error) {
	var claims claimsSHC
	if err := json.Unmarshal(plain, &claims); err != nil {
		return Card{}, unreadable("JSON", err)
	}
	c := Card{Form: SHC, Issuer: claims.Issuer, RID: claims.VC.RID}
	var ok [2]bool
	c.Issued, ok[0] = second(claims.From)
	c.Expires, ok[1] = second(claims.Until)
	if !ok[0] || !ok[1] || c.Issuer == "" {
		return Card{}, unreadable("iss, nbf, exp", nil)
	}
	doc, err := resource.New(claims.VC.Subject.Bundle)
	if err != nil {
		return Card{}, unreadable("Bundle", err)
	}
	for e := range doc.Root().Get("entry").Elements() {
		switch r := e.Get("resource"); r.ResourceType() {
		case "Patient":
			c.setPerson(r)
		case "Immunization":
			c.Doses = append(c.Doses, doseOf(r))
		}
	}
	return c, nil
}

// second is a NumericDate; 0 gives the zero time. What lies outside of the years 1 to 9999 is no date.
func second(n float64) (time.Time, bool) {
	switch {
	case n == 0:
		return time.Time{}, true
	case !(n > 0 && n < 253402300800):
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0).UTC(), true
}

// Numeric writes a JWS as the texts of QR codes: shc:/ and two digits for each character, in several parts when it is
// longer than what a code of version 22 holds. Source: https://spec.smarthealth.cards, "Health Cards as QR Codes"
func Numeric(jws string) []string {
	const single, chunk = 1195, 1191
	digits := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%02d", s[i]-45)
		}
		return b.String()
	}
	if len(jws) <= single {
		return []string{"shc:/" + digits(jws)}
	}
	n := (len(jws) + chunk - 1) / chunk
	var out []string
	for i := range n { // of equal size, so that the codes are
		from, to := len(jws)*i/n, len(jws)*(i+1)/n
		out = append(out, fmt.Sprintf("shc:/%d/%d/%s", i+1, n, digits(jws[from:to])))
	}
	return out
}

// part is the text of one QR code of an SHC, taken apart.
type part struct {
	number, of int
	jws        string
}

// parsePart reads the text of a QR code.
func parsePart(text string) (p part, err error) {
	digits, ok := strings.CutPrefix(text, "shc:/")
	if !ok {
		return p, unreadable("shc:/", nil)
	}
	p.number, p.of = 1, 1
	if fields := strings.Split(digits, "/"); len(fields) == 3 {
		number, err1 := strconv.Atoi(fields[0])
		of, err2 := strconv.Atoi(fields[1])
		if err1 != nil || err2 != nil || of < 1 || of > maxParts || number < 1 || number > of {
			return p, unreadable("shc:/n/N/", nil)
		}
		p.number, p.of, digits = number, of, fields[2]
	}
	if len(digits) == 0 || len(digits)%2 != 0 {
		return p, unreadable("shc:/", nil)
	}
	out := make([]byte, 0, len(digits)/2)
	for i := 0; i < len(digits); i += 2 {
		a, b := digits[i]-'0', digits[i+1]-'0'
		if a > 9 || b > 9 || a*10+b > 77 { // 45 + 77 is "z", the last character of base64url
			return p, unreadable("shc:/", nil)
		}
		out = append(out, a*10+b+45)
	}
	p.jws = string(out)
	return p, nil
}
