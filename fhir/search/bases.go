package search

import (
	"net/netip"
	"slices"
	"strings"
)

// Bases are FHIR base URLs by which this server is reached: absolute references that begin with one of them are references
// to resources here, as relative ones are. They are part of what an index holds: with others it must be rebuilt.
type Bases struct {
	URLs []string // without a slash at the end
	// Loopback is a path, such as /fhir: any base with this path on a loopback address counts, whatever its port; "" = none.
	// It is for a server that was given no base URL: on such an address nobody can mean a server elsewhere, and an index
	// that knew the port would have to be rebuilt at each start with another one.
	Loopback string
}

// Own says whether base is one of them.
func (b Bases) Own(base string) bool {
	return slices.Contains(b.URLs, base) || b.Loopback != "" && loopback(base, b.Loopback)
}

// loopback says whether base is that of path on a loopback address.
func loopback(base, path string) bool {
	rest, ok := strings.CutPrefix(base, "http://")
	if !ok {
		return false
	}
	host, ok := strings.CutSuffix(rest, path)
	if !ok || strings.Contains(host, "/") {
		return false
	}
	if port := host[strings.LastIndexByte(host, ':')+1:]; len(port) < len(host) && !strings.Contains(port, "]") {
		host = host[:len(host)-len(port)-1]
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && addr.IsLoopback()
}
