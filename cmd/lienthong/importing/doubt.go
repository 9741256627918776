package importing

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// fate is what is known about a parcel that was sent and not marked.
type fate int

const (
	harmless fate = iota // sending it again changes nothing: all its entries are PUT or conditional
	landed
	missing
	untold // it has plain POST entries and nothing to ask for
)

// probes is how many identifiers are asked for: one alone may have been there before.
const probes = 3

// fateOf finds out what became of a parcel. A transaction lands whole or not at all, so that a few of its resources
// stand for all; identifiers of entries with ifNoneExist prove nothing, since these may have come from elsewhere.
func (t Target) fateOf(ctx context.Context, p *parcel) (fate, error) {
	doc, err := resource.Parse(p.body, limits)
	if err != nil {
		return untold, err
	}
	queries, plain := identifying(doc.Root())
	switch {
	case !plain:
		return harmless, nil
	case !p.atomic || len(queries) == 0:
		return untold, nil
	}
	for _, q := range queries {
		n, err := t.count(ctx, q)
		if err != nil {
			return untold, err
		}
		if n == 0 {
			return missing, nil
		}
	}
	return landed, nil
}

// identifying gives searches for resources that only this bundle makes, of different types first, and whether there is
// an entry that would be doubled by a repeat.
func identifying(bundle resource.Value) (queries []string, plain bool) {
	var spare []string
	seen := map[string]bool{}
	for e := range bundle.Get("entry").Elements() {
		request := e.Get("request")
		if request.Get("method").Text() != "POST" || request.Get("ifNoneExist").Text() != "" {
			continue
		}
		plain = true
		res := e.Get("resource")
		typ := string(res.ResourceType())
		id := res.Get("identifier").At(0)
		if id.Kind() == resource.None {
			continue
		}
		system, value := id.Get("system").Text(), id.Get("value").Text()
		if system == "" || value == "" {
			continue
		}
		q := typ + "?identifier=" + url.QueryEscape(search.EscapeValue(system)+"|"+search.EscapeValue(value)) + "&_summary=count"
		if seen[typ] {
			if len(spare) < probes {
				spare = append(spare, q)
			}
			continue
		}
		seen[typ] = true
		queries = append(queries, q)
	}
	queries = append(queries, spare...)
	return queries[:min(len(queries), probes)], plain
}

// count gives Bundle.total of a search.
func (t Target) count(ctx context.Context, query string) (int, error) {
	status, body, err := t.get(ctx, query)
	if err != nil {
		return 0, err
	}
	doc, err := resource.Parse(body, limits)
	if err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("the server could not be asked whether a bundle had landed: HTTP %d", status)
	}
	var n int
	_, err = fmt.Sscan(doc.Root().Get("total").Text(), &n)
	return n, err
}

func (t Target) get(ctx context.Context, path string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Base+"/"+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/fhir+json")
	resp, err := t.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return resp.StatusCode, body, err
}
