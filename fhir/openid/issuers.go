package openid

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/setting"
)

// Issuer is one that people may come from, with the mapping of its claims. Names of claims may have dots for claims
// within claims, as in realm_access.roles.
type Issuer struct {
	URL        string
	Audiences  []string
	Algorithms []jwt.Algorithm
	Keys       jwt.Keys
	Skew       time.Duration

	RoleClaim     string                 // holds a text or a list of texts
	Roles         map[string]access.Role // what they mean; others mean nothing
	DefaultRole   access.Role            // of a token without any that means something; "" = refused
	Organization  string                 // claim with the id of the Organization
	Organizations map[string]string      // what its values mean; none = they are ids
	Facility      string                 // claim with the codes (MA_CSKCB) that the person sends claims for; not there = that of the Organization
	Facilities    map[string]string      // what its values mean; none = they are codes
	Practitioner  string                 // claim with the id of the Practitioner
	Patient       string                 // claim with the id of the Patient
	PersonClaim   string                 // claim with an identifier of the citizen, such as the citizen ID
	PersonSystem  string                 // its identifier system
	Purposes      []string               // that people may state
	Browser       *Browser               // nil = nobody signs in with a browser

	fetch *jwt.Fetcher
	found discovered
}

// Issuers are those of one file, by URL. They are immutable.
type Issuers map[string]*Issuer

// issuersFile is the file:
//
//	issuers:
//	  - issuer: https://id.example
//	    audience: [lienthong]
//	    algorithms: [RS256, ES256]        # these if left out
//	    jwks_uri: https://id.example/keys # found by discovery if left out; or jwks: {keys: [...]}
//	    roles: {claim: roles, values: {bac-si: clinic, giam-dinh: auditor}, default: citizen}
//	    organization: {claim: org, values: {"51901": bv-51901}}
//	    facilities: {claim: facilities}   # MA_CSKCB; not in a token: the one that the Organization carries
//	    practitioner: practitioner_id
//	    person: {claim: cccd, system: "https://lienthong.example/sid/cccd"}
//	    purposes: [TREAT, ETREAT]
//	    browser: {client_id: lienthong, secret_file: /etc/lienthong/oidc.secret, scopes: [profile], name: Clinic staff}
//	    skew: 30s
type issuersFile struct {
	Issuers []struct {
		Issuer     string   `yaml:"issuer"`
		Audience   []string `yaml:"audience"`
		Algorithms []string `yaml:"algorithms"`
		JWKS       any      `yaml:"jwks"`
		JWKSURI    string   `yaml:"jwks_uri"`
		Roles      struct {
			Claim   string            `yaml:"claim"`
			Values  map[string]string `yaml:"values"`
			Default string            `yaml:"default"`
		} `yaml:"roles"`
		Organization struct {
			Claim  string            `yaml:"claim"`
			Values map[string]string `yaml:"values"`
		} `yaml:"organization"`
		Facilities struct {
			Claim  string            `yaml:"claim"`
			Values map[string]string `yaml:"values"`
		} `yaml:"facilities"`
		Practitioner string `yaml:"practitioner"`
		Patient      string `yaml:"patient"`
		Person       struct {
			Claim  string `yaml:"claim"`
			System string `yaml:"system"`
		} `yaml:"person"`
		Purposes []string      `yaml:"purposes"`
		Browser  *browserEntry `yaml:"browser"`
		Skew     time.Duration `yaml:"skew"`
	} `yaml:"issuers"`
}

