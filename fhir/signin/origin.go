package signin

import (
	"net/http"
	"strings"
)

// ours says whether a request with our cookie was made by a page of ours, or, where it only reads, by the person: with the
// address bar, a bookmark, or a link elsewhere that leads here. Browsers say so in Sec-Fetch-Site, older ones in Origin; a
// request that changes something and says neither is refused. A page that sends no referrer, as those of this server, has the
// origin "null" also for its own forms: that says nothing, and Sec-Fetch-Site has to.
// Source: https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#origin-header
func (s *Service) ours(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	origin, site := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	if len(origin) > 1 || len(site) > 1 {
		return false
	}
	from := len(origin) == 1 && strings.EqualFold(origin[0], s.origin)
	if len(origin) == 1 && !from && (origin[0] != "null" || len(site) == 0) {
		return false
	}
	if len(site) == 0 {
		return reads || from
	}
	switch site[0] {
	case "same-origin":
		return true
	case "none":
		return reads
	}
	return reads && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
