package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Names of cookies. With the prefix a browser takes them only from this host, over https and for all its paths, so that
// neither a neighbour's host nor a page in clear can put one of its own in their place. Over http, which is served on the
// loopback alone, a browser would not take the prefix.
const (
	sessionCookie = "lienthong"
	attemptCookie = "lienthong-sign-in"
)

func (s *Service) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie that scripts do not see and other sites' forms and frames do not send; life < 0 takes it away. Lax
// and not Strict: the way back from the issuer's site is a navigation that has to bring it along.
func (s *Service) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: s.secure,
		SameSite: http.SameSiteLaxMode,
	}
	if life < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookie gives the value of a cookie that is there once. Of two with the name, one was put there by somebody else.
func (s *Service) cookie(r *http.Request, name string) (string, bool) {
	all := r.CookiesNamed(s.cookieName(name))
	if len(all) != 1 || all[0].Value == "" {
		return "", false
	}
	return all[0].Value, true
}

// Has says whether a request has a cookie of a session, good or not.
func (s *Service) Has(r *http.Request) bool {
	return s != nil && len(r.Header["Cookie"]) > 0 && len(r.CookiesNamed(s.cookieName(sessionCookie))) > 0
}

// sealer encrypts what a browser keeps for us (AES-256-GCM): it can neither read nor change it.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, attemptCookie, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

func (s *sealer) seal(a attempt) (string, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, raw, nil)), nil
}

func (s *sealer) open(text string, a *attempt) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	raw, err = s.aead.Open(nil, nil, raw, nil)
	return err == nil && json.Unmarshal(raw, a) == nil
}
