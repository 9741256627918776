package certificate

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Verifier checks certificates. It needs no network and no store: keys and revocations are handed to it.
type Verifier struct {
	Keys *Keys
	// Issuers are those whose SHC the keys speak for; nil = any, for when the keys were brought by hand.
	Issuers []string
	// Revoked tells before which moment cards of a rid were revoked; the zero time = never. nil = nothing is known of
	// revocations.
	Revoked func(ctx context.Context, keyID, rid string) (time.Time, error)
	Now     func() time.Time // nil = time.Now
}

// skew is how far the clocks of signer and verifier may be apart.
const skew = time.Minute

// Verify checks all certificates in a text: shc:/ of one or several QR codes, HC1:, compact JWS, or the JSON of a
// .smart-health-card file. It gives those whose signature holds, up to the first one that is not good.
//
// Errors: Invalid or TooLarge for what cannot be read ("certificate-unreadable", "certificate-parts",
// "certificate-too-large"); Unprocessable for what can and is not good: "certificate-key-unknown",
// "certificate-signature", "certificate-issuer", "certificate-not-yet", "certificate-expired", "certificate-revoked".
func (v Verifier) Verify(ctx context.Context, text string) ([]Card, error) {
	all, err := split(text)
	if err != nil {
		return nil, err
	}
	var cards []Card
	for _, one := range all {
		var c Card
		if strings.HasPrefix(one, "HC1:") {
			c, err = verifyHC1(one, v.Keys)
		} else {
			c, err = verifySHC(one, v.Keys)
		}
		if err != nil {
			return cards, err
		}
		cards = append(cards, c)
		if err := v.counts(ctx, c); err != nil {
			return cards, err
		}
	}
	return cards, nil
}

// counts says whether a card with a good signature is in force.
func (v Verifier) counts(ctx context.Context, c Card) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	switch {
	case c.Form == SHC && v.Issuers != nil && !slices.Contains(v.Issuers, c.Issuer):
		return fhir.Errorf(fhir.Unprocessable, "certificate-issuer", "")
	case c.Issued.After(now.Add(skew)):
		return fhir.Errorf(fhir.Unprocessable, "certificate-not-yet", "", DayOf(c.Issued))
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return fhir.Errorf(fhir.Unprocessable, "certificate-expired", "", DayOf(c.Expires))
	case v.Revoked == nil || c.RID == "":
		return nil
	}
	before, err := v.Revoked(ctx, c.KeyID, c.RID)
	if err != nil {
		return err
	}
	if c.Issued.Before(before) {
		return fhir.Errorf(fhir.Unprocessable, "certificate-revoked", "", DayOf(before))
	}
	return nil
}

// split finds the certificates in a text, as JWS or HC1.
func split(text string) ([]string, error) {
	if len(text) > 4*maxText {
		return nil, fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", 4*maxText)
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	var out []string
	switch {
	case strings.HasPrefix(text, "{"):
		var file struct {
			Credentials []string `json:"verifiableCredential"`
		}
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			return nil, unreadable("JSON", err)
		}
		out = file.Credentials
	case strings.HasPrefix(text, "HC1:"):
		for line := range strings.Lines(text) { // base45 has blanks in it: only lines part certificates
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				out = append(out, line)
			}
		}
	default:
		var codes []string
		for _, word := range strings.Fields(text) {
			if strings.HasPrefix(word, "shc:/") {
				codes = append(codes, word)
			} else {
				out = append(out, word)
			}
		}
		if codes != nil {
			joined, err := join(codes)
			if err != nil {
				return nil, err
			}
			out = append(out, joined...)
		}
	}
	if len(out) == 0 || len(out) > maxParts {
		return nil, unreadable("shc:/, HC1:", nil)
	}
	for _, one := range out {
		switch {
		case len(one) > maxText:
			return nil, fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", maxText)
		case !strings.HasPrefix(one, "HC1:") && strings.Count(one, ".") != 2:
			return nil, unreadable("shc:/, HC1:", nil)
		}
	}
	return out, nil
}

// join puts the texts of QR codes together: those of one code are a certificate each, those of several make one.
func join(codes []string) (jws []string, err error) {
	var parts []string
	for _, code := range codes {
		p, err := parsePart(code)
		if err != nil {
			return nil, err
		}
		if p.of == 1 {
			jws = append(jws, p.jws)
			continue
		}
		if parts == nil {
			parts = make([]string, p.of)
		}
		if len(parts) != p.of || parts[p.number-1] != "" && parts[p.number-1] != p.jws {
			return nil, fhir.Errorf(fhir.Invalid, "certificate-parts", "", p.number, p.of)
		}
		parts[p.number-1] = p.jws
	}
	if parts == nil {
		return jws, nil
	}
	if i := slices.Index(parts, ""); i >= 0 {
		return nil, fhir.Errorf(fhir.Invalid, "certificate-parts", "", i+1, len(parts))
	}
	return append(jws, strings.Join(parts, "")), nil
}
