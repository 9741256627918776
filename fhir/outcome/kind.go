package outcome

import (
	"net/http"

	"github.com/lienthong/lienthong/fhir"
)

// kinds has, for each fhir.Kind, the HTTP status and the issue type that a code without a row of its own gets.
// Source of the statuses: https://hl7.org/fhir/R4/http.html; of the types: https://hl7.org/fhir/R4/valueset-issue-type.html
var kinds = [...]struct {
	status int
	typ    string
}{
	fhir.Internal:      {http.StatusInternalServerError, "exception"},
	fhir.Invalid:       {http.StatusBadRequest, "invalid"},
	fhir.Unprocessable: {http.StatusUnprocessableEntity, "processing"},
	fhir.NotFound:      {http.StatusNotFound, "not-found"},
	fhir.Gone:          {http.StatusGone, "deleted"},
	fhir.Conflict:      {http.StatusConflict, "conflict"},
	fhir.Precondition:  {http.StatusPreconditionFailed, "conflict"},
	fhir.TooLarge:      {http.StatusRequestEntityTooLarge, "too-long"},
	fhir.TooCostly:     {http.StatusUnprocessableEntity, "too-costly"},
	fhir.Unsupported:   {http.StatusUnsupportedMediaType, "not-supported"},
	fhir.NotAcceptable: {http.StatusNotAcceptable, "not-supported"},
	fhir.NotAllowed:    {http.StatusMethodNotAllowed, "not-supported"},
	fhir.Busy:          {http.StatusTooManyRequests, "throttled"},
	fhir.Unavailable:   {http.StatusServiceUnavailable, "transient"},
	fhir.Denied:        {http.StatusForbidden, "forbidden"},
	fhir.Unknown:       {http.StatusUnauthorized, "login"},
}

// Status gives the HTTP status of a kind of error.
func Status(k fhir.Kind) int {
	if int(k) < len(kinds) {
		return kinds[k].status
	}
	return http.StatusInternalServerError
}

func issueType(k fhir.Kind) string {
	if int(k) < len(kinds) {
		return kinds[k].typ
	}
	return "exception"
}
