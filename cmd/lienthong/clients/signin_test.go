package clients

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// chrome drives a tab of a browser; a step that does not come about ends the test.
type chrome struct {
	t   *testing.T
	ctx context.Context
}

func (c chrome) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	if err := chromedp.Do(c.ctx, steps...); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

func read[T any](c chrome, what string, a chromedp.Action[T]) T {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, a)
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// findChrome skips the test where there is no Chromium.
func findChrome(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	t.Skip("there is no Chromium here")
	return ""
}

// startChrome starts Chromium with a profile of its own. Its time begins now: what else takes time comes before.
func startChrome(t *testing.T, program string) chrome {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless,
		chromedp.NoFirstRun, chromedp.Flag("accept-lang", "en"))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*fhirtest.Patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return chrome{t, ctx}
}

// TestSignInWithABrowser goes through the demo's sign-in: a page, the issuer's page, a citizen, back to the page that now shows
// the citizen's own record alone, a search by its form, and out again.
func TestSignInWithABrowser(t *testing.T) {
	program := findChrome(t)
	base, _ := startDemoUntil(t, "a server with its population", func(base string) bool { return total(base+"/Patient?_summary=count") > 0 })
	c := startChrome(t, program)
	const (
		status  = chromedp.CSS(".status")
		signIn  = chromedp.CSS(".visitor a")
		signOut = chromedp.CSS(".visitor button")
		person  = chromedp.CSS("#citizen")
		again   = chromedp.CSS(`a[href="/auth/sign-in"]`)
		search  = chromedp.CSS(`form[role="search"] button`)
		field   = chromedp.CSS(`form[role="search"] input[name="status"]`)
		asked   = chromedp.CSS(`form[role="search"] input[name="status"][value="completed"]`) // of the page that answers alone: what is typed is no attribute
	)
	c.do("the page", chromedp.Navigate(base+"/Patient"), chromedp.WaitVisible(signIn))
	all := read(c, "all", chromedp.Text(status))
	c.do("to the issuer", chromedp.Click(signIn), chromedp.WaitVisible(person))
	c.do("and back", chromedp.Click(person), chromedp.WaitVisible(signOut))
	address, who, mine := read(c, "where", chromedp.Location()), read(c, "who", chromedp.Text(chromedp.CSS(".visitor b"))), read(c, "what", chromedp.Text(status))
	if address != base+"/Patient" || !strings.HasPrefix(who, "citizen") || !strings.Contains(mine, " 1 results") || strings.Contains(all, " 1 results") {
		t.Errorf("at %s %q sees %q; before %q", address, who, mine, all)
	}
	kept, err := chromedp.Call(c.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	cookies := kept.Cookies
	seen := read(c, "what scripts see", chromedp.Evaluate[string]("document.cookie"))
	if len(cookies) != 1 || !cookies[0].HTTPOnly || cookies[0].SameSite != network.CookieSameSiteLax || seen != "" {
		t.Errorf("cookies %+v; a script sees %q", cookies, seen)
	}
	c.do("a search", chromedp.Navigate(base+"/Immunization"), chromedp.SetValue(field, "completed"), chromedp.Click(search), chromedp.WaitVisible(asked))
	if found := read(c, "what is found", chromedp.Text(status)); strings.Contains(found, " 0 results") || !strings.Contains(found, "results") {
		t.Errorf("the search by form: %q", found)
	}
	c.do("out", chromedp.Click(signOut), chromedp.WaitVisible(again))
	if title := read(c, "title", chromedp.Title()); title != "You are signed out here." {
		t.Fatalf("signing out ends with %q", title)
	}
	c.do("the page again", chromedp.Navigate(base+"/Patient"), chromedp.WaitVisible(signIn))
	if after := read(c, "all", chromedp.Text(status)); after != all {
		t.Errorf("signed out it shows %q, before %q", after, all)
	}
	r, err := http.NewRequest(http.MethodGet, base+"/Patient", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a copy of the cookie after the end: %d", resp.StatusCode)
	}
}
