package signin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/outcome"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

const pageStyle = `:root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif}main{max-width:34rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.35rem}li{margin:.6rem 0}a{overflow-wrap:anywhere}:focus-visible{outline:3px solid;outline-offset:1px}`

var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
}()

type page struct {
	Lang, Title, Text string
	Style             template.CSS
	Links             []link
}

type link struct{ Text, URL string }

// words of the pages, beside those of the catalogue.
var words = map[outcome.Language]struct{ choose, failed, again, left, leave string }{
	outcome.English:    {"Sign in", "Signing in did not work", "Sign in again", "You are signed out here.", "You may still be signed in at the issuer: end that too"},
	outcome.Vietnamese: {"Đăng nhập", "Đăng nhập không thành công", "Đăng nhập lại", "Bạn đã đăng xuất tại đây.", "Có thể bạn vẫn đang đăng nhập tại nơi cấp danh tính: đăng xuất cả ở đó"},
}

func language(r *http.Request) outcome.Language {
	return outcome.ParseLanguage(r.Header.Get("Accept-Language"))
}

func show(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Lang, p.Style = string(language(r)), template.CSS(pageStyle)
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		panic(err) // the template does not fit the page: a fault of ours
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // an error means that the browser has gone
}

// choose asks at which issuer somebody wants to sign in.
func (s *Service) choose(w http.ResponseWriter, r *http.Request, offered []*openid.Issuer, to string) {
	p := page{Title: words[language(r)].choose}
	for _, is := range offered {
		p.Links = append(p.Links, link{is.Browser.Name, SignIn + "?" + url.Values{"issuer": {is.URL}, "to": {to}}.Encode()})
	}
	show(w, r, http.StatusOK, p)
}

// left says that the session has ended.
func (s *Service) left(w http.ResponseWriter, r *http.Request, leave string) {
	said := words[language(r)]
	p := page{Title: said.left, Links: []link{{said.again, SignIn}}}
	if leave != "" {
		p.Links = append(p.Links, link{said.leave, leave})
	}
	show(w, r, http.StatusOK, p)
}

// refuse says in words why it did not work; faults of ours go to the log under the reference that the page has.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	o := outcome.Of(err, language(r))
	if o.Reference != "" {
		s.Log.ErrorContext(r.Context(), "sign-in failed", "reference", o.Reference, "err", o.Cause)
	} else {
		s.Log.InfoContext(r.Context(), "sign-in refused", "code", o.Issues[0].Code)
	}
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.Unknown {
		o.Status = http.StatusForbidden // nothing that a WWW-Authenticate could ask for would help
	}
	if o.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	said := words[language(r)]
	show(w, r, o.Status, page{Title: said.failed, Text: o.Issues[0].Text, Links: []link{{said.again, SignIn}}})
}
