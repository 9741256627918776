package rest

import (
	"context"
	"net/url"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// visitor is what a page shows of who is before it: who signed in and how to end that, or where to.
type visitor struct{ Who, SignOut, SignIn string }

func (s *Server) visitor(c *call) *visitor {
	who, known := access.CallerOf(c.context)
	switch {
	case known && who.Session:
		name := string(who.Role)
		if who.Organization != "" {
			name += " · Organization/" + string(who.Organization)
		}
		if who.Patient != "" {
			name += " · Patient/" + string(who.Patient)
		}
		return &visitor{Who: name, SignOut: s.SignOut}
	case !known:
		if at := s.signIn(c); at != "" {
			return &visitor{SignIn: at}
		}
	}
	return nil
}

// signIn is where to sign in and come back here from; "" = nowhere.
func (s *Server) signIn(c *call) string {
	if s.SignIn == nil || !c.html || !c.reads() {
		return ""
	}
	at := s.SignIn()
	if at == "" {
		return ""
	}
	return at + "?to=" + url.QueryEscape(c.http.URL.RequestURI())
}

// signInFor gives where a refused browser is sent; "" where signing in would not help, or it is none.
func (s *Server) signInFor(c *call, o outcome.Outcome) string {
	if code := o.Issues[0].Code; code != "token-missing" && code != "session-ended" {
		return ""
	}
	return s.signIn(c)
}

// signedIn says whether it is a person at a browser who asks.
func signedIn(ctx context.Context) bool {
	who, ok := access.CallerOf(ctx)
	return ok && who.Session
}
