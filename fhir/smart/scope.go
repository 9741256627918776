package smart

import (
	"regexp"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// Scope is one SMART scope on resources, such as system/Claim.rs or patient/Immunization.rs?status=completed.
// Source: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
type Scope struct {
	Context string // patient, user, system
	Type    string // a resource type, or *
	Actions string // a subset of cruds, in this order
	Query   string // narrows further; "" = not
}

func (s Scope) String() string {
	t := s.Context + "/" + s.Type + "." + s.Actions
	if s.Query != "" {
		t += "?" + s.Query
	}
	return t
}

// Bounds of a scope parameter.
const (
	maxScopeBytes = 4 << 10
	maxScopes     = 100
)

const cruds = "cruds"

var (
	scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`) // RFC 6749, 3.3
	version1   = map[string]string{"read": "rs", "write": "cud", "*": cruds}
)

// ParseScopes reads a list divided by blanks. Version 1 (system/Claim.read) becomes version 2. Scopes that are not about
// resources, such as openid, are passed over: they are never granted here. What is about resources and cannot be read is an error.
func ParseScopes(list string) ([]Scope, error) {
	refuse := func() ([]Scope, error) { return nil, fhir.Errorf(fhir.Invalid, "scope-malformed", "") }
	fields := strings.Split(list, " ")
	if len(list) > maxScopeBytes || len(fields) > maxScopes {
		return refuse()
	}
	var out []Scope
	for _, f := range fields {
		if !scopeToken.MatchString(f) {
			return refuse()
		}
		context, rest, about := strings.Cut(f, "/")
		if !about || context == "launch" || strings.Contains(context, ":") {
			continue
		}
		s, ok := parseScope(context, rest)
		if !ok {
			return refuse()
		}
		out = append(out, s)
	}
	return out, nil
}

func parseScope(context, rest string) (Scope, bool) {
	rest, query, asked := strings.Cut(rest, "?")
	typ, actions, ok := strings.Cut(rest, ".")
	if !ok || asked && query == "" || typ != "*" && !r4.IsResource(fhir.Type(typ)) {
		return Scope{}, false
	}
	if context != "patient" && context != "user" && context != "system" {
		return Scope{}, false
	}
	if v2, old := version1[actions]; old && !asked {
		actions = v2
	}
	return Scope{context, typ, actions, query}, actions != "" && inOrder(actions)
}

// inOrder says whether the letters are some of cruds, each once, in that order.
func inOrder(actions string) bool {
	rest := cruds
	for _, a := range actions {
		i := strings.IndexRune(rest, a)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// Narrow gives what of asked is within registered: for each pair what both allow. Two different queries hold together.
func Narrow(asked, registered []Scope) []Scope {
	var out []Scope
	seen := map[Scope]bool{}
	for _, a := range asked {
		for _, r := range registered {
			if s, ok := both(a, r); ok && !seen[s] && len(out) < maxScopes {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

func both(a, b Scope) (Scope, bool) {
	s := a
	switch {
	case a.Context != b.Context:
		return Scope{}, false
	case a.Type == "*":
		s.Type = b.Type
	case b.Type != "*" && a.Type != b.Type:
		return Scope{}, false
	}
	s.Actions = strings.Map(func(r rune) rune {
		if strings.ContainsRune(b.Actions, r) {
			return r
		}
		return -1
	}, a.Actions)
	switch {
	case a.Query == "":
		s.Query = b.Query
	case b.Query != "" && b.Query != a.Query:
		s.Query = a.Query + "&" + b.Query
	}
	return s, s.Actions != ""
}

// texts gives scopes as a token carries them.
func texts(scopes []Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = s.String()
	}
	return out
}
