package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/openid"
)

// attempt is what the sealed cookie holds between the way to the issuer and back.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Issuer   string `json:"i"`
	To       string `json:"t"`
	Until    int64  `json:"u"` // seconds since 1970
}

// movedParam marks that the browser was sent to the name that the server is known by.
const movedParam = "moved"

// attemptLife is how long somebody may take at the issuer's page.
const attemptLife = 10 * time.Minute

func (s *Service) toIssuer(a attempt) openid.Attempt {
	return openid.Attempt{Redirect: s.origin + Callback, State: a.State, Nonce: a.Nonce, Verifier: a.Verifier}
}

// begin sends the browser to the issuer.
func (s *Service) begin(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	// The cookie must be there when the browser comes back, so the attempt begins under the name that it comes back to. A
	// proxy may put a name of its own into Host: then it is still another one the second time.
	if _, host, _ := strings.Cut(s.origin, "://"); !strings.EqualFold(r.Host, host) && !query.Has(movedParam) {
		query.Set(movedParam, "1")
		redirect(w, s.origin+SignIn+"?"+query.Encode())
		return nil
	}
	to, offered := s.local(query.Get("to")), s.Offered()
	if len(offered) == 0 {
		return fhir.Errorf(fhir.NotFound, "sign-in-not-offered", "")
	}
	chosen := offered[0]
	switch asked := query.Get("issuer"); {
	case asked != "":
		if chosen = s.offers(asked); chosen == nil {
			return fhir.Errorf(fhir.Invalid, "sign-in-issuer", "")
		}
	case len(offered) > 1:
		s.choose(w, r, offered, to)
		return nil
	}
	a := attempt{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Issuer: chosen.URL, To: to,
		Until: s.Now().Add(attemptLife).Unix(),
	}
	at, err := chosen.Begin(r.Context(), s.toIssuer(a))
	if err != nil {
		return err
	}
	sealed, err := s.sealer.seal(a)
	if err != nil {
		return err
	}
	s.setCookie(w, attemptCookie, sealed, attemptLife)
	redirect(w, at)
	return nil
}

func (s *Service) offers(issuer string) *openid.Issuer {
	if is := s.Issuers()[issuer]; is != nil && is.Browser != nil {
		return is
	}
	return nil
}

// callback is where the issuer sends the browser back to.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["state"]) != 1 || len(query["code"]) > 1 || len(query["iss"]) > 1 {
		return fhir.Errorf(fhir.Invalid, "sign-in-state", "")
	}
	var a attempt
	value, ok := s.cookie(r, attemptCookie)
	s.setCookie(w, attemptCookie, "", -1)
	if !ok || !s.sealer.open(value, &a) || s.Now().Unix() >= a.Until {
		return fhir.Errorf(fhir.Invalid, "sign-in-state", "")
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {
		return fhir.Errorf(fhir.Invalid, "sign-in-state", "")
	}
	is := s.offers(a.Issuer)
	if is == nil {
		return fhir.Errorf(fhir.Invalid, "sign-in-issuer", "")
	}
	if query.Get("error") != "" || query.Get("code") == "" {
		return fhir.Errorf(fhir.Denied, "sign-in-refused", "")
	}
	claims, err := is.Finish(r.Context(), s.toIssuer(a), query.Get("code"), query.Get("iss"), s.Now())
	if err != nil {
		return err
	}
	caller, err := is.Caller(r.Context(), openid.Kept(is.Keep(claims)), s.Person)
	if err != nil {
		return err
	}
	if s.Known != nil {
		s.Known(r.Context(), caller)
	}
	name, err := s.start(r.Context(), a, claims, is.Keep(claims))
	if err != nil {
		return err
	}
	if old, ok := s.cookie(r, sessionCookie); ok { // whose it was does not matter: it ends
		if err := s.end(r.Context(), old); err != nil {
			return err
		}
	}
	s.setCookie(w, sessionCookie, name, s.Life)
	redirect(w, a.To)
	return nil
}
