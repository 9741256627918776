package outcome_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

func TestErrorsBecomeOutcomes(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		lang   outcome.Language
		status int
		typ    string
		code   string
		text   string
	}{
		{"a fault with a place", fhir.Errorf(fhir.TooLarge, "json-depth", "Patient.name", 64), outcome.English,
			413, "too-long", "json-depth", "The document is nested deeper than 64 levels."},
		{"the same in Vietnamese", fhir.Errorf(fhir.TooLarge, "json-depth", "Patient.name", 64), outcome.Vietnamese,
			413, "too-long", "json-depth", "Tài liệu lồng nhau quá 64 cấp."},
		{"a fault that was wrapped on its way", fmt.Errorf("reading: %w", fhir.Errorf(fhir.Invalid, "json-empty", "")), outcome.English,
			400, "structure", "json-empty", "Objects and arrays must not be empty."},
		{"a code that is not in the catalogue", fhir.Errorf(fhir.Conflict, "never-heard-of", ""), outcome.English,
			409, "conflict", "never-heard-of", "The request was refused (never-heard-of)."},
		{"an arg that is missing", fhir.Errorf(fhir.TooLarge, "json-depth", ""), outcome.English,
			413, "too-long", "json-depth", "The document is nested deeper than ? levels."},
		{"the end of the request's time", fmt.Errorf("commit: %w", context.DeadlineExceeded), outcome.English,
			503, "timeout", "request-timeout", outcome.Text("request-timeout", outcome.English)},
		{"a client that went away", fhir.Wrap(fhir.Internal, "x", context.Canceled), outcome.Vietnamese,
			499, "transient", "request-cancelled", outcome.Text("request-cancelled", outcome.Vietnamese)},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := outcome.Of(c.err, c.lang)
			if o.Status != c.status || len(o.Issues) != 1 || o.Reference != "" || !errors.Is(o.Cause, c.err) {
				t.Fatalf("got %+v", o)
			}
			if i := o.Issues[0]; i.Type != c.typ || i.Code != c.code || i.Text != c.text {
				t.Errorf("got %+v", i)
			}
		})
	}
}

func TestFaultsOfOursSayNothingButAReference(t *testing.T) {
	const secret = "pebble: /var/lib/secret"
	seen := map[string]bool{}
	for _, err := range []error{
		errors.New(secret),
		fhir.Wrap(fhir.Internal, "stored-damaged", errors.New(secret), secret),
		&fhir.Error{Kind: fhir.Internal, Code: "x", Path: secret, Issues: []fhir.Issue{{Code: "x", Path: secret}}},
		&fhir.Error{Kind: 200, Code: "x", Path: secret},
	} {
		o := outcome.Of(err, outcome.English)
		body := string(o.JSON())
		if o.Status != 500 || strings.Contains(body, "secret") || o.Reference == "" || !strings.Contains(body, o.Reference) {
			t.Errorf("%v: %d %s", err, o.Status, body)
		}
		if !errors.Is(o.Cause, err) {
			t.Errorf("the cause for the log is %v", o.Cause)
		}
		if seen[o.Reference] {
			t.Error("a reference came twice")
		}
		seen[o.Reference] = true
	}
}

