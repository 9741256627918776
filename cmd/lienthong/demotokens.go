package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
)

// demoIssuer is the demo's own issuer of people: its key is made at each start and never leaves the process, so that its
// tokens end with the demo. No setting of serve gives it.
type demoIssuer struct {
	url, origin string
	signer      *jwt.Signer
	issuers     openid.Issuers
	signIns     demoSignIns
}

const demoAudience = "lienthong-demo"

func newDemoIssuer(base string) (*demoIssuer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	d := &demoIssuer{url: tokenIssuer(base) + "/demo"}
	d.origin = strings.TrimSuffix(tokenIssuer(base), "/auth")
	if d.signer, err = jwt.NewSigner("JWT", crypto.Signer(key)); err != nil {
		return nil, err
	}
	here, err := jwt.NewFetcher(nil, []string{d.origin})
	if err != nil {
		return nil, err
	}
	d.issuers, err = openid.ParseIssuers(fmt.Appendf(nil, `issuers:
  - issuer: %s
    audience: [%s]
    algorithms: [EdDSA]
    jwks: %s
    roles: {claim: role, values: {hospital: hospital, clinic: clinic, auditor: auditor, citizen: citizen, operator: operator}}
    organization: {claim: organization}
    patient: patient
    browser: {client_id: %s, name: Lienthong demo}
`, d.url, demoAudience, d.signer.JWKS(), demoAudience), here, nil, nil)
	return d, err
}

// demoPerson is one of those whom the issuer knows, with what each may look at.
type demoPerson struct {
	Role, Path string
	more       map[string]any
}

// demoToken is a token with what it is for.
type demoToken struct{ Who, Path, Token string }

// people are one of each role. The clinic is that of the visit, since it reads the vaccinations of those in its care alone.
// It asks by citizen ID, of the system cccd.
func (d *demoIssuer) people(child *synthetic.Citizen, visit synthetic.Episode, facility, claim, cccd string) []demoPerson {
	return []demoPerson{
		{"hospital", "/Encounter?_summary=count", map[string]any{"organization": facility}},
		{"clinic", "/Immunization?patient.identifier=" + url.QueryEscape(cccd+"|"+visit.Citizen.CCCD), map[string]any{"organization": synthetic.FacilityID(visit.Facility)}},
		{"auditor", "/" + claim, nil},
		{"citizen", "/Patient/" + child.ID, map[string]any{"patient": child.ID}},
		{"operator", "/$jobs", nil},
	}
}

// claims are what the issuer says of a person.
func (d *demoIssuer) claims(p demoPerson, life time.Duration) map[string]any {
	now := time.Now()
	claims := map[string]any{"iss": d.url, "aud": demoAudience, "sub": "demo-" + p.Role, "role": p.Role, "iat": now.Unix(), "exp": now.Add(life).Unix()}
	maps.Copy(claims, p.more)
	return claims
}

// tokens gives one for each person, good for a day: longer than a demo.
func (d *demoIssuer) tokens(people []demoPerson) (out []demoToken, err error) {
	for _, p := range people {
		token, err := d.signer.Sign(d.claims(p, 24*time.Hour))
		if err != nil {
			return nil, err
		}
		out = append(out, demoToken{p.Role, p.Path, token})
	}
	return out, nil
}
