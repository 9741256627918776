// Package smart lets systems in by SMART Backend Services: a registered client signs an assertion with a key that only it
// has, our token endpoint gives it an access token of at most five minutes, and the client shows that with each request.
//
//	POST /auth/token           assertion (private_key_jwt, RS384 or ES384) -> access token        token.go, assertion.go
//	GET  /auth/jwks            the public keys of access tokens, for who wants to check them
//	GET  (base)/.well-known/smart-configuration
//	Server.Caller              access token -> access.Caller, without asking anybody              access.go
//
// A client is a row of a file (clients.go), which may change while the server runs: who is taken out, or gets another role,
// is so at the next request, whatever its token says. A token can give less than the registration, never more.
//
// Rows of the store, space "smart", so that an assertion counts once on all servers of the store together:
//
//	jti/<hash of client and jti>          -> when the assertion ends (seconds since 1970, 10 digits)
//	exp/<end>/<hash of client and jti>    -> "1"; what has ended is removed with the next token
//
// It may import access and jwt and what these stand on. Start reading at Server.
// Source: https://hl7.org/fhir/smart-app-launch/backend-services.html
package smart
