package certificate

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
)

// country is the issuer of HC1 and where its doses were given.
const country = "VN"

// uvci is what the identifier of a certificate begins with; the rid follows, so that HC1 and SHC are revoked together.
const uvci = "URN:UVCI:01:" + country + ":"

// claimsHC1 are the claims of a CWT with a health certificate.
type claimsHC1 struct {
	Issuer  string        `cbor:"1,keyasint"`
	Expires int64         `cbor:"4,keyasint"`
	Issued  int64         `cbor:"6,keyasint"`
	Health  map[int]hcert `cbor:"-260,keyasint"`
}

// hcert is the EU schema at version 1.0.0, the one that allows more than one dose.
// Source: https://github.com/ehn-dcc-development/ehn-dcc-schema
type hcert struct {
	Version   string     `cbor:"ver"`
	Name      hcertName  `cbor:"nam"`
	BirthDate string     `cbor:"dob"`
	Doses     []hcertVac `cbor:"v"`
}

type hcertName struct {
	Family       string `cbor:"fn"`
	FamilyICAO   string `cbor:"fnt"`
	Forename     string `cbor:"gn,omitempty"`
	ForenameICAO string `cbor:"gnt,omitempty"`
}

type hcertVac struct {
	Target   string `cbor:"tg"` // disease: SNOMED CT
	Vaccine  string `cbor:"vp"`
	Product  string `cbor:"mp"`
	Maker    string `cbor:"ma"`
	Number   int    `cbor:"dn"`
	Of       int    `cbor:"sd"`
	Date     string `cbor:"dt"`
	Country  string `cbor:"co"`
	Issuer   string `cbor:"is"`
	Identity string `cbor:"ci"`
}

// notKnown stands where the schema demands a text and the record has none.
const notKnown = "-"

var (
	encodeCBOR = must(cbor.CoreDetEncOptions().EncMode())
	// decodeCBOR refuses what is deep, wide or doubled before memory is spent on it.
	decodeCBOR = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 8, MaxArrayElements: 1024, MaxMapPairs: 64,
		IndefLength: cbor.IndefLengthForbidden, UTF8: cbor.UTF8RejectInvalid,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("certificate: " + err.Error())
	}
	return v
}

// signHC1 writes the card as HC1 text. authority is who the certificate names as its issuer, in words.
func signHC1(c Card, k key, authority string) (string, error) {
	claims := claimsHC1{Issuer: country, Issued: c.Issued.Unix(), Expires: c.Expires.Unix(), Health: map[int]hcert{1: hcertOf(c, authority)}}
	payload, err := encodeCBOR.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := cose.NewSigner(cose.AlgorithmES256, k.private)
	if err != nil {
		return "", err
	}
	m := cose.NewSign1Message()
	m.Headers.Protected[cose.HeaderLabelAlgorithm] = cose.AlgorithmES256
	m.Headers.Protected[cose.HeaderLabelKeyID] = k.short()
	m.Payload = payload
	if err := m.Sign(rand.Reader, nil, signer); err != nil {
		return "", err
	}
	signed, err := m.MarshalCBOR()
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(signed); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return "HC1:" + encode45(packed.Bytes()), nil
}

func hcertOf(c Card, authority string) hcert {
	given := strings.Join(c.Given, " ")
	h := hcert{
		Version: "1.0.0", BirthDate: c.BirthDate,
		Name: hcertName{Family: c.Family, FamilyICAO: ICAO(c.Family), Forename: given, ForenameICAO: ICAO(given)},
	}
	for _, d := range c.Doses {
		v := hcertVac{
			Target: notKnown, Vaccine: or(d.Code, d.Text), Product: or(d.Code, d.Text), Maker: or(d.Maker, notKnown),
			Number: max(d.Number, 1), Of: max(d.Of, d.Number, 1), Date: d.Date, Country: country, Issuer: authority, Identity: uvci + c.RID,
		}
		if len(d.Diseases) > 0 {
			v.Target = d.Diseases[0]
		}
		h.Doses = append(h.Doses, v)
	}
	return h
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// ICAO writes a name as the machine-readable zone of a passport has it: Nguyễn Thị Đào is NGUYEN<THI<DAO.
// Source: ICAO Doc 9303, part 3, section 6.
func ICAO(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToUpper(name)) {
		switch {
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case r == 'Đ':
			b.WriteByte('D')
		case unicode.IsSpace(r), r == '-', r == '\'':
			b.WriteByte('<')
		}
	}
	return strings.Trim(b.String(), "<")
}

