package rest

import (
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// places are where in the request the fault of a code lies, when nobody below could know: R4 writes "http." and the name
// of the parameter or header. Source: https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location
var places = map[string]string{
	"accept-unknown": "http.Accept", "format-unknown": "http._format", "summary-unknown": "http._summary", "page-token": "http._page",
	"cursor-invalid": "http._page", "content-type": "http.Content-Type", "content-charset": "http.Content-Type",
	"content-fhir-version": "http.Content-Type", "content-encoding": "http.Content-Encoding", "if-none-match-write": "http.If-None-Match",
	"id-exists": "http.If-None-Match", "version-conflict": "http.If-Match", "version-none": "http.If-Match",
	"body-too-large": "http.Content-Length",
}

// located gives err the place of its fault in the request, if it has none.
func (c *call) located(err error) error {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Path != "" || len(e.Issues) > 0 {
		return err
	}
	at := places[e.Code]
	switch e.Code {
	case "not-found", "gone":
		at = string(c.key.Type) + ".id"
	case "version-unknown":
		at = string(c.key.Type) + ".meta.versionId"
	case "criteria-many", "criteria-none", "criteria-other-id", "create-criteria", "search-criteria-empty":
		at = c.criteriaPlace()
	}
	if at == "" && len(e.Code) > 7 && e.Code[:7] == "search-" {
		at = c.criteriaPlace()
	}
	if at == "" || at[0] == '.' {
		return err
	}
	placed := *e
	placed.Path = at
	return &placed
}

// criteriaPlace is where the criteria of a conditional interaction stand: in a header, or in the parameters, of which the
// first is named.
func (c *call) criteriaPlace() string {
	if _, given := c.http.Header["If-None-Exist"]; given && c.key.ID == "" {
		return "http.If-None-Exist"
	}
	if params, err := search.Parse(c.criteria()); err == nil && len(params) > 0 {
		return "http." + params[0].Name
	}
	return ""
}
