package bhxhmock

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// maxForm bounds the body of a call that carries no file.
const maxForm = 1 << 20

// tokens are the sessions; they live in memory, so a restart ends them all. mu guards byAccess.
type tokens struct {
	mu       sync.Mutex
	byAccess map[string]session
}

type session struct {
	id, username, address string
	until                 time.Time
}

// take logs in.
func (m *Mock) take(w http.ResponseWriter, r *http.Request) {
	form, err := values(w, r, maxForm)
	x := m.faults.pick(CallToken, m.accounts[form.Get("username")].Facilities...)
	x.wait(r, false)
	if x.name != "" && x.name != "tokenExpired" && !x.accept {
		x.answer(w, r, refuse(wire.ServerError, ""))
		return
	}
	if err != nil {
		write(w, refuse(wire.BadParameter, ""))
		return
	}
	username := form.Get("username")
	a, known := m.accounts[username]
	good := subtle.ConstantTimeCompare([]byte(form.Get("password")), []byte(wire.PasswordHash(a.Password))) == 1
	if !known || !good || x.name == "tokenExpired" {
		write(w, refuse(wire.NotLoggedIn, ""))
		return
	}
	now := m.o.Now()
	s := session{id: rand.Text(), username: username, address: address(r), until: now.Add(m.o.TokenLife)}
	access := rand.Text()
	m.tokens.put(access, s, now)
	x.wait(r, true)
	x.answer(w, r, wire.TakeReply{MaKetQua: wire.Accepted, APIKey: &wire.APIKey{
		AccessToken: access, IDToken: s.id, TokenType: "Bearer", Username: username, ExpiresIn: s.until.UTC().Format(time.RFC3339),
	}})
}

// put keeps a session and drops those that have ended.
func (t *tokens) put(access string, s session, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byAccess == nil {
		t.byAccess = make(map[string]session)
	}
	for k, old := range t.byAccess {
		if now.After(old.until) {
			delete(t.byAccess, k)
		}
	}
	t.byAccess[access] = s
}

// who gives the account of a session; "" if the tokens are not good for this caller now.
func (t *tokens) who(access, id, address string, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byAccess[access]
	if !ok || s.id != id || s.address != address || !now.Before(s.until) {
		return ""
	}
	return s.username
}

func (t *tokens) end(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byAccess, access)
}

// caller gives the account that makes a call, by the session in its headers.
func (m *Mock) caller(r *http.Request) string {
	who := m.tokens.who(r.Header.Get(wire.HeaderAccessToken), r.Header.Get(wire.HeaderTokenID), address(r), m.o.Now())
	if who == "" || r.Header.Get(wire.HeaderPasswordHash) != wire.PasswordHash(m.accounts[who].Password) {
		return ""
	}
	return who
}

// may says whether an account may act for a facility.
func (m *Mock) may(username, facility string) bool {
	a := m.accounts[username]
	if len(a.Facilities) == 0 {
		return true
	}
	for _, f := range a.Facilities {
		if f == facility {
			return true
		}
	}
	return false
}

// values reads the parameters of a call: a form, or a flat JSON object of strings and numbers.
func values(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != wire.JSONType {
		if t != wire.FormType {
			return url.Values{}, nil
		}
		return wire.ReadForm(r.Body, r.ContentLength)
	}
	var m map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	v := url.Values{}
	for k, raw := range m {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		v.Set(k, s)
	}
	return v, nil
}
