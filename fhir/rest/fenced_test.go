package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// citizens serves with callers that are patients: the header From names one, who sees what refers to them. "" sees all.
func citizens(t *testing.T) *served {
	return serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Authenticate = func(r *http.Request) (context.Context, error) {
			id := fhir.ID(r.Header.Get("From"))
			if id == "" {
				return rest.Unauthenticated(r)
			}
			key := fhir.Key{Type: "Patient", ID: id}
			grants := map[fhir.Type]*store.Grants{}
			for _, t := range []fhir.Type{"Observation", "Encounter"} {
				in, err := interaction.InCompartment(key, t)
				if err != nil {
					return nil, err
				}
				g := store.Grant{Where: []search.Condition{in}}
				grants[t] = &store.Grants{g, g, g, g, g}
			}
			self := store.Grant{Where: []search.Condition{search.IDs{ID: []fhir.ID{id}}}}
			grants["Patient"] = &store.Grants{store.ActionRead: self, store.ActionSearch: self}
			ctx := access.WithCaller(r.Context(), &access.Caller{Issuer: "https://id.example", Subject: string(id), Role: access.RoleCitizen, Patient: id})
			return store.WithFence(ctx, store.NewFence(grants, "").Allowing(map[string]bool{"everything": true, "meta": true})), nil
		}
	})
}

// as asks in the name of a citizen.
func (s *served) as(t *testing.T, citizen, method, path, body string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("From", citizen)
	if body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw), res.Header
}

// two puts the records of two citizens there.
func two(t *testing.T, s *served) {
	for _, id := range []string{"an", "binh"} {
		s.as(t, "", "PUT", "/Patient/"+id, fmt.Sprintf(`{"resourceType":"Patient","id":%q,"active":true}`, id))
		for i := range 3 {
			body := fmt.Sprintf(`{"resourceType":"Observation","id":"%s-%d","status":"final","code":{"text":"secret-of-%s"},"subject":{"reference":"Patient/%s"}}`, id, i, id, id)
			if status, raw, _ := s.as(t, "", "PUT", fmt.Sprintf("/Observation/%s-%d", id, i), body); status != 201 {
				t.Fatal(raw)
			}
		}
	}
}

// Whatever a citizen asks, nothing of the other one comes, and each way shows their own.
func TestFencedWays(t *testing.T) {
	s := citizens(t)
	two(t, s)
	for _, path := range []string{
		"/Observation", "/Observation?_total=accurate&_include=Observation:subject", "/Observation/_history", "/_history", "/Patient?_revinclude=Observation:subject",
		"/Patient/an/$everything", "/Patient/an/Observation", "/Patient/an/*", "/?_type=Patient,Observation", "/?_lastUpdated=gt2020", "/Observation/an-0",
		"/Observation/an-0/_history", "/Observation/an-0/_history/1", "/Observation/an-0/$meta", "/Patient?_has:Observation:subject:status=final", "/Observation?subject.active=true",
	} {
		status, raw, h := s.as(t, "an", "GET", path, "")
		if status != 200 || !strings.Contains(raw, "an") && !strings.HasSuffix(path, "$meta") {
			t.Errorf("GET %s: %d %.300s", path, status, raw)
		}
		if strings.Contains(raw, "binh") {
			t.Errorf("FENCED: GET %s shows another citizen's: %s", path, raw)
		}
		if cache := h.Get("Cache-Control"); cache != "private, no-cache" || !strings.Contains(h.Get("Vary"), "Authorization") {
			t.Errorf("GET %s: Cache-Control %q, Vary %q", path, cache, h.Get("Vary"))
		}
	}
	for _, path := range []string{"/Observation/%s-0", "/Observation/%s-0/_history", "/Observation/%s-0/_history/1", "/Patient/%s", "/Patient/%s/$everything", "/Observation/%s-0/$meta"} {
		ask := func(id string) string {
			status, raw, h := s.as(t, "an", "GET", fmt.Sprintf(path, id), "")
			return strings.ReplaceAll(fmt.Sprint(status, raw, h.Get("Etag"), h.Get("Last-Modified")), id, "ID")
		}
		if hidden, none := ask("binh"), ask("nobody"); hidden != none {
			t.Errorf("FENCED: %s of a hidden resource and of none differ:\n%s\n%s", path, hidden, none)
		}
	}
	for _, path := range []string{"/Claim", "/Claim/1", "/Claim/_history", "/?_type=Claim"} {
		if status, raw, _ := s.as(t, "an", "GET", path, ""); status != 403 || !strings.Contains(raw, "access-denied") {
			t.Errorf("FENCED: GET %s: %d %.300s", path, status, raw)
		}
	}
}

