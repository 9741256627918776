package openid

import (
	"context"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/jwt"
)

// Logout is what a logout token proves: that whoever is Subject, or the session SID at the issuer, has ended there. One of both
// may be "".
type Logout struct {
	Subject, SID string
	ID           string // of the token, which counts once
	Issued       time.Time
	Expires      time.Time // when it counts no more, clocks that are apart included
}

// logoutEvent is what a logout token must say, and no other token does.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutLife is how far ahead a logout token may end: its id is remembered as long. The specification advises two minutes.
const logoutLife = time.Hour

// LoggedOut checks a logout token.
// Source: https://openid.net/specs/openid-connect-backchannel-1_0.html, 2.4 and 2.6.
func (is *Issuer) LoggedOut(ctx context.Context, compact string, now time.Time) (out Logout, err error) {
	t, err := jwt.Verify(ctx, compact, is.Algorithms, is.Keys)
	if err != nil {
		return out, err
	}
	if typ := strings.ToLower(strings.TrimPrefix(t.Type, "application/")); typ != "" && typ != "jwt" && typ != "logout+jwt" {
		return out, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	if err := t.Check(jwt.Expect{Issuer: is.URL, Audiences: []string{is.Browser.ClientID}, Now: now, Skew: is.Skew, MaxLife: logoutLife}); err != nil {
		return out, err
	}
	missing := func(claim string) error { return fhir.Errorf(fhir.Unknown, "token-claim-missing", "", claim) }
	sid, _ := t.All["sid"].(string)
	events, _ := t.All["events"].(map[string]any)
	_, ends := events[logoutEvent].(map[string]any)
	_, nonce := t.All["nonce"]
	switch {
	case t.Issued.IsZero():
		return out, missing("iat")
	case t.ID == "" || len(t.ID) > maxText:
		return out, missing("jti")
	case t.Subject == "" && sid == "" || len(t.Subject) > maxText || len(sid) > maxText:
		return out, missing("sub")
	case !ends:
		return out, missing("events")
	case nonce: // an ID token in its place
		return out, fhir.Errorf(fhir.Unknown, "token-malformed", "")
	}
	return Logout{Subject: t.Subject, SID: sid, ID: t.ID, Issued: t.Issued, Expires: t.Expires.Add(is.Skew)}, nil
}
