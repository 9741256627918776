package smart

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/setting"
)

// Client is a registered system.
type Client struct {
	ID           string
	Name         string
	Role         access.Role
	Organization fhir.ID
	Facilities   []string // MA_CSKCB of those it sends claims for; nil = that of its Organization
	Scopes       []Scope
	Purposes     []string // codes of v3-ActReason that it may work for; the first one where it does not say
	Keys         jwt.Keys
}

// Clients are the registrations of one file, by id. They are immutable.
type Clients map[string]*Client

// clientsFile is the file:
//
//	clients:
//	  - id: his-51901
//	    name: Bệnh viện đa khoa (synthetic)
//	    role: hospital
//	    organization: bv-51901            # id of the Organization in the store
//	    facilities: ["51901", "51902"]    # MA_CSKCB; left out: the one that its Organization carries
//	    scopes: system/*.cruds
//	    purposes: [TREAT, HPAYMT]
//	    jwks_uri: https://keys.example/his.json     # or jwks: {keys: [...]}
type clientsFile struct {
	Clients []struct {
		ID           string   `yaml:"id"`
		Name         string   `yaml:"name"`
		Role         string   `yaml:"role"`
		Organization string   `yaml:"organization"`
		Facilities   []string `yaml:"facilities"`
		Scopes       string   `yaml:"scopes"`
		Purposes     []string `yaml:"purposes"`
		JWKS         any      `yaml:"jwks"`
		JWKSURI      string   `yaml:"jwks_uri"`
		Disabled     bool     `yaml:"disabled"`
	} `yaml:"clients"`
}

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$`)
	purpose  = regexp.MustCompile(`^[A-Z]{2,16}$`)
	role     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

// ParseClients reads the file. fetch says which URLs of keys are allowed; the keys of a URL are kept in remote from one
// reading of the file to the next.
func ParseClients(raw []byte, fetch *jwt.Fetcher, remote map[string]*jwt.Remote, now func() time.Time) (Clients, error) {
	var file clientsFile
	if err := setting.ParseYAML(raw, &file); err != nil {
		return nil, fmt.Errorf("the clients file cannot be read: %w", err)
	}
	out := Clients{}
	for i, c := range file.Clients {
		wrong := func(text string) (Clients, error) { return nil, fmt.Errorf("client %d (%.64q): %s", i+1, c.ID, text) }
		if !clientID.MatchString(c.ID) {
			return wrong("id must be 1 to 64 letters, digits, dots, dashes")
		}
		if out[c.ID] != nil {
			return wrong("the id is there twice")
		}
		if !role.MatchString(c.Role) || access.Role(c.Role) == access.RoleService || access.Role(c.Role) == access.RoleCitizen {
			return wrong("role must be hospital, clinic, auditor, operator, or one that the policies name; service and citizen are no roles of a client")
		}
		client := &Client{ID: c.ID, Name: c.Name, Role: access.Role(c.Role), Purposes: c.Purposes}
		if c.Organization != "" {
			id, err := fhir.ParseID(c.Organization)
			if err != nil {
				return wrong("organization must be the id of an Organization")
			}
			client.Organization = id
		} else if client.Role == access.RoleHospital || client.Role == access.RoleClinic {
			return wrong("a hospital or clinic needs its organization")
		}
		if slices.ContainsFunc(c.Facilities, func(code string) bool { return !access.IsFacility(code) }) {
			return wrong(`facilities must be codes (MA_CSKCB) such as ["51901"]`)
		}
		client.Facilities = c.Facilities
		if slices.ContainsFunc(c.Purposes, func(p string) bool { return !purpose.MatchString(p) }) {
			return wrong("purposes must be codes such as TREAT")
		}
		var err error
		if client.Scopes, err = ParseScopes(strings.Join(strings.Fields(c.Scopes), " ")); err != nil || len(client.Scopes) == 0 {
			return wrong("scopes must be SMART scopes such as system/*.cruds")
		}
		if slices.ContainsFunc(client.Scopes, func(s Scope) bool { return s.Context != "system" }) {
			return wrong("scopes of a client begin with system/")
		}
		switch {
		case (c.JWKS == nil) == (c.JWKSURI == ""):
			return wrong("either jwks or jwks_uri is needed")
		case c.JWKS != nil:
			raw, err := json.Marshal(c.JWKS)
			if err != nil {
				return wrong("jwks cannot be read")
			}
			if client.Keys, err = jwt.ParseSet(raw); err != nil {
				return wrong(err.Error())
			}
		default:
			if err := fetch.Allowed(c.JWKSURI); err != nil {
				return wrong("jwks_uri is not at a host on the allow list")
			}
			if remote[c.JWKSURI] == nil {
				remote[c.JWKSURI] = jwt.NewRemote(fetch, c.JWKSURI, now)
			}
			client.Keys = remote[c.JWKSURI]
		}
		if !c.Disabled {
			out[c.ID] = client
		}
	}
	return out, nil
}

// PurposeOf gives the purpose of use that a client works for when it asks for one: "" = it did not say. ok is false for one
// that it is not registered for. Where neither says it, the policy does.
func (c *Client) PurposeOf(asked string) (code string, ok bool) {
	if asked == "" && len(c.Purposes) > 0 {
		return c.Purposes[0], true
	}
	return asked, asked == "" || slices.Contains(c.Purposes, asked)
}
