package signin

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// maxLogout bounds the body: a token and its name.
const maxLogout = jwt.MaxToken + 1024

// backchannel ends the sessions here of somebody who signed out at the issuer, which tells so itself: no browser is involved,
// and cookies count for nothing. It answers 200 also where there was no session, and 400 to what proves nothing.
// Source: https://openid.net/specs/openid-connect-backchannel-1_0.html, 2.5 to 2.8.
func (s *Service) backchannel(w http.ResponseWriter, r *http.Request) error {
	if err := s.loggedOut(w, r); err != nil {
		o := outcome.Of(err, outcome.English)
		body := map[string]string{"error": "invalid_request", "error_description": o.Issues[0].Text}
		status := http.StatusBadRequest
		if o.Status >= 500 {
			s.Log.ErrorContext(r.Context(), "sessions of somebody who signed out at the issuer may not have ended", "err", err)
			status, body["error"] = o.Status, "temporarily_unavailable"
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		return json.NewEncoder(w).Encode(body)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) loggedOut(w http.ResponseWriter, r *http.Request) error {
	malformed := fhir.Errorf(fhir.Unknown, "token-malformed", "")
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return malformed
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	if err := r.ParseForm(); err != nil || len(r.PostForm["logout_token"]) != 1 {
		return malformed
	}
	compact := r.PostForm.Get("logout_token")
	claimed, ok := jwt.Peek(compact)
	if !ok {
		return malformed
	}
	is := s.offers(claimed.Issuer)
	if is == nil {
		return fhir.Errorf(fhir.Unknown, "token-issuer", "")
	}
	out, err := is.LoggedOut(r.Context(), compact, s.Now())
	if err != nil {
		return err
	}
	return s.endAll(r.Context(), is, out)
}

// outKey is the row that says since when somebody, or a session at the issuer, is signed out there.
func outKey(issuer, kind, name string) string {
	return "out/" + hashed(issuer+"\x00"+kind+"\x00"+name)
}

// signedOut gives the conditions under which a session may begin: neither its session at the issuer nor, since the proof of
// it was made, its person has signed out there. ok is false if one has.
func (s *Service) signedOut(ctx context.Context, issuer, sid, subject string, proven time.Time) (require []store.Precondition, ok bool, err error) {
	for kind, name := range map[string]string{"sid": sid, "sub": subject} {
		if name == "" {
			continue
		}
		key := outKey(issuer, kind, name)
		raw, there, err := s.Store.Record(ctx, Space, key)
		if err != nil {
			return nil, false, err
		}
		if there && (kind == "sid" || proven.IsZero() || instant(proven.Unix()) <= string(raw)) {
			return nil, false, nil
		}
		require = append(require, store.RecordIs{Space: Space, Key: key, Value: raw})
	}
	return require, true, nil
}

// endAll takes note of a logout, once, and ends the sessions that it is about: by the session at the issuer where that is
// said and known, else by the person.
func (s *Service) endAll(ctx context.Context, is *openid.Issuer, out openid.Logout) error {
	ctx = store.Ourselves(ctx)
	now := s.Now()
	used, mark := "used/"+hashed(is.URL+"\x00"+out.ID), outKey(is.URL, "sub", out.Subject)
	if out.SID != "" {
		mark = outKey(is.URL, "sid", out.SID)
	}
	until := now.Add(s.Life).Unix()
	records, err := s.over(ctx, now)
	if err != nil {
		return err
	}
	_, err = s.Store.Commit(ctx, store.Changes{
		Require: []store.Precondition{store.RecordIs{Space: Space, Key: used}},
		Records: append(records,
			store.Record{Space: Space, Key: used, Value: []byte(instant(out.Expires.Unix()))}, ends(out.Expires.Unix(), used),
			store.Record{Space: Space, Key: mark, Value: []byte(instant(out.Issued.Unix()))}, ends(until, mark)),
	})
	if changed(err) {
		return fhir.Errorf(fhir.Unknown, "token-replayed", "")
	}
	if err != nil {
		return err
	}
	// What begins from here on sees the mark.
	var gone []store.Record
	told := false
	for r, err := range s.Store.Records(ctx, Space, "session/", "session0") {
		if err != nil {
			return err
		}
		var kept row
		if json.Unmarshal(r.Value, &kept) != nil || kept.Issuer != is.URL || !kept.isOf(out) {
			continue
		}
		gone = append(gone, store.Record{Space: Space, Key: r.Key})
		if caller, err := is.Caller(ctx, openid.Kept(kept.Claims), s.Person); err == nil && !told && s.Known != nil {
			s.Known(ctx, caller)
			told = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	_, err = s.Store.Commit(ctx, store.Changes{Records: gone})
	return err
}

func (r row) isOf(out openid.Logout) bool {
	subject, _ := r.Claims["sub"].(string)
	if out.Subject != "" && out.Subject != subject {
		return false
	}
	if out.SID == "" || out.Subject != "" && r.SID == "" {
		return out.Subject != ""
	}
	return r.SID == out.SID
}
