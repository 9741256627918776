package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// history is GET Type/id/_history, Type/_history and _history, with _count, _since, _at, _summary, _elements and paging.
func (s *Server) history(ctx context.Context, c *call) (answer, error) {
	path := strings.TrimPrefix(string(c.key.Type)+"/"+string(c.key.ID), "/")
	path = strings.TrimPrefix(strings.TrimSuffix(path, "/")+"/_history", "/")
	params, err := search.Parse(c.query)
	if err != nil {
		return answer{}, err
	}
	text, params, err := takePage(params)
	if err != nil {
		return answer{}, err
	}
	o, applied, err := historyOptions(params, c.prefer.lenient)
	if err != nil {
		return answer{}, err
	}
	if err := c.checkElements(c.key.Type); err != nil {
		return answer{}, err
	}
	if c.show.summary == "count" {
		o.Count = 0
	}
	used, err := search.Parse(applied)
	if err != nil {
		return answer{}, err
	}
	scope := scopeOf(path, used)
	o.AsOf = c.at
	tok := token{total: -1}
	if text != "" {
		if tok, err = s.decode(ctx, text, scope); err != nil {
			return answer{}, err
		}
		o.AsOf, o.Place = tok.asOf, interaction.HistoryPlace{T: tok.t, Seen: tok.seen}
		if len(tok.after) > 0 {
			o.Place.Current, o.Place.After = true, string(tok.after[1:])
		} else if tok.t == 0 {
			o.Skip = tok.offset
		}
	}
	tag, err := s.stateTag(ctx, c, nil)
	if err != nil {
		return answer{}, err
	}
	if c.has(tag) {
		return answer{status: http.StatusNotModified, tag: tag}, nil
	}
	page, err := s.Service.History(ctx, c.key, o)
	if err != nil {
		return answer{}, err
	}
	if c.show.summary == "count" && page.Total < 0 {
		return answer{}, fhir.Errorf(fhir.Invalid, "summary-count", "http._summary")
	}
	b := newBundle("history")
	if page.Total >= 0 {
		b.total(page.Total)
	}
	show := showParams(params)
	b.link("self", pageLink(c.base, path, applied, show, text))
	to := func(relation string, t token) {
		t.asOf, t.total = page.AsOf, -1
		b.link(relation, pageLink(c.base, path, applied, show, s.encode(ctx, t, scope)))
	}
	if text != "" {
		to("first", token{})
	}
	if tok.offset > 0 {
		to("previous", token{offset: max(tok.offset-page.Count, 0)})
	}
	if page.Next != (interaction.HistoryPlace{}) {
		next := token{offset: tok.offset + len(page.Versions), t: page.Next.T, seen: page.Next.Seen}
		if page.Next.Current {
			next.after = append([]byte{1}, page.Next.After...)
		}
		to("next", next)
	}
	for i, f := range page.Versions {
		created, err := s.created(ctx, f, page.Versions[i+1:])
		if err != nil {
			return answer{}, err
		}
		b.version(c, f, created)
	}
	return answer{body: b.end(), tag: tag}, nil
}

// historyOptions reads the parameters of a history; applied are those that were used, for links.
func historyOptions(params []search.Parameter, lenient bool) (o interaction.HistoryOptions, applied string, err error) {
	o.Count = -1
	var used []string
	for _, p := range params {
		bad := fhir.Errorf(fhir.Invalid, "history-parameter", "http."+p.Name, clip(p.Name), clip(p.Value))
		switch p.Name {
		case "_count":
			if o.Count, err = strconv.Atoi(p.Value); err != nil || o.Count < 0 {
				return o, "", bad
			}
		case "_since":
			from, _, ok := parseTime(p.Value)
			if !ok {
				return o, "", bad
			}
			o.Since = from
		case "_at":
			from, to, ok := parseTime(p.Value)
			if !ok {
				return o, "", bad
			}
			o.From, o.Until = from, to
		case "_summary", "_elements": // read by negotiate; they stay in the links
		case "_format", "_pretty":
			continue
		default:
			if !lenient {
				return o, "", fhir.Errorf(fhir.Invalid, "history-parameter-unknown", "http."+p.Name, clip(p.Name))
			}
			continue
		}
		used = append(used, p.Name+"="+queryEscape(p.Value))
	}
	return o, strings.Join(used, "&"), nil
}

// parseTime reads an instant or a partial date as a search does, and gives the first and the last millisecond of it. A
// plus sign that was sent unescaped came out as a blank.
func parseTime(s string) (from, to fhir.Instant, ok bool) {
	iv, ok := search.ParseInterval(strings.Replace(s, " ", "+", 1))
	return fhir.Instant(iv.Start), fhir.Instant(iv.End), ok
}

// created says whether a version that was put made the resource: the first one does, and one after a delete. older are
// versions that were found before it, where the one before it may be among.
func (s *Server) created(ctx context.Context, f store.Found, older []store.Found) (bool, error) {
	if f.Method != store.MethodUpdate || f.Version == 1 {
		return f.Method == store.MethodUpdate || f.Method == store.MethodCreate, nil
	}
	for _, o := range older[:min(len(older), 100)] {
		if o.Key == f.Key {
			return o.Deleted(), nil
		}
	}
	_, err := s.Service.VRead(ctx, f.Key, f.Version-1)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Gone {
		return true, nil
	}
	return false, err
}

// version adds one version to a history: what was asked for then, and what came of it.
func (b *bundle) version(c *call, f store.Found, created bool) {
	b.open()
	b.fullURL(c.base, f.Key)
	if !f.Deleted() {
		b.buf.b = append(b.buf.b, `,"resource":`...)
		b.buf.b = c.show.append(b.buf.b, f)
	}
	b.buf.b = append(b.buf.b, `,"request":{"method":"`...)
	url, status := f.Key.String(), "200 OK"
	switch f.Method {
	case store.MethodCreate:
		b.buf.b = append(b.buf.b, "POST"...)
		url, status = string(f.Key.Type), "201 Created"
	case store.MethodPatch:
		b.buf.b = append(b.buf.b, "PATCH"...)
	case store.MethodDelete:
		b.buf.b = append(b.buf.b, "DELETE"...)
		status = "204 No Content"
	default:
		b.buf.b = append(b.buf.b, "PUT"...)
		if created {
			status = "201 Created"
		}
	}
	b.buf.b = append(append(append(b.buf.b, `","url":"`...), url...), `"},`...)
	b.response(status, f.Version, f.At, "")
	b.buf.b = append(b.buf.b, '}')
}

// response adds the response member of an entry. Nothing in it needs to be escaped.
func (b *bundle) response(status string, v fhir.Version, at fhir.Instant, location string) {
	b.buf.b = append(append(append(b.buf.b, `"response":{"status":"`...), status...), '"')
	if location != "" {
		b.buf.b = append(append(append(b.buf.b, `,"location":"`...), location...), '"')
	}
	if v != 0 {
		b.buf.b = append(b.buf.b, `,"etag":"W/\"`...)
		b.buf.b = append(strconv.AppendUint(b.buf.b, uint64(v), 10), `\""`...)
	}
	if at != 0 {
		b.buf.b = append(at.AppendFormat(append(b.buf.b, `,"lastModified":"`...)), '"')
	}
	b.buf.b = append(b.buf.b, '}')
}
