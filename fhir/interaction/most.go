package interaction

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// mostParam bounds the matches of a search over all its pages. It comes from R5, and R4 lets servers have more parameters
// than it names. The total stays the number of all that match.
const mostParam = "_maxresults"

// takeMost takes the bound out of the parameters; 0 = there is none.
func takeMost(params []search.Parameter) (most int, rest []search.Parameter, err error) {
	rest = params[:0:0]
	for _, p := range params {
		if p.Key() != mostParam {
			rest = append(rest, p)
			continue
		}
		if most > 0 {
			return 0, nil, fhir.Errorf(fhir.Invalid, "search-param-repeated", "http."+mostParam, mostParam)
		}
		n, err := strconv.ParseUint(p.Value, 10, 31)
		if err != nil || n == 0 {
			return 0, nil, fhir.Errorf(fhir.Invalid, "maxresults-invalid", "http."+mostParam, p.Value[:min(len(p.Value), 64)])
		}
		most = int(n)
	}
	return most, rest, nil
}

// size is how many matches the page may have, of the count that a page has.
func (o SearchOptions) size(count int) int {
	if o.most == 0 {
		return count
	}
	return min(count, o.most-o.Shown)
}

// more says that matches follow on those of the page, the last of which is at place: on a next page, or cut off.
func (p *Page) more(place []byte, o SearchOptions) {
	if o.most > 0 && o.Shown+o.size(p.Count) >= o.most {
		p.cut = true
		return
	}
	p.Next = place
}

// applyMost adds the bound to what was used.
func applyMost(p *Page) {
	if p.Most > 0 {
		p.Request.Applied = strings.TrimPrefix(p.Request.Applied+"&"+mostParam+"="+strconv.Itoa(p.Most), "&")
	}
}
