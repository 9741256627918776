package rest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The policy of a page allows the style that is in it, and nothing else is loaded.
func TestPagePolicyFitsItsStyle(t *testing.T) {
	s := serve(t)
	r := s.do(t, "GET", "/metadata?_format=html", nil).want(t, 200)
	_, rest, _ := strings.Cut(string(r.raw), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
		t.Errorf("policy %q has not %s", policy, want)
	}
	for _, word := range []string{"<script", " src=", "<link", "@import", "url(", " onclick", " style="} {
		if strings.Contains(string(r.raw), word) {
			t.Errorf("the page has %q", word)
		}
	}
}

// No text of a document, of a query or of a header becomes markup, wherever it stands and however it is written.
func FuzzPageEscapes(f *testing.F) {
	s := serve(f)
	for _, text := range []string{"<script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "</pre></style><script>", "' onload='x", "\u003cscript\u003e", "Patient/<b>", "&lt;script&gt;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text + "<zz>")
		if err != nil {
			t.Skip(err)
		}
		body := fmt.Appendf(nil, `{"resourceType":"Patient","id":"a","name":[{"text":%s}],"address":[{"text":%s}],"identifier":[{"system":"urn:x","value":%s}],"link":[{"other":{"reference":%s},"type":"seealso"}]}`, quoted, quoted, quoted, quoted)
		s.do(t, "PUT", "/Patient/a", body) // what is refused is a page as well
		search := "/Patient?_format=html&name=" + url.QueryEscape(text+"<zz>")
		for _, path := range []string{"/Patient/a?_format=html", "/Patient?_format=html", "/Patient/a/_history?_format=html", search, search + "&" + url.QueryEscape(text+"<zz>") + "=1"} {
			r := s.do(t, "GET", path, nil)
			if strings.Contains(r.Header.Get("Content-Type"), "html") && (bytes.Contains(r.raw, []byte("<zz")) || bytes.Contains(r.raw, []byte("<script"))) ||
				bytes.Contains(r.raw, []byte(`href="javascript:`)) {
				t.Errorf("%s: %q became markup:\n%.3000s", path, text, r.raw)
			}
		}
	})
}

var screens = flag.String("screens", "", "folder to put screenshots of the pages into")

// A real browser shows the pages without a complaint of its policy, also on a narrow screen.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Skip("no chromium here, or -short: the pages are looked at by nobody")
	}
	s := serve(t)
	s.do(t, "PUT", "/Patient/lan", []byte(`{"resourceType":"Patient","id":"lan","active":true,"name":[{"use":"official","text":"Võ Thị Lan","family":"Võ","given":["Thị","Lan"]}],"gender":"female","birthDate":"1985-01-01","address":[{"line":["12 Nguyễn Huệ, Phường Bến Nghé"],"city":"Thành phố Hồ Chí Minh"}],"managingOrganization":{"reference":"Organization/bv"}}`)).want(t, 201)
	s.do(t, "PUT", "/Patient/an", []byte(`{"resourceType":"Patient","id":"an","name":[{"text":"Nguyễn Văn An"}],"link":[{"other":{"reference":"Patient/lan"},"type":"seealso"}]}`)).want(t, 201)
	for name, path := range map[string]string{
		"resource": "/Patient/lan?_format=html", "search": "/Patient?_format=html&_count=1&_sort=_id", "history": "/Patient/lan/_history?_format=html",
		"error": "/Patient?nmae=x&_format=html", "metadata": "/metadata?_format=html",
	} {
		sizes := []string{"500,900"}
		if *screens != "" {
			sizes = append(sizes, "1100,900")
		}
		for _, size := range sizes {
			ctx, cancel := context.WithTimeout(ours(t.Context()), time.Minute)
			shot := filepath.Join(t.TempDir(), "page.png")
			if *screens != "" {
				shot = filepath.Join(*screens, name+"-"+strings.ReplaceAll(size, ",", "x")+".png")
			}
			cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
				"--user-data-dir="+t.TempDir(), "--window-size="+size, "--screenshot="+shot, s.base+path)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			cancel()
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, stderr.String())
			}
			if strings.Contains(stderr.String(), "Content Security Policy") {
				t.Errorf("%s: %s", name, stderr.String())
			}
			if len(out) > 0 && !strings.Contains(string(out), "</main>") {
				t.Errorf("%s: %.300s", name, out)
			}
		}
	}
}

// TestAPageThatOnlyCounts: it does not say that nothing was found, next to how many were.
func TestAPageThatOnlyCounts(t *testing.T) {
	s := serve(t)
	s.do(t, "PUT", "/Patient/lan", []byte(`{"resourceType":"Patient","id":"lan","gender":"female"}`)).want(t, 201)
	for path, none := range map[string]bool{
		"/Patient?_summary=count": false, "/Patient?_count=0&_total=accurate": false, "/Patient": false,
		"/Patient?gender=male": true, "/Patient?gender=male&_summary=count": true,
	} {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		page := string(s.do(t, "GET", path+join+"_format=html", nil).want(t, 200).raw)
		if got := strings.Contains(page, "Nothing was found"); got != none {
			t.Errorf("%s says that nothing was found: %v, want %v", path, got, none)
		}
	}
}

// TestAnAuditEventIsToldInItsWords: the page of who looked at a record is read by people.
func TestAnAuditEventIsToldInItsWords(t *testing.T) {
	s := serve(t)
	const event = `{"resourceType":"AuditEvent","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Trạm Y tế Giả Định</p><p>&lt;looked&gt; at it</p></div>"},"type":{"code":"rest","display":"RESTful Operation"},"recorded":"2026-01-01T00:00:00Z","agent":[{"requestor":true}],"source":{"observer":{"display":"x"}}}`
	ask := func(method, path, accept, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		r.Header.Set("Content-Type", "application/fhir+json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode > 299 {
			t.Fatal(answer.Status, string(raw), err)
		}
		return string(raw)
	}
	ask("PUT", "/AuditEvent/a", "application/fhir+json", event)
	if page := ask("GET", "/AuditEvent", "text/html", ""); !strings.Contains(page, "Trạm Y tế Giả Định &lt;looked&gt; at it") {
		t.Error(page)
	}
}
