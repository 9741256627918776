// Package jwt reads and makes signed JSON Web Tokens, and keeps the public keys (JSON Web Key Sets) that prove them.
//
//	compact token ──► Verify: algorithm on the list ──► the one key of that kid ──► signature ──► Claims ──► Claims.Check
//	keys: ParseSet (inline) or Remote (by URL: Fetcher holds the allow list, Remote the cache)
//	made by Signer, whose keys come from a PEM file that may change under it (KeyFile)
//
// A token says which algorithm and which key it wants to be checked with; both are held against what we allow, never
// followed: no "none", no symmetric algorithm, no jku, x5u or jwk header, no file or path made of a kid. A key fits one
// algorithm family and curve, so that a public key can never serve as a secret.
//
// It may import fhir, and it alone imports go-jose. Start reading at Verify.
// Source: RFC 7515, 7517, 7519, 8725 (best current practices).
package jwt
