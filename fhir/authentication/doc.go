// Package authentication says who calls: it takes the bearer token of a request to an access.Caller, and the caller to the
// fence that the request is held to.
//
//	Authenticator.Authenticate   the token, proven once and remembered until it ends     authenticate.go, remember.go
//	Challenge                    WWW-Authenticate of a refusal                           challenge.go
//	Front                        around everything that is served: token endpoint, sign-in, CORS  front.go
//
// Where a request has no Authorization header, the cookie of a browser's session (fhir/signin) is taken in its place.
//
// Headers that a caller may add to say more about a request:
//
//	Purpose-Of-Use: ETREAT       code of v3-ActReason, within what is registered
//	Break-Glass: <reason>        asks for what the role alone does not allow; the reason is written down
//
// What a token proves is remembered for a minute at most, in memory alone. A registration is looked at anew with each request, so
// that who is taken out is out at once.
//
// It may import smart, openid and signin and what these stand on. Start reading at Authenticator.
package authentication