// verifyHC1 reads HC1 text. The card comes back also with errors about its time, never with one about its signature.
func verifyHC1(text string, keys *Keys) (Card, error) {
	packed, ok := decode45(strings.TrimPrefix(text, "HC1:"))
	if !ok {
		return Card{}, unreadable("base45", nil)
	}
	rest := bytes.NewReader(packed)
	z, err := zlib.NewReader(rest)
	if err != nil {
		return Card{}, unreadable("zlib", err)
	}
	signed, err := limited(z)
	if err != nil {
		return Card{}, err
	}
	if rest.Len() > 0 {
		return Card{}, unreadable("zlib", nil)
	}
	return verifyCOSE(signed, keys)
}

func verifyCOSE(signed []byte, keys *Keys) (Card, error) {
	// go-cose has limits of its own, wider than ours.
	if err := decodeCBOR.Wellformed(signed); err != nil {
		return Card{}, unreadable("CBOR", err)
	}
	m := cose.NewSign1Message()
	if err := m.UnmarshalCBOR(signed); err != nil {
		return Card{}, unreadable("COSE", err)
	}
	kid, ok := m.Headers.Protected[cose.HeaderLabelKeyID].([]byte)
	if !ok {
		return Card{}, unreadable("kid", nil)
	}
	candidates := keys.findShort(kid)
	if len(candidates) == 0 {
		return Card{}, fhir.Errorf(fhir.Unprocessable, "certificate-key-unknown", "")
	}
	var err error
	for _, k := range candidates {
		v, wrong := cose.NewVerifier(cose.AlgorithmES256, k.public)
		if wrong != nil {
			return Card{}, wrong
		}
		if err = m.Verify(nil, v); err == nil {
			c, err := cardOfHC1(m.Payload)
			c.KeyID = k.id
			return c, err
		}
	}
	return Card{}, fhir.Wrap(fhir.Unprocessable, "certificate-signature", err)
}

func cardOfHC1(payload []byte) (Card, error) {
	var claims claimsHC1
	if err := decodeCBOR.Unmarshal(payload, &claims); err != nil {
		return Card{}, unreadable("CWT", err)
	}
	h, ok := claims.Health[1]
	if !ok || claims.Issuer != country {
		return Card{}, unreadable("hcert", io.ErrUnexpectedEOF)
	}
	c := Card{Form: HC1, Family: h.Name.Family, BirthDate: h.BirthDate}
	var dated [2]bool
	c.Issued, dated[0] = second(float64(claims.Issued))
	c.Expires, dated[1] = second(float64(claims.Expires))
	if !dated[0] || !dated[1] {
		return Card{}, unreadable("iat, exp", nil)
	}
	if h.Name.Forename != "" {
		c.Given = []string{h.Name.Forename}
	}
	for _, v := range h.Doses {
		d := Dose{System: cvx, Code: v.Product, Date: v.Date, Number: v.Number, Of: v.Of}
		if v.Maker != notKnown {
			d.Maker = v.Maker
		}
		if v.Target != notKnown {
			d.Diseases = []string{v.Target}
		}
		if rid, ok := strings.CutPrefix(v.Identity, uvci); ok {
			c.RID = rid
		}
		c.Doses = append(c.Doses, d)
	}
	return c, nil
}

// forever is when a certificate ends that has no end: HC1 demands one.
func forever(issued time.Time) time.Time { return issued.AddDate(10, 0, 0) }
