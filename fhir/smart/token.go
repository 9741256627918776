package smart

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
)

// MaxForm is how long the form of a token request may be.
const MaxForm = 16 << 10

// tokenError is an error of RFC 6749, 5.2: code is for programs, description for who debugs them.
type tokenError struct {
	status            int
	code, description string
	cause             error // for the log
}

func (e *tokenError) Error() string { return e.code + ": " + e.description }
func (e *tokenError) Unwrap() error { return e.cause }

func refuse(code, description string, cause error) *tokenError {
	return &tokenError{http.StatusBadRequest, code, description, cause}
}

// Token is POST /auth/token. Source: RFC 6749, 4.4; RFC 7523; SMART Backend Services.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request", "error_description": "tokens are asked for by POST"})
		return
	}
	answer, err := s.grant(r)
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	refused, ok := errors.AsType[*tokenError](err)
	if !ok {
		s.Log.ErrorContext(r.Context(), "token endpoint failed", "err", err)
		refused = &tokenError{http.StatusServiceUnavailable, "temporarily_unavailable", "try again", err}
	} else {
		s.Log.InfoContext(r.Context(), "token refused", "error", refused.code, "reason", refused.description, "cause", code(refused.cause))
	}
	if refused.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	writeJSON(w, refused.status, map[string]string{"error": refused.code, "error_description": refused.description})
}

// code is what the log gets of a cause: what came from outside stays out of it.
func code(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return ""
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// tokenAnswer is RFC 6749, 5.1.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

func (s *Server) grant(r *http.Request) (tokenAnswer, error) {
	form, err := readForm(r)
	if err != nil {
		return tokenAnswer{}, err
	}
	switch {
	case form.Get("grant_type") == "":
		return tokenAnswer{}, refuse("invalid_request", "grant_type is missing", nil)
	case form.Get("grant_type") != "client_credentials":
		return tokenAnswer{}, refuse("unsupported_grant_type", "grant_type must be client_credentials", nil)
	case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return tokenAnswer{}, refuse("invalid_request", "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer", nil)
	case form.Get("client_assertion") == "":
		return tokenAnswer{}, refuse("invalid_request", "client_assertion is missing", nil)
	case form.Get("scope") == "":
		return tokenAnswer{}, refuse("invalid_scope", "scope is missing", nil)
	}
	asked, err := ParseScopes(form.Get("scope"))
	if err != nil {
		return tokenAnswer{}, refuse("invalid_scope", "a scope cannot be read: SMART scopes are such as system/Claim.rs", err)
	}
	client, err := s.assertion(r.Context(), form.Get("client_assertion"))
	if err != nil {
		return tokenAnswer{}, err
	}
	if s.Known != nil {
		s.Known(r.Context(), access.Caller{Subject: client.ID, Issuer: s.Issuer, System: true, Role: client.Role, Organization: client.Organization})
	}
	if given := form.Get("client_id"); given != "" && given != client.ID {
		return tokenAnswer{}, refuse("invalid_client", notAccepted, nil)
	}
	granted := Narrow(asked, client.Scopes)
	if len(granted) == 0 {
		return tokenAnswer{}, refuse("invalid_scope", "nothing of what is asked for is registered for this client", nil)
	}
	scope := strings.Join(texts(granted), " ")
	token, err := s.issue(client, scope)
	if err != nil {
		return tokenAnswer{}, err
	}
	return tokenAnswer{token, "bearer", int(s.Life / time.Second), scope}, nil
}

// readForm reads the parameters: from the body alone, each once.
func readForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, refuse("invalid_request", "the body must be application/x-www-form-urlencoded", nil)
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil, refuse("invalid_request", "parameters belong into the body, not into the address", nil)
	}
	if len(r.Header.Values("Authorization")) > 0 {
		return nil, refuse("invalid_request", "a client authenticates by its assertion alone", nil)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, MaxForm+1))
	if err != nil {
		return nil, refuse("invalid_request", "the body cannot be read", nil)
	}
	if len(raw) > MaxForm {
		return nil, &tokenError{http.StatusRequestEntityTooLarge, "invalid_request", "the form is too long", nil}
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, refuse("invalid_request", "the form cannot be read", nil)
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, refuse("invalid_request", "a parameter is there twice", nil)
		}
	}
	return form, nil
}

// issue signs an access token (RFC 9068). It says who and what for; role and organization are looked up at each request.
func (s *Server) issue(c *Client, scope string) (string, error) {
	now := s.Now()
	return s.Signer().Sign(map[string]any{
		"iss": s.Issuer, "aud": s.Base, "sub": c.ID, "client_id": c.ID, "scope": scope,
		"iat": now.Unix(), "exp": now.Add(s.Life).Unix(), "jti": rand.Text(),
	})
}

// background is for work that a caller who goes away must not end half done.
func background(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(own(ctx)), 30*time.Second)
}
