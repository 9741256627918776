package rest

import (
	"context"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// lastN is GET Observation/$lastn.
func (s *Server) lastN(ctx context.Context, c *call) (answer, error) {
	if c.key.Type != "Observation" {
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", string(c.key.Type)+"/$lastn")
	}
	all, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	var params []search.Parameter
	var used []string
	most := 1
	for _, p := range all {
		switch p.Key() {
		case "_format", "_pretty":
			continue
		case "max":
			if most, err = strconv.Atoi(p.Value); err != nil || most < 1 {
				return answer{}, fhir.Errorf(fhir.Invalid, "lastn-max", "http.max", clip(p.Value))
			}
		case "_summary", "_elements":
			if p.Value == "count" {
				return answer{}, fhir.Errorf(fhir.Invalid, "summary-count", "http._summary")
			}
		default:
			params = append(params, p)
		}
		used = append(used, queryEscape(p.Key())+"="+queryEscape(p.Value))
	}
	if err := c.checkElements(c.key.Type); err != nil {
		return answer{}, err
	}
	found, err := s.operations.LastN(ctx, params, most, c.at)
	if err != nil {
		return answer{}, err
	}
	b := newBundle("searchset")
	b.total(len(found))
	b.link("self", pageLink(c.base, "Observation/$lastn", strings.Join(used, "&"), showParams(all), ""))
	for _, f := range found {
		b.entry(c.base, f, c.show, "match")
	}
	return answer{body: b.end()}, nil
}

// byBody runs a handler for a POST: the parameters are in the body, as Parameters or as a form, or in the URL.
func (s *Server) byBody(run handler) handler {
	return func(ctx context.Context, c *call) (answer, error) {
		if c.http.ContentLength == 0 {
			return run(ctx, c)
		}
		raw, err := s.operationQuery(c)
		if err != nil {
			return answer{}, err
		}
		c.query = strings.Trim(c.query+"&"+raw, "&")
		if err := c.negotiateQuery(); err != nil {
			return answer{}, err
		}
		return run(ctx, c)
	}
}