func TestOperationOutcome(t *testing.T) {
	err := &fhir.Error{Kind: fhir.Unprocessable, Code: "resource-invalid", Issues: []fhir.Issue{
		{Code: "json-empty", Path: "Patient.name[0]"},
		{Severity: fhir.SeverityWarning, Code: "id-invalid", Args: []any{`"<ä\u0000` + "\xff" + `>"`}},
	}}
	o := outcome.Of(err, outcome.English)
	doc, perr := resource.New(o.JSON())
	if perr != nil {
		t.Fatalf("%v\n%s", perr, o.JSON())
	}
	want := `{"resourceType":"OperationOutcome","language":"en","issue":[` +
		`{"severity":"error","code":"structure","details":{"coding":[{"system":"` + outcome.System + `","code":"json-empty"}],"text":"Objects and arrays must not be empty."},"expression":["Patient.name[0]"]},` +
		`{"severity":"warning","code":"value","details":{"coding":[{"system":"` + outcome.System + `","code":"id-invalid"}],"text":"\"<ä\\u0000�>\" is not an id: 1 to 64 of A-Z, a-z, 0-9, \"-\" and \".\" are allowed."}}]}`
	if got := string(doc.Raw()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if o.Status != 422 {
		t.Errorf("status %d", o.Status)
	}
}

func TestWarningsAloneDoNotHideTheRefusal(t *testing.T) {
	err := &fhir.Error{Kind: fhir.Invalid, Code: "json-empty", Issues: []fhir.Issue{{Severity: fhir.SeverityWarning, Code: "json-null"}}}
	if o := outcome.Of(err, outcome.English); len(o.Issues) != 2 || o.Issues[0].Code != "json-empty" || o.Issues[0].Severity != fhir.SeverityError {
		t.Errorf("got %+v", o.Issues)
	}
}

func TestInformation(t *testing.T) {
	o := outcome.Found(nil, outcome.Vietnamese)
	if o.Status != 200 || len(o.Issues) != 1 || o.Issues[0].Severity != fhir.SeverityInformation || o.Issues[0].Type != "informational" {
		t.Errorf("got %+v", o)
	}
	o = outcome.Found([]fhir.Issue{{Severity: fhir.SeverityWarning, Code: "json-null", Path: "Patient.active"}}, outcome.English)
	if o.Status != 200 || o.Issues[0].Path != "Patient.active" {
		t.Errorf("got %+v", o)
	}
}

func TestLongArgsAreCut(t *testing.T) {
	if text := outcome.Text("id-invalid", outcome.English, strings.Repeat("ü", 5000)); len(text) > 500 || !strings.Contains(text, "…") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestEachKindHasItsStatus(t *testing.T) {
	want := map[fhir.Kind]int{
		fhir.Internal: 500, fhir.Invalid: 400, fhir.Unprocessable: 422, fhir.NotFound: 404, fhir.Gone: 410, fhir.Conflict: 409,
		fhir.Precondition: 412, fhir.TooLarge: 413, fhir.TooCostly: 422, fhir.Unsupported: 415, fhir.NotAcceptable: 406,
		fhir.NotAllowed: 405, fhir.Busy: 429, fhir.Unavailable: 503, fhir.Denied: 403, fhir.Unknown: 401,
	}
	for k, status := range want {
		if got := outcome.Status(k); got != status {
			t.Errorf("kind %d: %d, want %d", k, got, status)
		}
	}
	if outcome.Status(fhir.Unknown+1) != 500 {
		t.Error("there is a kind that this test does not know: give it a status here")
	}
}

func TestParseLanguage(t *testing.T) {
	for accept, want := range map[string]outcome.Language{
		"":                               outcome.English,
		"vi":                             outcome.Vietnamese,
		"vi-VN,vi;q=0.9,en;q=0.5":        outcome.Vietnamese,
		"en-US,en;q=0.9,vi;q=0.8":        outcome.English,
		"en;q=0.1,vi;q=0.8":              outcome.Vietnamese,
		"fr-FR,fr;q=0.9,vi;q=0.5":        outcome.Vietnamese,
		"fr":                             outcome.English,
		"*":                              outcome.English,
		";;;":                            outcome.English,
		strings.Repeat("vi,", 100) + "v": outcome.English,
	} {
		if got := outcome.ParseLanguage(accept); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("json-depth", "{0}")
	f.Add("{0", "x")
	f.Fuzz(func(t *testing.T, code, arg string) {
		o := outcome.Of(fhir.Errorf(fhir.Invalid, code, arg, arg), outcome.Vietnamese)
		if _, err := resource.New(o.JSON()); err != nil {
			t.Fatalf("%v: %s", err, o.JSON())
		}
	})
}

func BenchmarkOf(b *testing.B) {
	err := fhir.Errorf(fhir.Invalid, "json-syntax", "Patient.name[0]", 17)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = outcome.Of(err, outcome.Vietnamese).AppendJSON(buf[:0])
	}
}
