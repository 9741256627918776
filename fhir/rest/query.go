package rest

import (
	"net/url"
	"strings"
)

// dropParams takes parameters by name out of a raw query and leaves the rest as it is.
func dropParams(raw string, names ...string) string {
	if !strings.Contains(raw, "_") {
		return raw
	}
	parts := strings.Split(raw, "&")
	kept := parts[:0]
next:
	for _, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		for _, n := range names {
			if name == n {
				continue next
			}
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "&")
}

func queryEscape(s string) string { return url.QueryEscape(s) }
