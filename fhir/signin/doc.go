// Package signin lets people in with a browser: they prove who they are at the page of an OpenID Connect issuer
// (authorization code with PKCE), and the browser has a cookie for a session here from then on.
//
//	GET  /auth/sign-in?to=/fhir/Patient/1&issuer=…   sends the browser to the issuer; of several, asks which     begin.go
//	GET  /auth/callback?code=…&state=…               back from there: makes the session, goes on to "to"          begin.go
//	POST /auth/sign-out                              ends the session                                             session.go
//	POST /auth/back-channel-logout                   the issuer says that somebody signed out there            backchannel.go
//	Service.Session                                  a request's cookie -> what the issuer proved of the person   session.go
//
// What is between the first two (state, nonce, PKCE verifier, where to go on) is in a cookie that is sealed with a key of the
// store: any server of the store can go on, and a visitor who never signs in leaves nothing behind. The store has the rest,
// space "sign-in":
//
//	key                              -> 32 random bytes that the key of the sealed cookie is made of
//	session/<hash of the cookie>     -> issuer, claims that its row in the issuers file names, when it began, was used, ends: JSON
//	used/<hash of state>             -> when the attempt ends: an attempt makes one session, on all servers together; likewise of the ids of logout tokens
//	out/<hash of issuer, sid or sub> -> since when: a session of before does not begin any more
//	exp/<end>/<key of one of these>  -> "1"; what has ended is removed with the next sign-in
//
// A cookie counts for a page of this server and for nothing else: a request that changes something, and one that another site
// makes a browser send, are refused unless the browser says that a page of ours made them (origin.go).
//
// It may import openid, store and outcome and what these stand on. Start reading at Service.
// Source: https://openid.net/specs/openid-connect-core-1_0.html; RFC 9700 (best current practice of OAuth); RFC 6265bis;
// https://openid.net/specs/openid-connect-backchannel-1_0.html.
package signin
