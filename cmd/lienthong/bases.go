package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/search"
)

// defaultPath is that of the FHIR base when no base URL was configured.
const defaultPath = "/fhir"

// ownBases are the base URLs that mean this server, besides the one that was configured.
//
// Without a configured one clients build references from the address that is served on: from Location and fullUrl. They
// are found as any, by these rules, which the index depends on:
//
//   - a loopback address counts with every port, so that a start on another port, such as a free one, is no reason to
//     index anew, and a port that is mapped (docker run -p) is no reason to miss references;
//   - an address that others reach counts as it is served on, unless the port is a free one that is another at each start.
//
// A server that is reached by a name, or by several addresses at once, has to be told: --base-url, --also-base-url.
func ownBases(c config.Server, served string) search.Bases {
	b := search.Bases{URLs: slices.Clone(c.AlsoBaseURL)}
	if c.BaseURL != "" {
		return b
	}
	b.Loopback = defaultPath
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "0" {
		return b
	}
	if u, err := url.Parse(served); err == nil {
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !ip.IsLoopback() {
			b.URLs = append(b.URLs, served)
		}
	}
	return b
}
