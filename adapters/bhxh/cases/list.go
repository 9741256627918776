package cases

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

const (
	// DefaultCount and MaxCount are rows of a page.
	DefaultCount = 50
	MaxCount     = 1000
	// maxLooked is how many claims are opened for a page, maxPassed how many are passed over.
	maxLooked = 5_000
	maxPassed = 500_000
)

// Page is a page of a list, in the order of the claims' ids.
type Page struct {
	Rows []Row  `json:"cases"`
	Next string `json:"next,omitempty"` // token of the page after it; "" = this is the last one
}

// List gives the claims that the filter wants and the caller may see, after the page whose Next is given ("" = from the
// first). Each claim comes at most once over all pages, as it stands when it is its turn. A page may have fewer rows than
// count, even none, and yet a Next: so many were looked at.
func (s *Service) List(ctx context.Context, f Filter, count int, next string) (Page, error) {
	after, err := openToken(next)
	if err != nil {
		return Page{}, err
	}
	p := Page{Rows: []Row{}}
	now := s.Now()
	looked, passed := 0, 0
	for it, err := range s.Outbox.Newest(ctx, after, f.states()...) {
		if err != nil {
			return Page{}, err
		}
		if len(p.Rows) == count || looked == maxLooked || passed == maxPassed {
			p.Next = token(after)
			break
		}
		passed++
		after = it.Claim
		if !f.item(it, now) {
			continue
		}
		looked++
		d, ok, err := s.read(quietly(ctx), it)
		if err != nil {
			return Page{}, err
		}
		if !ok {
			continue
		}
		row, _, _ := s.row(it, d)
		if !f.row(row) {
			continue
		}
		if _, ok, err = s.read(ctx, it); err != nil { // now it is shown
			return Page{}, err
		}
		if ok {
			p.Rows = append(p.Rows, row)
		}
	}
	return p, nil
}

// token hides that the place is a claim's id: it is nothing to build upon.
func token(after fhir.ID) string { return base64.RawURLEncoding.EncodeToString([]byte("1" + after)) }

func openToken(s string) (fhir.ID, error) {
	if s == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	id, ok := strings.CutPrefix(string(raw), "1")
	if err == nil && ok {
		if id, err := fhir.ParseID(id); err == nil {
			return id, nil
		}
	}
	return "", fhir.Errorf(fhir.Invalid, "case-page", "http.page")
}