// Writes of a citizen reach nobody else's records, by whatever way they name them.
func TestFencedWrites(t *testing.T) {
	s := citizens(t)
	two(t, s)
	about := func(id, patient string) string {
		return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"amended","code":{"text":"x"},"subject":{"reference":"Patient/%s"}}`, id, patient)
	}
	entry := func(method, url, resource string) string {
		if resource != "" {
			resource = `"resource":` + resource + ","
		}
		return fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[{%s"request":{"method":%q,"url":%q}}]}`, resource, method, url)
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", "/Observation/an-0", about("an-0", "an"), 200},
		{"PUT", "/Observation/an-0", about("an-0", "binh"), 403},
		{"PUT", "/Observation/binh-0", about("binh-0", "an"), 403},
		{"POST", "/Observation", about("x", "binh"), 403},
		{"POST", "/Observation", about("x", "an"), 201},
		{"PUT", "/Patient/an", `{"resourceType":"Patient","id":"an"}`, 403},
		{"DELETE", "/Observation/binh-0", "", 204},
		{"DELETE", "/Observation/nobody", "", 204},
		{"DELETE", "/Patient/an", "", 403},
		{"DELETE", "/Observation?_id=binh-0", "", 204},
		{"PUT", "/Observation?_id=binh-0", about("binh-0", "an"), 403},
		{"POST", "", entry("GET", "Observation/binh-0", ""), 404},
		{"POST", "", entry("DELETE", "Observation/binh-1", ""), 200},
		{"POST", "", entry("PUT", "Observation/binh-1", about("binh-1", "an")), 403},
		{"POST", "", entry("POST", "Observation", about("y", "binh")), 403},
		{"POST", "", entry("POST", "Observation", strings.Replace(about("y", "an"), "Patient/an", "Patient?_id=binh", 1)), 412},
	} {
		if status, raw, _ := s.as(t, "an", c.method, c.path, c.body); status != c.want {
			t.Errorf("FENCED: %s %s %s: %d, want %d: %.300s", c.method, c.path, c.body, status, c.want, raw)
		}
	}
	// An If-Match on what is hidden is answered as on what is not there, also in a transaction and beside what is written.
	own := `{"resource":` + about("an-1", "an") + `,"request":{"method":"PUT","url":"Observation/an-1"}}`
	for _, more := range []string{"", own + ",", `{"resource":` + about("new", "an") + `,"request":{"method":"POST","url":"Observation"}},`} {
		ask := func(id string) string {
			body := `{"resourceType":"Bundle","type":"transaction","entry":[` + more + `{"resource":` + about(id, "an") + `,"request":{"method":"PUT","url":"Observation/` + id + `","ifMatch":"W/\"1\""}}]}`
			status, raw, _ := s.as(t, "an", "POST", "", body)
			return strings.ReplaceAll(fmt.Sprint(status, raw), id, "ID")
		}
		if hidden, none := ask("binh-1"), ask("nobody"); hidden != none || !strings.HasPrefix(none, "412") {
			t.Errorf("FENCED: If-Match on a hidden resource and on none differ in a transaction:\n%s\n%s", hidden, none)
		}
	}
	for i := range 3 {
		if status, raw, _ := s.as(t, "binh", "GET", fmt.Sprintf("/Observation/binh-%d", i), ""); status != 200 || !strings.Contains(raw, "secret-of-binh") {
			t.Errorf("FENCED: binh-%d after others wrote: %d %s", i, status, raw)
		}
	}
}

// A page goes on for the caller who got the link alone; no entity tag of one caller's says anything to another.
func TestPageTokenIsTheCallers(t *testing.T) {
	s := citizens(t)
	two(t, s)
	for _, path := range []string{"/Observation?_count=1", "/Observation/_history?_count=1", "/Patient/an/$everything?_count=1"} {
		_, raw, _ := s.as(t, "an", "GET", path, "")
		_, rest, ok := strings.Cut(raw, "_page=")
		if !ok {
			t.Fatalf("%s has no next page: %s", path, raw)
		}
		token := rest[:strings.IndexAny(rest, `"&`)]
		for who, want := range map[string]int{"an": 200, "binh": 403, "": 403} {
			status, raw, _ := s.as(t, who, "GET", path+"&_page="+token, "")
			if status != want || want == 403 && !strings.Contains(raw, "page-token-of-another") {
				t.Errorf("FENCED: %q goes on with a page of an's: %d %.200s", who, status, raw)
			}
		}
		for _, who := range []string{"an", "binh"} {
			if _, _, h := s.as(t, who, "GET", path, ""); h.Get("Etag") != "" {
				t.Errorf("FENCED: a page of %s has the tag %s", who, h.Get("Etag"))
			}
		}
	}
}
