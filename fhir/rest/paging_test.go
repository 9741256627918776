package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// restarted serves a folder; what it gives ends with close, so that it can be served again.
func restarted(t *testing.T, dir string) (s *served, end func()) {
	st := enginetest.OpenAt(t, dir, engine.Options{Now: steps()})
	service := interaction.New(interaction.Config{Store: st})
	h, err := rest.New(ours(context.Background()), rest.Config{Authenticate: rest.Unauthenticated, Service: service, BaseURL: "http://records.example/fhir", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	return &served{srv, service, st, srv.URL + "/fhir"}, func() {
		srv.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// linkPath gives the path and query of a link below the base; "" if there is none.
func linkPath(t *testing.T, r reply, relation string) string {
	t.Helper()
	for l := range r.doc(t).Get("link").Elements() {
		if l.Get("relation").Text() == relation {
			_, path, _ := strings.Cut(l.Get("url").Text(), "/fhir")
			return path
		}
	}
	return ""
}

// A link to a page lives through a restart, whatever is written before and after it.
func TestPageAcrossRestart(t *testing.T) {
	for query, want := range map[string][]string{
		"/Patient?_sort=_id&_count=2": {"p2", "p3"}, "/?_type=Patient,Group&_sort=_id&_count=2": {"p2", "p3"}, "/Patient/_history?_count=2": {"p2", "p1"},
	} {
		dir := t.TempDir()
		s, end := restarted(t, dir)
		for i := range 5 {
			s.do(t, "PUT", fmt.Sprintf("/Patient/p%d", i), fmt.Appendf(nil, `{"resourceType":"Patient","id":"p%d"}`, i)).want(t, 201)
		}
		next := linkPath(t, s.do(t, "GET", query, nil).want(t, 200), "next")
		s.do(t, "DELETE", "/Patient/p3", nil).want(t, 204)
		end()
		s, end = restarted(t, dir)
		s.do(t, "PUT", "/Patient/p2a", []byte(`{"resourceType":"Patient","id":"p2a"}`)).want(t, 201)
		page := s.do(t, "GET", next, nil).want(t, 200)
		var got []string
		for e := range page.doc(t).Get("entry").Elements() {
			got = append(got, e.Get("resource").Get("id").Text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("AS-OF: %s: after the restart the second page is %v, want %v", query, got, want)
		}
		s.do(t, "GET", linkPath(t, page, "first"), nil).want(t, 200)
		end()
	}
}

// Every change of a token is refused, and so is a token with any other search, type, compartment or history.
func TestPageTokenIsBound(t *testing.T) {
	s := serve(t)
	for i := range 4 {
		s.do(t, "PUT", fmt.Sprintf("/Patient/p%d", i), fmt.Appendf(nil, `{"resourceType":"Patient","id":"p%d","active":true,"link":[{"other":{"reference":"Patient/p0"},"type":"seealso"}]}`, i)).want(t, 201)
	}
	refused := func(path string) {
		t.Helper()
		r := s.do(t, "GET", path, nil)
		if r.StatusCode != 400 || !json.Valid(r.raw) || !strings.Contains(string(r.raw), "page-token") {
			t.Errorf("%s: status %d: %.200s", path, r.StatusCode, r.raw)
		}
	}
	var tokens []string
	searches := []string{
		"/Patient?active=true&_count=1", "/Patient?active=true&_count=2", "/Patient?_count=1", "/?_type=Patient&_count=1", "/?_type=Patient,Group&_count=1",
		"/Patient/p0/*?_count=1", "/Patient/p0/Patient?_count=1", "/Patient/_history?_count=1", "/_history?_count=1", "/Patient?active=true&_maxresults=3&_count=1",
		"/Patient?active=true&_sort=_id&_count=1", "/Patient/p0/*?_type=Patient&_count=1",
	}
	for _, path := range searches {
		next := linkPath(t, s.do(t, "GET", path, nil).want(t, 200), "next")
		at, token, ok := strings.Cut(next, "_page=")
		if !ok {
			t.Fatalf("%s has no next page", path)
		}
		s.do(t, "GET", next, nil).want(t, 200)
		tokens = append(tokens, token)
		for i := range token {
			for _, c := range []byte{'A', '_', token[i] ^ 1} {
				changed := []byte(token)
				if changed[i] = c; c == token[i] || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", rune(c)) {
					continue
				}
				refused(at + "_page=" + string(changed))
			}
		}
		refused(at + "_page=" + token[:len(token)-1])
		refused(at + "_page=" + token + "A")
		refused(next + "&_page=" + token)
	}
	for i, path := range searches {
		for j, token := range tokens {
			if i != j {
				refused(path + "&_page=" + token)
			}
		}
	}
}
