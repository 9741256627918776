package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the ES256 keys of one issuer. They do not change; a new set is read instead.
type Keys struct{ all []key }

type key struct {
	id      string // RFC 7638 thumbprint: the kid that SHC demands
	from    time.Time
	public  *ecdsa.PublicKey
	private *ecdsa.PrivateKey // nil: it only verifies any more
}

// maxKeys bounds a key file; a rotation each month for 20 years stays below it.
const maxKeys = 256

// entry is a key in the file beside what a JWK says: from when on it signs, in seconds (NumericDate).
type entry struct {
	From int64 `json:"nbf"`
}

// ParseKeys reads a JWKS. Keys without "d" only verify. Others than ES256 are refused, and so is a kid that is not the
// key's thumbprint, since verifiers find a key by it.
func ParseKeys(raw []byte) (*Keys, error) {
	var file struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, errors.New("not a JWKS: {\"keys\":[…]}") // the cause could quote the file
	}
	if len(file.Keys) > maxKeys {
		return nil, fmt.Errorf("a JWKS of %d keys; at most %d are read", len(file.Keys), maxKeys)
	}
	k := &Keys{}
	for i, one := range file.Keys {
		parsed, err := parseKey(one)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if _, twice := k.find(parsed.id); twice {
			return nil, fmt.Errorf("key %d stands in the file twice", i+1)
		}
		k.all = append(k.all, parsed)
	}
	return k, nil
}

func parseKey(raw []byte) (key, error) {
	var j jose.JSONWebKey
	var e entry
	if j.UnmarshalJSON(raw) != nil || json.Unmarshal(raw, &e) != nil || !j.Valid() {
		return key{}, errors.New("not a key as JWK") // the cause could quote the key
	}
	out := key{from: time.Unix(e.From, 0)}
	switch k := j.Key.(type) {
	case *ecdsa.PrivateKey:
		out.private, out.public = k, &k.PublicKey
	case *ecdsa.PublicKey:
		out.public = k
	}
	if out.public == nil || out.public.Curve != elliptic.P256() || j.Algorithm != "" && j.Algorithm != string(jose.ES256) {
		return key{}, errors.New("not a key for ES256 (EC, P-256)")
	}
	id, err := thumbprint(out.public)
	if err != nil {
		return key{}, err
	}
	if j.KeyID != "" && j.KeyID != id {
		return key{}, errors.New("its kid is not its thumbprint (RFC 7638, SHA-256)")
	}
	out.id = id
	return out, nil
}

func thumbprint(public *ecdsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// ReadKeys reads a JWKS file.
func ReadKeys(path string) (*Keys, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificate keys: %w", err)
	}
	k, err := ParseKeys(raw)
	if err != nil {
		return nil, fmt.Errorf("certificate keys in %s: %w", path, err)
	}
	return k, nil
}

// AddKey adds a new key to a JWKS, which may be empty, and gives the JWKS with it and the key's id. The key signs from
// then on; verifiers that keep copies of the public keys should have the new one before that.
func AddKey(raw []byte, from time.Time) (out []byte, id string, err error) {
	var file struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(raw) > 0 {
		if _, err := ParseKeys(raw); err != nil {
			return nil, "", err
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			return nil, "", err
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	if id, err = thumbprint(&private.PublicKey); err != nil {
		return nil, "", err
	}
	one, err := jwk(private, id)
	if err != nil {
		return nil, "", err
	}
	one = fmt.Appendf(one[:len(one)-1], `,"nbf":%d}`, from.Unix())
	file.Keys = append(file.Keys, one)
	out, err = json.MarshalIndent(file, "", "  ")
	return append(out, '\n'), id, err
}

func jwk(k any, id string) ([]byte, error) {
	return jose.JSONWebKey{Key: k, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}.MarshalJSON()
}

// Public is the JWKS that verifiers get.
func (k *Keys) Public() ([]byte, error) {
	out := []byte(`{"keys":[`)
	for i, one := range k.all {
		raw, err := jwk(one.public, one.id)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		// crlVersion announces the revocation list of the key at .well-known/crl/{kid}.json.
		out = append(append(out, raw[:len(raw)-1]...), `,"crlVersion":1}`...)
	}
	return append(out, `]}`...), nil
}

// Has says whether there is a key of this id.
func (k *Keys) Has(id string) bool {
	_, ok := k.find(id)
	return ok
}

// Signs says whether one of the keys can sign now.
func (k *Keys) Signs(now time.Time) bool {
	_, ok := k.signer(now)
	return ok
}

// signer is the newest key whose time has come; of two as new, the later one in the file.
func (k *Keys) signer(now time.Time) (key, bool) {
	best, found := key{}, false
	for _, one := range k.all {
		if one.private != nil && !one.from.After(now) && (!found || !one.from.Before(best.from)) {
			best, found = one, true
		}
	}
	return best, found
}

func (k *Keys) find(id string) (key, bool) {
	for _, one := range k.all {
		if one.id == id {
			return one, true
		}
	}
	return key{}, false
}

// short is the kid of HC1: the first 8 bytes of the thumbprint, as the EU form has those of a certificate's hash.
func (k key) short() []byte {
	sum, _ := base64.RawURLEncoding.DecodeString(k.id) // made by thumbprint
	return sum[:8]
}

// findShort gives the keys of a kid of HC1: more than one is possible, if hardly likely.
func (k *Keys) findShort(kid []byte) (found []key) {
	for _, one := range k.all {
		if string(one.short()) == string(kid) {
			found = append(found, one)
		}
	}
	return found
}
