package page_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/certificate/page"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// open serves the page of an issuer at a path of its own, in front of a server that answers 418.
func open(t *testing.T) (*certificate.Service, http.Handler) {
	t.Helper()
	st := enginetest.Open(t, engine.Options{})
	raw, _, err := certificate.AddKey(nil, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certificate.ParseKeys(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := certificate.New(t.Context(), certificate.Config{Interactions: interaction.New(interaction.Config{Store: st}), Keys: keys, Issuer: "https://cards.example/at/here"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := page.New(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s, h.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
}

func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded"

func TestKeysAreWhereTheSpecificationHasThem(t *testing.T) {
	s, h := open(t)
	w := ask(h, "GET", "/at/here/.well-known/jwks.json", "")
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v %s", err, w.Body)
	}
	k := set.Keys[0]
	if k["d"] != nil || k["kty"] != "EC" || k["use"] != "sig" || k["alg"] != "ES256" || k["crv"] != "P-256" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v %v", k, w.Header())
	}
	kid, _ := k["kid"].(string)
	if !s.Keys.Has(kid) {
		t.Errorf("kid %q", kid)
	}
	w = ask(h, "GET", "/at/here/.well-known/crl/"+kid+".json", "")
	if w.Code != 200 || w.Body.String() != `{"kid":"`+kid+`","method":"rid","ctr":0,"rids":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{
		"/at/here/.well-known/crl/none.json": 404, "/at/here/.well-known/crl/" + kid: 404, "/at/here/other": 418, "/at/here": 418,
		"/fhir/Patient": 418, "/.well-known/jwks.json": 418, "/at/hereverify": 418,
	} {
		if w := ask(h, "GET", path, ""); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestThePageJudges(t *testing.T) {
	s, h := open(t)
	i, err := s.Issue(t.Context(), certificate.Card{Issuer: s.Issuer, RID: "R", Family: "<b>Trần</b>", Given: []string{"Bình"}, BirthDate: "1990-02-28",
		Doses: []certificate.Dose{{System: "http://hl7.org/fhir/sid/cvx", Code: "08", Date: "2025-01-10", Lot: `"><script>x</script>`}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{i.JWS, i.HC1, certificate.Numeric(i.JWS)[0]} {
		w := ask(h, "POST", "/at/here/verify", "text="+url.QueryEscape(text), "Content-Type", form)
		body := w.Body.String()
		if w.Code != 200 || !strings.Contains(body, "Hợp lệ") || !strings.Contains(body, "28/02/1990") || !strings.Contains(body, "Viêm gan B sơ sinh") {
			t.Errorf("%d %s", w.Code, body)
		}
		if strings.Contains(body, "<b>Trần") || strings.Contains(body, "<script") {
			t.Errorf("what stands in a certificate acts: %s", body)
		}
	}
	w := ask(h, "POST", "/at/here/verify?lang=en", i.HC1, "Content-Type", "text/plain", "Accept", "application/json")
	var v page.Verdict
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Result != "valid" || len(v.Cards) != 1 || v.Cards[0].Doses[0].Vaccine != "Hepatitis B" {
		t.Errorf("%v %s", err, w.Body)
	}
	for text, want := range map[string]string{i.JWS[:len(i.JWS)-4] + "AAAA": "Not valid", "<img src=x>": "Cannot be read", "": "Cannot be read"} {
		w := ask(h, "POST", "/at/here/verify?lang=en", "text="+url.QueryEscape(text), "Content-Type", form)
		if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, "<h2>"+want) || strings.Contains(body, "<img") {
			t.Errorf("%q: %d %s", text, w.Code, body)
		}
	}
	if w := ask(h, "POST", "/at/here/verify", strings.Repeat("x", 2<<20)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", w.Code)
	}
}

func TestDaysAreThoseOfThePrintedPage(t *testing.T) {
	s, h := open(t)
	night := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC) // the second in Vietnam
	for expires, want := range map[time.Time][]string{
		night.AddDate(100, 0, 0): {"Hợp lệ", "02/01/2126"},
		night.AddDate(0, 1, 0):   {"02/02/2026", "2026-02-02"},
	} {
		i, err := s.Issue(t.Context(), certificate.Card{Issuer: s.Issuer, Family: "Trần", BirthDate: "1990-02-28", Expires: expires,
			Doses: []certificate.Dose{{System: "http://hl7.org/fhir/sid/cvx", Code: "08", Date: "2025-01-10"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{i.JWS, i.HC1} {
			body := ask(h, "POST", "/at/here/verify", "text="+url.QueryEscape(text), "Content-Type", form).Body.String()
			for _, w := range want {
				if !strings.Contains(body, w) {
					t.Errorf("%s is not in %s", w, body)
				}
			}
		}
	}
}

func TestThePageStandsAlone(t *testing.T) {
	_, h := open(t)
	for lang, want := range map[string]string{"vi": "Kiểm tra", "en": "Check"} {
		w := ask(h, "GET", "/at/here/verify", "", "Accept-Language", lang)
		body := w.Body.String()
		if !strings.Contains(body, want) || !strings.Contains(body, `lang="`+lang+`"`) {
			t.Errorf("%s: %s", lang, body)
		}
		for _, foreign := range []string{"http:", "https:", "//", "<script", "@import", "<img"} {
			if strings.Contains(strings.Replace(body, "<!doctype html>", "", 1), foreign) {
				t.Errorf("%s: the page has %q", lang, foreign)
			}
		}
		if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v", w.Header())
		}
	}
}
