// Package certificate makes and checks vaccination certificates that can be verified without asking anybody: what was
// given to a person, signed.
//
// One Card is written in two forms, which say the same and are signed with the same key (ECDSA P-256, ES256):
//
//	SHC  SMART Health Card    FHIR Bundle -> JSON -> DEFLATE -> JWS -> shc:/5676… (digits, QR)        shc.go
//	HC1  EU DCC style         claims -> CBOR -> COSE_Sign1 -> zlib -> base45 -> HC1:6BF… (QR)         hc1.go
//
// and shown as text, PNG, SVG (qr.go) and a page to print (print.go).
//
// What is in it: name, birth date, and of each dose the product, the date, the lot and who gave it. No citizen ID, address
// or record number. Only what was given is in it: neither entered-in-error nor not-done, and a dose that two senders
// reported is in it once (fold.go; fhir/immunization/history says when two records are one).
//
// Rows of the store (space "certificate"):
//
//	secret            -> 32 random bytes: a card's rid is a keyed hash of the patient's id
//	revoked|<rid>     -> {"before":1764338400,"reason":"…"}: cards of this rid signed before that second count no more
//	ctr               -> how many revocations there were, for the "ctr" of the revocation lists
//
// Keys are ES256 keys in a JWKS file (keys.go). Several may stand in it: the newest signs, all verify.
//
// Caveats. HC1 follows the EU form but is no EU certificate: the kid is made from the key and not from an X.509
// certificate, it carries vaccines against any disease, and its schema has no place for lot and performer. A certificate
// proves who signed it, not that the person who shows it is the one named in it.
//
// Sources: https://spec.smarthealth.cards, https://hl7.org/fhir/uv/shc-vaccination,
// https://github.com/ehn-dcc-development/eu-dcc-hcert-spec, Decision 5772/QĐ-BYT (2021), which used the EU form for COVID-19.
//
// It may import interaction, identity, immunization with its history, and what these stand on. Start reading at Card, then Verifier.
package certificate
