package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/signin"
)

// openSignIn lets people sign in with a browser at those issuers that have a row for it; nil where nobody comes from issuers.
func (n *node) openSignIn(a config.Authentication, issuers func() openid.Issuers, base string, log *slog.Logger) (*signin.Service, error) {
	if issuers == nil {
		return nil, nil
	}
	s, err := signin.New(ours(context.Background()), signin.Config{
		Base: base, Issuers: issuers, Person: n.person, Store: n.store, Idle: a.SessionIdle, Life: a.SessionLife, Log: log,
		Known: inTrail,
	})
	if err != nil {
		return nil, err
	}
	if len(s.Offered()) > 0 && !safeForCookies(base) {
		return nil, fmt.Errorf("people sign in with a browser (browser in --issuers), but %s is in clear: a cookie of a session must not travel there; give --tls-cert, or the https address of a proxy as --base-url", base)
	}
	return s, nil
}

// safeForCookies says whether what a browser sends there stays between the two: by https, or on the machine itself.
func safeForCookies(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// signInPath is where the pages send people who have not signed in; "" = nowhere, they can not.
func (d *door) signInPath() string {
	if len(d.signIn.Offered()) == 0 {
		return ""
	}
	return signin.SignIn
}
