package registry

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// mark is the place where a page of a list ends. It can hold the id of somebody whom the caller may not see, so it is sealed
// with a key of the store.
type mark struct {
	Of    string `json:"o"` // what was asked for: a mark of another list is refused
	AsOf  fhir.T `json:"t,omitempty"`
	Key   string `json:"k,omitempty"`
	Place []byte `json:"p,omitempty"`
}

func (r *Registry) seal(ctx context.Context) (cipher.AEAD, error) {
	secret, err := store.Secret(store.Ourselves(ctx), r.Store, Space, "secret")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// write gives the mark as text for an address.
func (r *Registry) write(ctx context.Context, m mark) (string, error) {
	c, err := r.seal(ctx)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(c.Seal(nil, nil, raw, []byte(m.Of))), nil
}

// read takes a mark of the list of; "" is its beginning. Errors: Kind Invalid, code "registry-mark".
func (r *Registry) read(ctx context.Context, of, text string) (m mark, err error) {
	if text == "" {
		return mark{Of: of}, nil
	}
	c, err := r.seal(ctx)
	if err != nil {
		return m, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		raw, err = c.Open(nil, nil, raw, []byte(of))
	}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return m, fhir.Errorf(fhir.Invalid, "registry-mark", "http.after")
	}
	return m, nil
}
