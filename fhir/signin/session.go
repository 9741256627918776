package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/store"
)

// Session is what a cookie stands for.
type Session struct {
	Issuer *openid.Issuer
	Claims map[string]any // for openid.Kept
	Ends   time.Time      // at the latest
	// Name tells sessions apart; nobody can make the cookie of it.
	Name string
}

// row is the session in the store. Times are seconds since 1970.
type row struct {
	Issuer string         `json:"issuer"`
	Claims map[string]any `json:"claims"`
	Began  int64          `json:"began"`
	Used   int64          `json:"used"` // within a tenth of the time that it may rest
	Until  int64          `json:"until"`
	SID    string         `json:"sid,omitempty"` // what the issuer calls its session
}

func hashed(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

func sessionKey(cookie string) string { return "session/" + hashed(cookie) }

// Session gives the session of a request; found is false where the request has no cookie of one. A session that has ended is
// Unknown "session-ended", a request that no page of ours made Denied "session-cross-site".
func (s *Service) Session(r *http.Request) (out Session, found bool, err error) {
	if s == nil || !s.Has(r) {
		return out, false, nil
	}
	if !s.ours(r) {
		return out, true, fhir.Errorf(fhir.Denied, "session-cross-site", "")
	}
	ended := fhir.Errorf(fhir.Unknown, "session-ended", "")
	cookie, ok := s.cookie(r, sessionCookie)
	if !ok {
		return out, true, ended
	}
	ctx := store.Ourselves(r.Context())
	key := sessionKey(cookie)
	raw, there, err := s.Store.Record(ctx, Space, key)
	if err != nil {
		return out, true, err
	}
	var kept row
	now := s.Now().Unix()
	if !there || json.Unmarshal(raw, &kept) != nil || now >= kept.Until || now >= kept.Used+int64(s.Idle/time.Second) {
		return out, true, ended
	}
	is := s.offers(kept.Issuer)
	if is == nil {
		return out, true, ended
	}
	if now >= kept.Used+int64(s.Idle/time.Second)/10 {
		s.touch(ctx, key, raw, kept, now)
	}
	return Session{Issuer: is, Claims: kept.Claims, Ends: time.Unix(kept.Until, 0), Name: key}, true, nil
}

// touch says that a session is in use. Where another request did so, or ended it, that stays.
func (s *Service) touch(ctx context.Context, key string, was []byte, kept row, now int64) {
	kept.Used = now
	value, err := json.Marshal(kept)
	if err != nil {
		return
	}
	_, err = s.Store.Commit(ctx, store.Changes{
		Require: []store.Precondition{store.RecordIs{Space: Space, Key: key, Value: was}},
		Records: []store.Record{{Space: Space, Key: key, Value: value}},
	})
	if err != nil && !changed(err) {
		s.Log.WarnContext(ctx, "a session in use could not be marked so", "err", err)
	}
}

func changed(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == "record-changed"
}

// start makes the session of an attempt, once, and gives its cookie.
func (s *Service) start(ctx context.Context, a attempt, proven jwt.Claims, claims map[string]any) (cookie string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(store.Ourselves(ctx)), 30*time.Second)
	defer cancel()
	now := s.Now()
	cookie = rand.Text()
	kept := row{Issuer: a.Issuer, Claims: claims, Began: now.Unix(), Used: now.Unix(), Until: now.Add(s.Life).Unix()}
	kept.SID, _ = proven.All["sid"].(string)
	value, err := json.Marshal(kept)
	if err != nil {
		return "", err
	}
	used, key := "used/"+hashed(a.State), sessionKey(cookie)
	require, ok, err := s.signedOut(ctx, a.Issuer, kept.SID, proven.Subject, proven.Issued)
	if err == nil && !ok {
		err = fhir.Errorf(fhir.Invalid, "sign-in-state", "")
	}
	if err != nil {
		return "", err
	}
	records, err := s.over(ctx, now)
	if err != nil {
		return "", err
	}
	_, err = s.Store.Commit(ctx, store.Changes{
		Require: append(require, store.RecordIs{Space: Space, Key: used}),
		Records: append(records,
			store.Record{Space: Space, Key: used, Value: []byte(instant(a.Until))}, ends(a.Until, used),
			store.Record{Space: Space, Key: key, Value: value}, ends(kept.Until, key)),
	})
	if changed(err) {
		return "", fhir.Errorf(fhir.Invalid, "sign-in-state", "")
	}
	return cookie, err
}

// end takes a session away.
func (s *Service) end(ctx context.Context, cookie string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(store.Ourselves(ctx)), 30*time.Second)
	defer cancel()
	_, err := s.Store.Commit(ctx, store.Changes{Records: []store.Record{{Space: Space, Key: sessionKey(cookie)}}})
	return err
}

func instant(seconds int64) string { return fmt.Sprintf("%010d", seconds) }

func ends(seconds int64, key string) store.Record {
	return store.Record{Space: Space, Key: "exp/" + instant(seconds) + "/" + key, Value: []byte("1")}
}

// overMost bounds what one sign-in removes.
const overMost = 500

// over gives the removal of what has ended.
func (s *Service) over(ctx context.Context, now time.Time) (out []store.Record, err error) {
	for r, err := range s.Store.Records(ctx, Space, "exp/", "exp/"+instant(now.Add(-time.Minute).Unix())) {
		if err != nil {
			return nil, err
		}
		_, key, _ := strings.Cut(strings.TrimPrefix(r.Key, "exp/"), "/")
		out = append(out, store.Record{Space: Space, Key: r.Key}, store.Record{Space: Space, Key: key})
		if len(out) >= 2*overMost {
			break
		}
	}
	return out, nil
}

// signOut ends the session, whether it was good or not.
func (s *Service) signOut(w http.ResponseWriter, r *http.Request) error {
	session, found, err := s.Session(r)
	if e, ok := errors.AsType[*fhir.Error](err); err != nil && !(ok && e.Code == "session-ended") {
		return err
	}
	leave := ""
	if found && err == nil {
		leave = session.Issuer.Leave(r.Context())
		if caller, err := session.Issuer.Caller(r.Context(), openid.Kept(session.Claims), s.Person); err == nil && s.Known != nil {
			s.Known(r.Context(), caller)
		}
	}
	if cookie, ok := s.cookie(r, sessionCookie); ok {
		if err := s.end(r.Context(), cookie); err != nil {
			return err
		}
	}
	s.setCookie(w, sessionCookie, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	s.left(w, r, leave)
	return nil
}
