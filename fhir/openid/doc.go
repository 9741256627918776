// Package openid lets people in by bearer tokens of OpenID Connect issuers outside: clinic staff, auditors, citizens
// through the national e-ID. It checks who issued a token, for whom, when and how it is signed; and maps its claims to an
// access.Caller by the rows of a file, since each issuer names things in its own way.
//
// A citizen is found among the patients by identifier. Who is there not at all, or more than once, is refused: nothing is
// guessed. Neither the identifier nor the subject is logged.
//
// With browser in its row an issuer lets people sign in at a page of its own (authorization code with PKCE, browser.go); what
// the ID token proves goes the same way as what a bearer token does.
//
// It may import access and jwt and what these stand on. Start reading at Issuers.
// Source: https://openid.net/specs/openid-connect-core-1_0.html, 3.1.3.7; RFC 9068.
package openid
