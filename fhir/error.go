package fhir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind says what sort of thing went wrong; the rooms above turn it into an HTTP status, an HL7 v2 code or a page.
// The set is closed and append-only.
type Kind uint8

const (
	Internal      Kind = iota // a fault of ours; the caller learns only a reference
	Invalid                   // what was sent cannot be read: HTTP 400
	Unprocessable             // it can be read and breaks a rule: HTTP 422
	NotFound                  // HTTP 404
	Gone                      // it was there and is deleted: HTTP 410
	Conflict                  // another state of the store would be needed: HTTP 409
	Precondition              // If-Match, conditional criteria: HTTP 412
	TooLarge                  // more bytes, nodes or depth than configured: HTTP 413
	TooCostly                 // a query over its limits: HTTP 422 with issue type too-costly
	Unsupported               // media type of the request: HTTP 415
	NotAcceptable             // media type asked for: HTTP 406
	NotAllowed                // interaction not offered here: HTTP 405
	Busy                      // a queue is full; try again: HTTP 429
	Unavailable               // the log or a foreign system is out of reach: HTTP 503
	Denied                    // HTTP 403
	Unknown                   // HTTP 401
)

// Error is what every room returns when it refuses or fails. Wrap it with %w; find it with errors.AsType.
//
// Code is a row of the catalogue in fhir/outcome (catalogue/*.tsv), which has the text in vi and en; Args fill that
// text's {0}, {1}, ... and are shown to the caller, so they never hold a citizen ID, a name or a token of somebody else.
type Error struct {
	Kind   Kind
	Code   string  // such as "id-invalid"; stable, what support searches for
	Path   string  // element at fault as FHIRPath or XML3[4].SO_LUONG; "" if none
	Args   []any   // for the text of Code
	Issues []Issue // more than one fault, such as those of a validation; then Path and Args may be empty
	Err    error   // cause: for the log, never for the caller
}

// Word is an Arg that has a text of its own in the catalogue, by its code: it is read in the language of the text that it stands in.
type Word string

// Errorf makes an Error; path may be "".
func Errorf(kind Kind, code, path string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Path: path, Args: args}
}

// Wrap makes an Error with a cause that only the log will see.
func Wrap(kind Kind, code string, cause error, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Args: args, Err: cause}
}

// Error is for logs and tests; callers get the catalogue's text.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	if e.Path != "" {
		b.WriteString(" at " + e.Path)
	}
	for _, a := range e.Args {
		fmt.Fprintf(&b, " %v", a)
	}
	for _, i := range e.Issues {
		b.WriteString("; " + i.Code + " at " + i.Path)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Transient says whether what failed may be tried again as it is: something was busy or out of reach, and nothing came to an end.
func Transient(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Kind == Busy || e.Kind == Unavailable) && e.Code != "store-closed" && !strings.HasSuffix(e.Code, "-halted")
}

// Errors gives the Errors in err, of which errors.Join may have made one, each code once. What is wrapped in another Error is its
// cause and not given.
func Errors(err error) (all []*Error) {
	switch e := err.(type) {
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			for _, found := range Errors(one) {
				if !slices.ContainsFunc(all, func(e *Error) bool { return e.Code == found.Code }) {
					all = append(all, found)
				}
			}
		}
	case interface{ Unwrap() error }:
		return Errors(e.Unwrap())
	}
	return all
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Severity of an Issue, as OperationOutcome.issue.severity.
type Severity uint8

const (
	SeverityError Severity = iota
	SeverityFatal
	SeverityWarning
	SeverityInformation
)

// String gives the code of the value set issue-severity.
func (s Severity) String() string {
	switch s {
	case SeverityFatal:
		return "fatal"
	case SeverityWarning:
		return "warning"
	case SeverityInformation:
		return "information"
	}
	return "error"
}

// Issue is one finding about a document or a request: a future OperationOutcome.issue.
type Issue struct {
	Severity Severity
	Code     string // catalogue code
	Path     string // FHIRPath of the element, such as Patient.contact[0].name
	Args     []any  // for the catalogue's text
}
