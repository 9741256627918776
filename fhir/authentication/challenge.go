package authentication

import (
	"errors"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// Challenge gives the WWW-Authenticate of a refusal, "" for errors that need none. Source: RFC 6750, 3.
func Challenge(err error) string {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return ""
	}
	code := ""
	switch {
	case e.Code == "token-missing" || e.Code == "authorization-scheme":
		return `Bearer realm="lienthong"`
	case e.Code == "token-in-address" || e.Code == "authorization-twice":
		code = "invalid_request"
	case e.Kind == fhir.Unknown:
		code = "invalid_token"
	default:
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, outcome.Text(e.Code, outcome.English, e.Args...))
	return `Bearer realm="lienthong", error="` + code + `", error_description="` + text + `"`
}