var (
	purpose = regexp.MustCompile(`^[A-Z]{2,16}$`)
	role    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

// maxSkew bounds how far clocks may be apart.
const maxSkew = 2 * time.Minute

// ParseIssuers reads the file. fetch says which URLs are allowed; keys that lie at one are kept in remote from one reading
// of the file to the next.
func ParseIssuers(raw []byte, fetch *jwt.Fetcher, remote map[string]*jwt.Remote, now func() time.Time) (Issuers, error) {
	var file issuersFile
	if err := setting.ParseYAML(raw, &file); err != nil {
		return nil, fmt.Errorf("the issuers file cannot be read: %w", err)
	}
	out := Issuers{}
	for i, f := range file.Issuers {
		wrong := func(text string) (Issuers, error) {
			return nil, fmt.Errorf("issuer %d (%.100q): %s", i+1, f.Issuer, text)
		}
		if u, err := url.Parse(f.Issuer); err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return wrong("issuer must be a URL")
		}
		if out[f.Issuer] != nil {
			return wrong("the issuer is there twice")
		}
		if len(f.Audience) == 0 || slices.Contains(f.Audience, "") {
			return wrong("audience is needed: tokens for others are not for us")
		}
		if f.Skew < 0 || f.Skew > maxSkew {
			return wrong("skew must be at most 2m")
		}
		is := &Issuer{
			URL: f.Issuer, Audiences: f.Audience, Skew: f.Skew, RoleClaim: f.Roles.Claim, DefaultRole: access.Role(f.Roles.Default),
			Roles: map[string]access.Role{}, Organization: f.Organization.Claim, Organizations: f.Organization.Values,
			Facility: f.Facilities.Claim, Facilities: f.Facilities.Values,
			Practitioner: f.Practitioner, Patient: f.Patient, PersonClaim: f.Person.Claim, PersonSystem: f.Person.System, Purposes: f.Purposes,
			fetch: fetch,
		}
		for value, r := range f.Roles.Values {
			is.Roles[value] = access.Role(r)
			if !takes(is.Roles[value]) {
				return wrong("a role is hospital, clinic, auditor, citizen, operator, or one that the policies name")
			}
		}
		switch {
		case is.DefaultRole != "" && !takes(is.DefaultRole):
			return wrong("the default role is none that a person can have")
		case is.DefaultRole == "" && (is.RoleClaim == "" || len(is.Roles) == 0):
			return wrong("roles need a claim and values, or a default")
		case (is.PersonClaim == "") != (is.PersonSystem == ""):
			return wrong("person needs both claim and system")
		case slices.ContainsFunc(f.Purposes, func(p string) bool { return !purpose.MatchString(p) }):
			return wrong("purposes must be codes such as TREAT")
		}
		var err error
		if is.Algorithms, err = algorithms(f.Algorithms); err != nil {
			return wrong(err.Error())
		}
		if is.Keys, err = keysOf(f.Issuer, f.JWKSURI, f.JWKS, fetch, remote, now); err != nil {
			return wrong(err.Error())
		}
		if is.Browser, err = f.Browser.read(f.Issuer, fetch); err != nil {
			return wrong(err.Error())
		}
		out[f.Issuer] = is
	}
	return out, nil
}

func takes(r access.Role) bool { return role.MatchString(string(r)) && r != access.RoleService }

func algorithms(names []string) ([]jwt.Algorithm, error) {
	if len(names) == 0 {
		return []jwt.Algorithm{jwt.RS256, jwt.ES256}, nil
	}
	var out []jwt.Algorithm
	for _, n := range names {
		if !slices.Contains(jwt.Algorithms, jwt.Algorithm(n)) {
			return nil, fmt.Errorf("the algorithm %.20q is none that can be allowed", n)
		}
		out = append(out, jwt.Algorithm(n))
	}
	return out, nil
}

func keysOf(issuer, uri string, inline any, fetch *jwt.Fetcher, remote map[string]*jwt.Remote, now func() time.Time) (jwt.Keys, error) {
	if inline != nil {
		if uri != "" {
			return nil, errors.New("jwks and jwks_uri are given, one is enough")
		}
		raw, err := json.Marshal(inline)
		if err != nil {
			return nil, errors.New("jwks cannot be read")
		}
		return jwt.ParseSet(raw)
	}
	at := uri
	if at == "" {
		at = issuer
	}
	if fetch.Allowed(at) != nil {
		return nil, errors.New("its keys are not at a host on the allow list")
	}
	name := "issuer " + issuer + " " + uri
	if remote[name] == nil {
		if uri != "" {
			remote[name] = jwt.NewRemote(fetch, uri, now)
		} else {
			remote[name] = jwt.NewIssuer(fetch, issuer, now)
		}
	}
	return remote[name], nil
}
