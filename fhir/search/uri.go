package search

import "strings"

// AppendURI appends the value of a uri, as it stands.
func AppendURI(dst []byte, s string) []byte { return appendField(dst, s, maxURI) }

// CutVersion takes a canonical apart into url and business version: "http://x|1.0". ok is false if there is no version.
func CutVersion(canonical string) (url, version string, ok bool) { return strings.Cut(canonical, "|") }
