package search

import "strings"

// AppendURI appends the value of a uri, as it stands.
func AppendURI(dst []byte, s string) []byte { return appendField(dst, s, maxURI) }

// CutVersion takes a canonical apart into url and business version: "http://x|1.0". ok is false if there is no version.
func CutVersion(canonical string) (url, version string, ok bool) { return strings.Cut(canonical, "|") }

// belowURI finds the uris at or below a path: http://a/b has http://a/b/c below it, not http://a/bc. ok is false for what
// has no path, such as urn:oid:1.2.
func belowURI(s string) ([]span, bool) {
	at := strings.TrimSuffix(s, "/")
	if len(at) > maxURI-hashed || !hasPath(at) {
		return nil, false
	}
	return []span{exactly([]byte(at)), beginning([]byte(at + "/"))}, true
}

// aboveURI finds the uris that a path is at or below.
func aboveURI(s string) ([]span, bool) {
	at := strings.TrimSuffix(s, "/")
	if !hasPath(at) {
		return nil, false
	}
	var out []span
	for least := strings.Index(at, "://") + 3; len(at) > least; at = at[:max(strings.LastIndexByte(at, '/'), 0)] {
		out = append(out, exactly(AppendURI(nil, at)), exactly(AppendURI(nil, at+"/")))
	}
	return out, len(out) > 0
}

// hasPath says whether s has a host or folders, one below the other: scheme://host/folder.
func hasPath(s string) bool {
	_, rest, ok := strings.Cut(s, "://")
	return ok && rest != ""
}
