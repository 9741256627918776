package rest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
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
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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
