package rest_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// TestScript runs the exchanges of testdata/script, each against a server and a store of its own. Besides the usual
// commands of testscript there are:
//
//	get|head|delete PATH ['Header: value'...]          PATH below the base; next, previous, first, last, self follow a link
//	post|put|patch PATH FILE ['Header: value'...]
//	status N
//	header NAME REGEXP                                 ! header: does not match
//	json PATH LITERAL                                  entry[0].resource.id p1; numbers by their literal
//	! json PATH                                        there is no such element
//	count PATH N                                       elements of an array, 0 = none
//	issue CODE [PATH]                                  an issue of an OperationOutcome
//	body REGEXP                                        ! body: does not match
//	same FILE                                          equal to the file apart from id and meta's version and time
//	await PATH STATE                                   ask for $status until the first parameter has that state
//	keep NAME json PATH, keep NAME header HEADER       into an environment variable
func TestScript(t *testing.T) {
	p := scripts()
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// scripts is how scripts run; which ones is for the caller to add.
func scripts() testscript.Params {
	return testscript.Params{
		Setup: func(env *testscript.Env) error {
			s := serve(env.T().(testing.TB))
			env.Values["script"] = &script{s: s}
			env.Setenv("BASE", s.base)
			for _, name := range []string{"everything", "lastn", "diff", "meta", "graphql", "status"} {
				env.Setenv(name, "$"+name)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"get": send("GET"), "head": send("HEAD"), "delete": send("DELETE"),
			"post": send("POST"), "put": send("PUT"), "patch": send("PATCH"),
			"status": checkStatus, "header": checkHeader, "json": checkJSON, "count": checkCount,
			"issue": checkIssue, "await": await, "body": checkBody, "same": checkSame, "keep": keep,
		},
	}
}

// script is the state of one script: the last answer.
type script struct {
	s    *served
	res  *http.Response
	raw  []byte
	root resource.Value
	last resource.Value // the last bundle: what next and previous follow
}

// await asks again and again; each question is an exchange, so that it takes no time of its own.
func await(ts *testscript.TestScript, neg bool, args []string) {
	for until := time.Now().Add(fhirtest.Patience); ; {
		send("GET")(ts, neg, args[:1])
		sc := of(ts)
		if sc.root.Get("parameter").At(0).Get("part").At(0).Get("valueCode").Text() == args[1] {
			return
		}
		if sc.res.StatusCode != http.StatusOK || time.Now().After(until) {
			ts.Fatalf("%s did not become %s: %d %s", args[0], args[1], sc.res.StatusCode, sc.raw)
		}
	}
}

func of(ts *testscript.TestScript) *script { return ts.Value("script").(*script) }

func send(method string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: %s path [file] ['Header: value'...]", strings.ToLower(method))
		}
		sc := of(ts)
		url, args := sc.url(ts, args[0]), args[1:]
		var body io.Reader
		if len(args) > 0 && !strings.Contains(args[0], ":") {
			body, args = strings.NewReader(ts.ReadFile(args[0])), args[1:]
		}
		req, err := http.NewRequest(method, url, body)
		ts.Check(err)
		switch {
		case body == nil:
		case strings.Contains(url, "/_search"):
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		case method == "PATCH":
			req.Header.Set("Content-Type", "application/json-patch+json")
		default:
			req.Header.Set("Content-Type", "application/fhir+json")
		}
		for _, h := range args {
			name, value, ok := strings.Cut(h, ":")
			if !ok {
				ts.Fatalf("no header: %q", h)
			}
			req.Header.Set(name, strings.TrimSpace(value))
		}
		sc.res, err = http.DefaultClient.Do(req)
		ts.Check(err)
		defer sc.res.Body.Close()
		sc.raw, err = io.ReadAll(sc.res.Body)
		ts.Check(err)
		ts.Logf("%s %s\n%s\n%s", method, url, sc.res.Status, sc.raw)
		sc.root = resource.Value{}
		if len(sc.raw) > 0 && strings.Contains(sc.res.Header.Get("Content-Type"), "json") {
			doc, err := resource.New(bytes.Clone(sc.raw))
			ts.Check(err)
			sc.root = doc.Root()
			if sc.root.ResourceType() == "Bundle" {
				sc.last = sc.root
			}
		}
	}
}

// url gives the address for a path, or for the name of a link in the last answer.
func (sc *script) url(ts *testscript.TestScript, path string) string {
	switch path {
	case "next", "previous", "first", "last", "self":
		for l := range sc.last.Get("link").Elements() {
			if l.Get("relation").Text() == path {
				return l.Get("url").Text()
			}
		}
		ts.Fatalf("no link %s", path)
	case "/":
		return sc.s.base
	}
	if strings.HasPrefix(path, "http") {
		return path
	}
	return sc.s.base + path
}

func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := of(ts).res.StatusCode; neg || got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}

func checkHeader(ts *testscript.TestScript, neg bool, args []string) {
	got := of(ts).res.Header.Get(args[0])
	if regexp.MustCompile(args[1]).MatchString(got) == neg {
		ts.Fatalf("header %s: %q", args[0], got)
	}
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	v := at(of(ts).root, args[0])
	if neg && len(args) == 1 {
		if v.Kind() != resource.None {
			ts.Fatalf("%s is there: %s", args[0], v.Raw())
		}
		return
	}
	got := v.Text()
	if v.Kind() == resource.Object || v.Kind() == resource.Array {
		got = string(v.Raw())
	}
	if (got == args[1]) == neg || v.Kind() == resource.None {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

func checkCount(ts *testscript.TestScript, _ bool, args []string) {
	if got := at(of(ts).root, args[0]).Len(); strconv.Itoa(got) != args[1] {
		ts.Fatalf("%s has %d", args[0], got)
	}
}

func checkIssue(ts *testscript.TestScript, neg bool, args []string) {
	found := false
	for i := range of(ts).root.Get("issue").Elements() {
		code := i.Get("details").Get("coding").At(0).Get("code").Text()
		path := i.Get("expression").At(0).Text()
		found = found || code == args[0] && (len(args) == 1 || path == args[1])
		if i.Get("details").Get("text").Text() == "" {
			ts.Fatalf("an issue without a text")
		}
	}
	if found == neg {
		ts.Fatalf("issue %v: %v", args, found)
	}
}

func checkBody(ts *testscript.TestScript, neg bool, args []string) {
	if regexp.MustCompile(args[0]).Match(of(ts).raw) == neg {
		ts.Fatalf("body: %.2000s", of(ts).raw)
	}
}

func checkSame(ts *testscript.TestScript, neg bool, args []string) {
	want, err := resource.New([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	if resource.EqualResource(of(ts).root, want.Root()) == neg {
		ts.Fatalf("LOSSLESS: not the same as %s", args[0])
	}
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	sc := of(ts)
	switch args[1] {
	case "json":
		ts.Setenv(args[0], at(sc.root, args[2]).Text())
	case "header":
		ts.Setenv(args[0], sc.res.Header.Get(args[2]))
	default:
		ts.Fatalf("usage: keep name json path | keep name header name")
	}
}

// at follows a path such as entry[0].resource.id.
func at(v resource.Value, path string) resource.Value {
	for _, step := range strings.Split(path, ".") {
		name, index, indexed := strings.Cut(step, "[")
		if name != "" {
			v = v.Get(name)
		}
		for indexed {
			var digits string
			digits, index, _ = strings.Cut(index, "]")
			n, err := strconv.Atoi(digits)
			if err != nil {
				return resource.Value{}
			}
			v = v.At(n)
			_, index, indexed = strings.Cut(index, "[")
		}
	}
	return v
}
