package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestContentIsSwitched: _content is refused in words until its index is switched on and built, finds words of any text of
// what was there before and of what came later, with and without diacritics, composed or not, and is refused again once it
// is switched off. The CapabilityStatement lists it while it works.
func TestContentIsSwitched(t *testing.T) {
	s := serve(t)
	condition := func(id, note string) {
		t.Helper()
		s.do(t, "PUT", "/Condition/"+id, fmt.Appendf(nil, `{"resourceType":"Condition","id":%q,"subject":{"display":"x"},"note":[{"text":%q}],
		  "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ghi&nbsp;chú <b>%s</b></div>"}}`, id, note, id))
	}
	ask := func(words string) (status int, ids string) {
		t.Helper()
		r := s.do(t, "GET", "/Condition?_content="+url.QueryEscape(words), nil)
		var found []string
		for e := range r.doc(t).Get("entry").Elements() {
			found = append(found, e.Get("resource").Get("id").Text())
		}
		return r.StatusCode, strings.Join(found, " ")
	}
	listed := func() bool {
		return strings.Contains(string(s.do(t, "GET", "/metadata", nil).raw), "SearchParameter/Resource-content")
	}
	finds := func(words, want string) {
		t.Helper()
		if status, got := ask(words); status != http.StatusOK || got != want {
			t.Errorf("%q: %d %q, want %q", words, status, got, want)
		}
	}
	refused := func() {
		t.Helper()
		if status, _ := ask("sot"); status != http.StatusBadRequest || listed() {
			t.Errorf("switched off: %d, listed: %v", status, listed())
		}
	}
	on := func() {
		t.Helper()
		ctx := store.Ourselves(context.Background())
		for range 2 { // the second time changes nothing
			if err := s.service.SetContent(ctx, true); err != nil {
				t.Fatal(err)
			}
		}
		for until := time.Now().Add(fhirtest.Patience); ; {
			status, _ := ask("sot")
			if status == http.StatusOK {
				break
			}
			if status != http.StatusServiceUnavailable || time.Now().After(until) {
				t.Fatalf("while it is built: %d", status)
			}
		}
		if r := s.do(t, "GET", "/SearchParameter/Resource-content/$status", nil); !strings.Contains(string(r.raw), `"ready"`) || strings.Contains(string(r.raw), `""`) || !listed() {
			t.Errorf("status %s, listed: %v", r.raw, listed())
		}
	}
	condition("a", "Bệnh nhân sốt cao, đau đầu")
	condition("b", norm.NFD.String("Bệnh nhân ho, không sốt"))
	refused()
	on()
	condition("c", "Đau bụng")
	finds("sốt", "a b")
	finds("SOT", "a b")
	finds(norm.NFD.String("sốt"), "a b")
	finds("dau", "a c")
	finds("đau dau", "a c")
	finds("dau đầu", "a c")
	finds("benh ho", "b")
	finds("bung,ho", "b c")
	finds("kho*", "b")
	finds("ghi chu", "a b c")
	finds("b", "b")
	condition("a", "khác")
	finds("sốt", "b")
	if err := s.service.SetContent(store.Ourselves(context.Background()), false); err != nil {
		t.Fatal(err)
	}
	refused()
	condition("d", "sốt")
	on()
	finds("sốt", "b d")
}
