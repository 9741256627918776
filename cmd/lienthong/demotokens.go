package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
)

// demoIssuer is the demo's own issuer of people: its key is made at each start and never leaves the process, so that its
// tokens end with the demo. No setting of serve gives it.
type demoIssuer struct {
	url     string
	signer  *jwt.Signer
	issuers openid.Issuers
}

const demoAudience = "lienthong-demo"

func newDemoIssuer(base string) (*demoIssuer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	d := &demoIssuer{url: tokenIssuer(base) + "/demo"}
	if d.signer, err = jwt.NewSigner("JWT", crypto.Signer(key)); err != nil {
		return nil, err
	}
	none, err := jwt.NewFetcher(nil, nil)
	if err != nil {
		return nil, err
	}
	d.issuers, err = openid.ParseIssuers(fmt.Appendf(nil, `issuers:
  - issuer: %s
    audience: [%s]
    algorithms: [EdDSA]
    jwks: %s
    roles: {claim: role, values: {hospital: hospital, clinic: clinic, auditor: auditor, citizen: citizen}}
    organization: {claim: organization}
    patient: patient
`, d.url, demoAudience, d.signer.JWKS()), none, nil, nil)
	return d, err
}

// demoToken is a token with what it is for.
type demoToken struct{ Who, Path, Token string }

// tokens gives one for each role, good for a day: longer than a demo. The clinic is that of the visit, since it reads the
// vaccinations of those in its care alone.
func (d *demoIssuer) tokens(child *synthetic.Citizen, visit synthetic.Episode, facility, claim string) (out []demoToken, err error) {
	for _, t := range []struct {
		who, role, path string
		more            map[string]any
	}{
		{"hospital", "hospital", "/Encounter?_summary=count", map[string]any{"organization": facility}},
		{"clinic", "clinic", "/Immunization?patient=" + visit.Citizen.ID, map[string]any{"organization": synthetic.FacilityID(visit.Facility)}},
		{"auditor", "auditor", "/" + claim, nil},
		{"citizen", "citizen", "/Patient/" + child.ID, map[string]any{"patient": child.ID}},
	} {
		claims := map[string]any{"iss": d.url, "aud": demoAudience, "sub": "demo-" + t.role, "role": t.role, "exp": time.Now().Add(24 * time.Hour).Unix()}
		for k, v := range t.more {
			claims[k] = v
		}
		token, err := d.signer.Sign(claims)
		if err != nil {
			return nil, err
		}
		out = append(out, demoToken{t.who, t.path, token})
	}
	return out, nil
}
