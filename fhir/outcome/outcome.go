package outcome

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
)

// System is the code system of details.coding: the codes of the catalogue.
const System = "https://lienthong.example/fhir/CodeSystem/outcome"

// Outcome is an answer that is not the thing asked for: an error, or information beside a success.
type Outcome struct {
	Status   int // HTTP
	Language Language
	Issues   []Issue // at least one

	// Reference is set for faults of ours: the caller is told it, and the log has Cause under it.
	Reference string
	// Cause is the error that led here, for the log only; nil for information.
	Cause error
}

// Issue is one OperationOutcome.issue.
type Issue struct {
	Severity fhir.Severity
	Type     string // OperationOutcome.issue.code
	Code     string // details.coding.code
	Text     string // details.text
	Path     string // expression; "" if none
}

// Of gives the answer to err, which must not be nil. What is not a fhir.Error, and any of Kind Internal, says nothing
// but a reference. An end of the request's context counts as time-out (503) or as cancelled (499, which no one receives).
func Of(err error, lang Language) Outcome {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Kind == fhir.Internal {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return plain(http.StatusServiceUnavailable, "request-timeout", fhir.Unavailable, err, lang)
		case errors.Is(err, context.Canceled):
			return plain(statusClientClosed, "request-cancelled", fhir.Unavailable, err, lang)
		}
	}
	if !ok || Status(e.Kind) == http.StatusInternalServerError {
		ref := reference()
		o := plain(http.StatusInternalServerError, "internal", fhir.Internal, err, lang, ref)
		o.Reference = ref
		return o
	}

	o := Outcome{Status: Status(e.Kind), Language: lang, Cause: err}
	refuses := false
	for _, i := range e.Issues {
		refuses = refuses || i.Severity == fhir.SeverityError || i.Severity == fhir.SeverityFatal
	}
	if !refuses {
		own := fhir.Issue{Severity: fhir.SeverityError, Code: e.Code, Path: e.Path, Args: e.Args}
		o.Issues = append(o.Issues, issue(own, e.Kind, lang))
	}
	for _, i := range e.Issues {
		o.Issues = append(o.Issues, issue(i, e.Kind, lang))
	}
	return o
}

// statusClientClosed is what proxies log when the client went away before the answer; HTTP has no number for it.
const statusClientClosed = 499

func plain(status int, code string, kind fhir.Kind, cause error, lang Language, args ...any) Outcome {
	i := fhir.Issue{Severity: fhir.SeverityError, Code: code, Args: args}
	return Outcome{Status: status, Language: lang, Issues: []Issue{issue(i, kind, lang)}, Cause: cause}
}

// Found gives an outcome for the findings about a document that was accepted or only checked: status 200.
// Without findings it says that all is well.
func Found(issues []fhir.Issue, lang Language) Outcome {
	if len(issues) == 0 {
		return Info("all-ok", lang)
	}
	o := Outcome{Status: http.StatusOK, Language: lang}
	for _, i := range issues {
		o.Issues = append(o.Issues, issue(i, fhir.Unprocessable, lang))
	}
	return o
}

// Info gives an outcome of one informational issue: status 200.
func Info(code string, lang Language, args ...any) Outcome {
	return Found([]fhir.Issue{{Severity: fhir.SeverityInformation, Code: code, Args: args}}, lang)
}

func issue(i fhir.Issue, kind fhir.Kind, lang Language) Issue {
	out := Issue{Severity: i.Severity, Type: issueType(kind), Code: i.Code, Path: i.Path, Text: Text(i.Code, lang, i.Args...)}
	if row, ok := Lookup(i.Code); ok {
		out.Type = row.Type
	} else if i.Code == "" {
		out.Code = "unlisted"
	}
	return out
}

// reference gives a word that is not guessed and can be read out on the telephone.
func reference() string { return rand.Text()[:13] }

// AppendJSON appends the OperationOutcome.
func (o Outcome) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"resourceType":"OperationOutcome"`...)
	if o.Language != "" {
		dst = appendMember(dst, `,"language":`, string(o.Language))
	}
	dst = append(dst, `,"issue":[`...)
	for n, i := range o.Issues {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendMember(dst, `{"severity":`, i.Severity.String())
		dst = appendMember(dst, `,"code":`, i.Type)
		dst = appendMember(dst, `,"details":{"coding":[{"system":`, System)
		dst = appendMember(dst, `,"code":`, i.Code)
		dst = appendMember(dst, `}],"text":`, i.Text)
		dst = append(dst, '}')
		if i.Path != "" {
			dst = appendMember(dst, `,"expression":[`, i.Path)
			dst = append(dst, ']')
		}
		dst = append(dst, '}')
	}
	return append(dst, ']', '}')
}

// JSON gives the OperationOutcome.
func (o Outcome) JSON() []byte { return o.AppendJSON(make([]byte, 0, 512)) }

func appendMember(dst []byte, before, text string) []byte {
	dst, _ = jsontext.AppendQuote(append(dst, before...), text) // what is not UTF-8 becomes U+FFFD
	return dst
}
