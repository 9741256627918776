package fhir

import "strings"

// Reference is a literal reference (Reference.reference), taken apart.
// https://hl7.org/fhir/R4/references.html#literal
type Reference struct {
	Base    string // "http://host/fhir" of an absolute reference; "" if relative
	Key     Key    // zero unless the reference has the form [base/]Type/id
	Version string // of [base/]Type/id/_history/version; "" if none
	Query   string // criteria of a conditional reference Type?criteria, without "?"; Key.Type is then set, Key.ID not
	URI     string // the text as it stood
	Inside  string // id of a contained resource: "#p1" gives "p1"
	_       struct{}
}

// ParseReference takes s apart without looking anything up. It never fails: what has no known form keeps only its URI.
func ParseReference(s string) Reference {
	r := Reference{URI: s}
	if strings.HasPrefix(s, "#") {
		r.Inside = s[1:]
		return r
	}
	if strings.HasPrefix(s, "urn:") {
		return r
	}
	if q := strings.IndexByte(s, '?'); q > 0 && !strings.Contains(s[:q], "/") && isTypeName(s[:q]) {
		r.Key.Type, r.Query = Type(s[:q]), s[q+1:]
		return r
	}
	rest := s
	if i := strings.LastIndex(rest, "/_history/"); i >= 0 {
		r.Version = rest[i+len("/_history/"):]
		rest = rest[:i]
	}
	i := strings.LastIndexByte(rest, '/')
	if i <= 0 {
		r.Version = ""
		return r
	}
	id, err := ParseID(rest[i+1:])
	if err != nil {
		r.Version = ""
		return r
	}
	head := rest[:i]
	typ := head[strings.LastIndexByte(head, '/')+1:]
	if !isTypeName(typ) {
		r.Version = ""
		return r
	}
	r.Key = Key{Type: Type(typ), ID: id}
	r.Base = strings.TrimSuffix(strings.TrimSuffix(head, typ), "/")
	return r
}

// isTypeName says whether s looks like a resource type: a capital letter, then letters.
func isTypeName(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}
