package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
)

// Signer makes tokens with its first key; the others are keys of before, whose tokens still count. It is immutable.
// A kid is the key's thumbprint (RFC 7638), so that servers with the same file agree without a word.
type Signer struct {
	signer    jose.Signer
	algorithm Algorithm
	public    jose.JSONWebKeySet
	set       *Set
}

// NewSigner makes a signer of typ (header) from private keys: Ed25519 (EdDSA), P-256, P-384 (ES256, ES384), or RSA (RS384).
func NewSigner(typ string, keys ...crypto.Signer) (*Signer, error) { return signerOf(typ, "", keys) }

// signerOf is NewSigner; with a kid, that is the first key's in place of its thumbprint.
func signerOf(typ, kid string, keys []crypto.Signer) (*Signer, error) {
	if len(keys) == 0 {
		return nil, errors.New("no private key")
	}
	s := &Signer{set: &Set{byID: map[string]Key{}}}
	for i, private := range keys {
		alg, err := signingAlgorithm(private)
		if err != nil {
			return nil, err
		}
		public, err := newKey(private.Public(), alg)
		if err != nil {
			return nil, err
		}
		jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: string(alg), Use: "sig"}
		print, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, err
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(print)
		if i == 0 && kid != "" {
			jwk.KeyID = kid
		}
		if _, twice := s.set.byID[jwk.KeyID]; twice {
			return nil, errors.New("the same private key twice")
		}
		s.set.byID[jwk.KeyID] = public
		s.public.Keys = append(s.public.Keys, jwk)
		if i == 0 {
			s.algorithm = alg
			s.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: private, KeyID: jwk.KeyID}},
				(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
			if err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func signingAlgorithm(private crypto.Signer) (Algorithm, error) {
	switch k := private.(type) {
	case ed25519.PrivateKey:
		return EdDSA, nil
	case *rsa.PrivateKey:
		return RS384, nil
	case *ecdsa.PrivateKey:
		switch k.Curve.Params().Name {
		case "P-256":
			return ES256, nil
		case "P-384":
			return ES384, nil
		}
	}
	return "", errors.New("a private key of a kind that is not taken: Ed25519, P-384, P-256 or RSA are")
}

// ParseSigner reads private keys in PEM (PKCS #8, SEC 1 or PKCS #1), one after the other. Messages never hold key material.
func ParseSigner(typ string, raw []byte) (*Signer, error) {
	keys, err := parsePrivate(raw)
	if err != nil {
		return nil, err
	}
	return NewSigner(typ, keys...)
}

// ParseClientSigner reads the one private key of a client of SMART Backend Services, RSA or P-384, for its assertions. kid is the name that
// the key was registered by; "" is its thumbprint.
func ParseClientSigner(raw []byte, kid string) (*Signer, error) {
	keys, err := parsePrivate(raw)
	if err != nil {
		return nil, err
	}
	if len(keys) != 1 {
		return nil, fmt.Errorf("%d private keys in PEM where one is expected", len(keys))
	}
	s, err := signerOf("JWT", kid, keys)
	if err == nil && s.algorithm != RS384 && s.algorithm != ES384 {
		return nil, errors.New("a client's key is RSA (RS384) or P-384 (ES384)")
	}
	return s, err
}

func parsePrivate(raw []byte) ([]crypto.Signer, error) {
	var keys []crypto.Signer
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		var parsed any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			parsed, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PARAMETERS": // openssl ecparam writes it before the key
			continue
		default:
			return nil, fmt.Errorf("a PEM block %q is no private key", block.Type)
		}
		private, ok := parsed.(crypto.Signer)
		if err != nil || !ok {
			return nil, errors.New("a private key that cannot be read")
		}
		keys = append(keys, private)
	}
	return keys, nil
}

// Sign makes a compact token of claims.
func (s *Signer) Sign(claims any) (string, error) {
	return josejwt.Signed(s.signer).Claims(claims).Serialize()
}

// Keys gives the public keys, for Verify.
func (s *Signer) Keys() *Set { return s.set }

// Algorithms gives those of the keys.
func (s *Signer) Algorithms() (all []Algorithm) {
	for _, k := range s.public.Keys {
		all = append(all, Algorithm(k.Algorithm))
	}
	return all
}

// JWKS is the public key set as JSON.
func (s *Signer) JWKS() []byte {
	raw, err := json.Marshal(s.public)
	if err != nil {
		panic("jwt: public keys of known kinds cannot fail to encode: " + err.Error())
	}
	return raw
}
