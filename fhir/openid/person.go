package openid

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/jwt"
)

// Person finds the one patient who has an identifier; ok is false if none has, or several have.
type Person func(ctx context.Context, system, value string) (id fhir.ID, ok bool, err error)

// maxText bounds what is taken from a claim.
const maxText = 255

// maxFacilities bounds what a token can say: each is a condition of the caller's fence.
const maxFacilities = 100

// Verify checks a token and gives the caller that it makes, without a purpose, and when the token ends.
func (is *Issuer) Verify(ctx context.Context, compact string, now time.Time, find Person) (c access.Caller, expires time.Time, err error) {
	t, err := jwt.Verify(ctx, compact, is.Algorithms, is.Keys)
	if err != nil {
		return c, expires, err
	}
	// A logout token, or whatever else an issuer may sign one day, is no proof of who calls.
	if typ := strings.ToLower(strings.TrimPrefix(t.Type, "application/")); typ != "" && typ != "jwt" && typ != "at+jwt" && typ != "id_token" {
		return c, expires, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	if err := t.Check(jwt.Expect{Issuer: is.URL, Audiences: is.Audiences, Now: now, Skew: is.Skew}); err != nil {
		return c, expires, err
	}
	c, err = is.Caller(ctx, t.Claims, find)
	return c, t.Expires.Add(is.Skew), err
}

// Caller gives the caller that proven claims make.
func (is *Issuer) Caller(ctx context.Context, claims jwt.Claims, find Person) (access.Caller, error) {
	if claims.Subject == "" || len(claims.Subject) > maxText {
		return access.Caller{}, fhir.Errorf(fhir.Unknown, "token-claim-missing", "", "sub")
	}
	c := access.Caller{Subject: claims.Subject, Issuer: is.URL, Role: is.role(claims), Scopes: strings.Fields(claims.Scope)}
	if c.Role == "" {
		return c, fhir.Errorf(fhir.Denied, "role-missing", "")
	}
	return c, is.fill(ctx, &c, claims, find)
}

// role is the first of the token's that means something here.
func (is *Issuer) role(c jwt.Claims) access.Role {
	for _, name := range list(claim(c.All, is.RoleClaim)) {
		if r, ok := is.Roles[name]; ok {
			return r
		}
	}
	return is.DefaultRole
}

func (is *Issuer) fill(ctx context.Context, c *access.Caller, claims jwt.Claims, find Person) error {
	id := func(name string, values map[string]string) (fhir.ID, error) {
		text, _ := claim(claims.All, name).(string)
		if values != nil {
			text = values[text]
		}
		if text == "" {
			return "", nil
		}
		parsed, err := fhir.ParseID(text)
		if err != nil {
			return "", fhir.Errorf(fhir.Denied, "role-missing", "")
		}
		return parsed, nil
	}
	var err error
	if c.Organization, err = id(is.Organization, is.Organizations); err != nil {
		return err
	}
	if c.Practitioner, err = id(is.Practitioner, nil); err != nil {
		return err
	}
	c.Facilities = is.facilities(claims)
	switch c.Role {
	case access.RoleHospital, access.RoleClinic:
		if c.Organization == "" {
			return fhir.Errorf(fhir.Denied, "role-missing", "")
		}
	case access.RoleCitizen:
		c.Organization, c.Facilities, c.Practitioner = "", nil, ""
		return is.citizen(ctx, c, claims, id, find)
	}
	return nil
}

// facilities are those that a token says; nil where it says nothing of them. A value that is no code means nothing.
func (is *Issuer) facilities(claims jwt.Claims) []string {
	said := claim(claims.All, is.Facility)
	if said == nil {
		return nil
	}
	codes := []string{}
	for _, code := range list(said) {
		if is.Facilities != nil {
			code = is.Facilities[code]
		}
		if access.IsFacility(code) && len(codes) < maxFacilities {
			codes = append(codes, code)
		}
	}
	return codes
}

// citizen finds out which patient a citizen is.
func (is *Issuer) citizen(ctx context.Context, c *access.Caller, claims jwt.Claims, id func(string, map[string]string) (fhir.ID, error), find Person) (err error) {
	if c.Patient, err = id(is.Patient, nil); err != nil || c.Patient != "" {
		return err
	}
	value, _ := claim(claims.All, is.PersonClaim).(string)
	if value == "" || len(value) > maxText || find == nil {
		return fhir.Errorf(fhir.Denied, "person-unknown", "")
	}
	found, ok, err := find(ctx, is.PersonSystem, value)
	if err == nil && !ok {
		err = fhir.Errorf(fhir.Denied, "person-unknown", "")
	}
	c.Patient = found
	return err
}

// PurposeOf gives the purpose of use of a person who asks for one: "" = they did not say. ok is false for one that people
// from here may not state. Where nothing says it, the policy does.
func (is *Issuer) PurposeOf(asked string) (code string, ok bool) {
	return asked, asked == "" || slices.Contains(is.Purposes, asked)
}

// claim finds a claim by its name, dots leading inwards; a name that is there as it stands goes first.
func claim(all map[string]any, name string) any {
	if name == "" {
		return nil
	}
	if v, ok := all[name]; ok {
		return v
	}
	head, rest, inner := strings.Cut(name, ".")
	if !inner {
		return nil
	}
	within, _ := all[head].(map[string]any)
	return claim(within, rest)
}

// list takes a text or a list of texts.
func list(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
