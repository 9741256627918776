package wire

import (
	"crypto/md5" //nolint:gosec // asked for by the contract, see PasswordHash
	"encoding/hex"
	"net/url"
	"strings"
)

// PasswordHash is the form in which the contract wants a password: MD5 as upper-case hex.
// MD5 keeps nothing secret and whoever sees the hash can log in with it; it is used because the portal knows no other.
func PasswordHash(password string) string {
	sum := md5.Sum([]byte(password)) //nolint:gosec // see above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// TakeRequest logs in. Password is PasswordHash of the password.
type TakeRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Form is the request as the portal wants it.
func (r TakeRequest) Form() url.Values {
	return url.Values{"username": {r.Username}, "password": {r.Password}}
}

// TakeReply is the answer to a log-in.
type TakeReply struct {
	MaKetQua  MaKetQua `json:"maKetQua"`
	ThongDiep string   `json:"thongDiep,omitempty"`
	APIKey    *APIKey  `json:"APIKey,omitempty"`
}

// APIKey is a session: it lives about ten minutes and is bound to the address it was given to.
type APIKey struct {
	AccessToken string `json:"access_token"`
	IDToken     string `json:"id_token"`
	TokenType   string `json:"token_type"`
	Username    string `json:"username"`
	ExpiresIn   string `json:"expires_in"` // a point in time, RFC 3339, in spite of its name
}
