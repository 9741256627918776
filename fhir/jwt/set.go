package jwt

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/lienthong/lienthong/fhir"
)

// Key is one public key with what it may be used for.
type Key struct {
	public     any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey
	algorithms []Algorithm
}

// fits says whether a signature of this algorithm may be checked with the key.
func (k Key) fits(a Algorithm) bool { return slices.Contains(k.algorithms, a) }

// Set is a JSON Web Key Set. It is immutable.
type Set struct{ byID map[string]Key }

// Bounds of a key set.
const (
	maxKeys    = 64
	minRSABits = 2048
	maxRSABits = 8192 // larger ones cost their checker more than they give
)

// ParseSet reads a key set. It refuses a set with private or symmetric keys, weak ones, or two keys with one kid: which of
// them is meant would be the sender's choice. Keys of kinds that we do not know, for encryption, or without kid are left
// out; a set with nothing left is refused.
func ParseSet(raw []byte) (*Set, error) {
	var file struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, errors.New("no JSON Web Key Set: it is an object with a list named keys")
	}
	if len(file.Keys) > maxKeys {
		return nil, fmt.Errorf("a key set with more than %d keys", maxKeys)
	}
	s := &Set{byID: map[string]Key{}}
	for _, one := range file.Keys {
		if err := s.add(one); err != nil {
			return nil, err
		}
	}
	if len(s.byID) == 0 {
		return nil, errors.New("the key set has no public key with a kid that can be used")
	}
	return s, nil
}

func (s *Set) add(raw json.RawMessage) error {
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(raw); errors.Is(err, jose.ErrUnsupportedKeyType) {
		return nil
	} else if err != nil {
		return errors.New("the key set has a key that cannot be read")
	}
	if !k.IsPublic() {
		return errors.New("the key set has a private or symmetric key: it must have public keys only")
	}
	if k.KeyID == "" || len(k.KeyID) > maxKeyID || k.Use != "" && k.Use != "sig" {
		return nil
	}
	key, err := newKey(k.Key, Algorithm(k.Algorithm))
	if err != nil || key.public == nil {
		return err
	}
	if _, twice := s.byID[k.KeyID]; twice {
		return errors.New("the key set has two keys with the same kid")
	}
	s.byID[k.KeyID] = key
	return nil
}

// newKey gives a key the algorithms of its type and curve, or the one that it names itself. A key of no use is zero.
func newKey(public any, only Algorithm) (Key, error) {
	k := Key{public: public}
	switch p := public.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return Key{}, fmt.Errorf("an RSA key has %d bits: %d to %d are taken", bits, minRSABits, maxRSABits)
		}
		k.algorithms = []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}
	case *ecdsa.PublicKey:
		switch p.Curve.Params().Name {
		case "P-256":
			k.algorithms = []Algorithm{ES256}
		case "P-384":
			k.algorithms = []Algorithm{ES384}
		case "P-521":
			k.algorithms = []Algorithm{ES512}
		}
	case ed25519.PublicKey:
		k.algorithms = []Algorithm{EdDSA}
	}
	if only != "" {
		if !k.fits(only) {
			return Key{}, nil
		}
		k.algorithms = []Algorithm{only}
	}
	if len(k.algorithms) == 0 {
		return Key{}, nil
	}
	return k, nil
}

// Key implements Keys.
func (s *Set) Key(_ context.Context, kid string) (Key, error) {
	if k, ok := s.byID[kid]; ok {
		return k, nil
	}
	return Key{}, fhir.Errorf(fhir.Unknown, "token-key-unknown", "")
}
