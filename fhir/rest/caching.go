package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Caches may keep answers for the caller alone, and ask each time whether they still hold: records are private, and
// nothing may be shown that is not current (FRESH). A version never changes; browsers may keep it for a day, which bounds
// how long it outlives the right to see it; where callers do not see everything, rights are taken away at once, and a
// version is asked for each time. Errors, and answers to writes, are not kept.
// Source: https://www.rfc-editor.org/rfc/rfc9111
var (
	cacheAsk     = []string{"private, no-cache"}
	cacheVersion = []string{"private, max-age=86400, immutable"}
	cacheNothing = []string{"no-store"}
)

// cacheControl gives the header for an answer.
func cacheControl(c *call, a answer) []string {
	switch {
	case signedIn(c.context):
		return cacheNothing // the next person at the browser may go back
	case !c.reads() || a.status >= 300 && a.status != http.StatusNotModified:
		return cacheNothing
	case a.immutable && !c.html && store.FenceOf(c.context).Open():
		return cacheVersion
	}
	return cacheAsk
}

// reads says whether the request is a GET or HEAD; a bundle's entry is part of a POST.
func (c *call) reads() bool {
	return c.http.Method == http.MethodGet || c.http.Method == http.MethodHead
}

// stateTag is the weak entity tag of an answer that only depends on the address and on what is in the store: while its head
// has not moved the answer is the same. It is "" where that does not hold or nobody can make use of it. It does not hold for
// callers who do not see everything: what they may see changes without the store.
func (s *Server) stateTag(ctx context.Context, c *call, params []search.Parameter) (string, error) {
	if !c.reads() || c.html || c.at != 0 || !store.FenceOf(ctx).Open() || slices.ContainsFunc(params, approximate) {
		return "", nil
	}
	head, err := s.Service.Store().Head(ctx)
	if err != nil {
		return "", err
	}
	return `W/"t` + strconv.FormatUint(uint64(head), 10) + "-" + digest(s.Version, c.base, strconv.FormatBool(c.prefer.lenient)) + `"`, nil
}

// approximate says whether a parameter may have a value that is about now: the prefix ap on a date, here or in a filter.
func approximate(p search.Parameter) bool {
	return p.Name == "_filter" || slices.ContainsFunc(strings.FieldsFunc(p.Value, func(r rune) bool { return r == ',' || r == '$' }),
		func(v string) bool { return strings.HasPrefix(v, "ap") })
}

// has says whether the caller has the answer with this tag already, by the weak comparison of If-None-Match.
func (c *call) has(tag string) bool {
	if tag == "" || !c.reads() {
		return false
	}
	for _, t := range strings.Split(c.ifNoneMatch, ",") {
		if t = strings.TrimSpace(t); t == "*" || t != "" && strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// digest is a short name for parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(append([]byte(p), 0))
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
