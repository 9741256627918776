package rest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/search"
)

// pageParam carries the token of a page in a link.
const pageParam = "_page"

// token is the state of paging: it lies in the link and nowhere else, so any server of the store can answer, for as long
// as the store keeps the commit. Its text is base64url of
//
//	version 3 | caller (8 bytes) | asOf | offset | total+1 | seen | t | base | len(after) after | marks: offset len place | tag (16 bytes of HMAC-SHA256)
//
// with uvarints for numbers. The tag covers what the token is used with (path and parameters) as well, so that a token
// cannot be made, changed, or carried over to another search. The caller is a keyed hash of who asked for the first page:
// nobody else can go on with it.
type token struct {
	asOf   fhir.T
	offset int    // matches shown before this page
	total  int    // of all pages; -1 = unknown
	base   int    // of a search: how many matches lie before after
	marks  []mark // of a search: places before this page, from the nearest on, to go back to
	after  []byte // of a search: order of the match after which counting to offset begins; nil = at the start.
	//               Of a history with _at: 1 and the same, among the versions that were current at its beginning
	t    fhir.T // of a history: the commit to go on in,
	seen int    // and how many of its versions were shown
}

const (
	tokenVersion = 3
	callerSize   = 8
	tagSize      = 16
)

// encode gives the token's text for use with the given scope by the caller of ctx.
func (s *Server) encode(ctx context.Context, t token, scope string) string {
	b := append([]byte{tokenVersion}, s.callerMark(ctx)...)
	for _, n := range []uint64{uint64(t.asOf), uint64(t.offset), uint64(t.total + 1), uint64(t.seen), uint64(t.t), uint64(t.base), uint64(len(t.after))} {
		b = binary.AppendUvarint(b, n)
	}
	b = append(b, t.after...)
	for _, m := range t.marks {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(m.offset)), uint64(len(m.place)))
		b = append(b, m.place...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.tag(b, scope)...))
}

// callerMark tells callers apart: a keyed hash, which says nothing about them.
func (s *Server) callerMark(ctx context.Context) []byte {
	m := hmac.New(sha256.New, s.pageKey)
	if c, ok := access.CallerOf(ctx); ok {
		for _, part := range []string{"caller", c.Issuer, c.Subject} {
			m.Write([]byte(part))
			m.Write([]byte{0})
		}
	}
	return m.Sum(nil)[:callerSize]
}

// decode reads a token. What is not one of ours is Kind Invalid, code "page-token"; one that was given to another caller
// Denied, code "page-token-of-another".
func (s *Server) decode(ctx context.Context, text, scope string) (token, error) {
	bad := fhir.Errorf(fhir.Invalid, "page-token", "")
	if len(text) > 8<<10 {
		return token{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < tagSize+callerSize+2 || b[0] != tokenVersion {
		return token{}, bad
	}
	b, tag := b[:len(b)-tagSize], b[len(b)-tagSize:]
	if !hmac.Equal(tag, s.tag(b, scope)) {
		return token{}, bad
	}
	if !hmac.Equal(b[1:1+callerSize], s.callerMark(ctx)) {
		return token{}, fhir.Errorf(fhir.Denied, "page-token-of-another", "")
	}
	var n [7]uint64
	rest := b[1+callerSize:]
	for i := range n {
		v, size := binary.Uvarint(rest)
		if size <= 0 {
			return token{}, bad
		}
		n[i], rest = v, rest[size:]
	}
	if n[6] > uint64(len(rest)) {
		return token{}, bad
	}
	t := token{asOf: fhir.T(n[0]), offset: int(n[1]), total: int(n[2]) - 1, seen: int(n[3]), t: fhir.T(n[4]), base: int(n[5])}
	if n[6] > 0 {
		t.after = rest[:n[6]:n[6]]
	}
	for rest = rest[n[6]:]; len(rest) > 0; {
		offset, a := binary.Uvarint(rest)
		size, z := binary.Uvarint(rest[max(a, 0):])
		if a <= 0 || z <= 0 || size > uint64(len(rest)-a-z) {
			return token{}, bad
		}
		rest = rest[a+z:]
		t.marks = append(t.marks, mark{int(offset), rest[:size:size]})
		rest = rest[size:]
	}
	return t, nil
}

func (s *Server) tag(b []byte, scope string) []byte {
	m := hmac.New(sha256.New, s.pageKey)
	m.Write(b)
	m.Write([]byte{0})
	m.Write([]byte(scope))
	return m.Sum(nil)[:tagSize]
}

// scopeOf is what a token is bound to: the path and the parameters, but for those that say how to show.
func scopeOf(path string, params []search.Parameter) string {
	var b strings.Builder
	b.WriteString(path)
	for _, p := range params {
		switch p.Name {
		case pageParam, "_format", "_pretty":
			continue
		}
		for _, part := range []string{p.Key(), p.Value} {
			b.WriteByte(0)
			b.WriteString(part)
		}
	}
	return b.String()
}

// takePage takes the page token out of the parameters; "" if there is none.
func takePage(params []search.Parameter) (string, []search.Parameter, error) {
	text, rest := "", params[:0:0]
	for _, p := range params {
		if p.Name != pageParam {
			rest = append(rest, p)
			continue
		}
		if text != "" || p.Value == "" || p.Key() != pageParam {
			return "", nil, fhir.Errorf(fhir.Invalid, "page-token", "")
		}
		text = p.Value
	}
	return text, rest, nil
}

// showParams are the parameters of a query that say how to show, to be carried on in links.
func showParams(params []search.Parameter) string {
	var b strings.Builder
	for _, p := range params {
		if p.Name == "_format" || p.Name == "_pretty" {
			b.WriteString("&" + p.Name + "=" + queryEscape(p.Value))
		}
	}
	return b.String()
}

// link gives the URL of a page.
func pageLink(base, path, applied, show, tok string) string {
	q := applied + show
	if tok != "" {
		q += "&" + pageParam + "=" + tok
	}
	q = strings.TrimPrefix(q, "&")
	base = strings.TrimSuffix(base+"/"+path, "/")
	if q == "" {
		return base
	}
	return base + "?" + q
}
