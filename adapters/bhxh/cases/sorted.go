package cases

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
)

// Order is how a list is sorted; the zero Order is that of the claims' ids.
type Order struct {
	By   string // age, submitted, requested, paid or reduced
	Down bool   // the largest first
}

const paramSort = "_sort"

// ParseOrder reads _sort=age, -age, requested, -reduced, ... from a query, and leaves it out. Kind Invalid, code "case-value".
func ParseOrder(q url.Values) (o Order, err error) {
	text := q.Get(paramSort)
	delete(q, paramSort)
	if text == "" {
		return o, nil
	}
	o.By, o.Down = strings.CutPrefix(text, "-")
	if _, ok := amounts[o.By]; !ok && o.By != paramAge {
		return o, unread(paramSort)
	}
	return o, nil
}

// maxSorted is of how many claims the documents are opened to sort them by an amount.
const maxSorted = 50_000

// place is where a claim stands in an order.
type place struct {
	value apd.Decimal // of what is sorted by; a claim without an amount stands below all that have one
	none  bool
	key   delivery.Key
}

// compare orders places; equal values follow the ids.
func (o Order) compare(a, b place) int {
	c := 0
	switch {
	case a.none != b.none && a.none:
		c = -1
	case a.none != b.none:
		c = 1
	default:
		c = a.value.Cmp(&b.value)
	}
	if o.Down {
		c = -c
	}
	return cmp.Or(c, strings.Compare(string(a.key.Claim), string(b.key.Claim)))
}

// Sorted is List in another order. Each page is sorted anew: a claim whose value changes between two pages may come twice or not at
// all. Kind TooCostly, code "case-sort", if the documents of too many claims would have to be opened to sort them.
func (s *Service) Sorted(ctx context.Context, f Filter, o Order, count int, next string) (Page, error) {
	after, err := openPlace(next)
	if err != nil {
		return Page{}, err
	}
	places, err := s.places(ctx, f, o)
	if err != nil {
		return Page{}, err
	}
	slices.SortFunc(places, o.compare)
	if next != "" {
		at, found := slices.BinarySearchFunc(places, after, o.compare)
		if found {
			at++
		}
		places = places[at:]
	}
	p := Page{Rows: []Row{}}
	now := s.Now()
	for i, at := range places {
		if len(p.Rows) == count || i == maxLooked {
			p.Next = places[i-1].token()
			break
		}
		it, err := s.Outbox.Load(ctx, at.key)
		if err != nil {
			return Page{}, err
		}
		if !f.item(it.Item, now) {
			continue // it moved on meanwhile
		}
		d, ok, err := s.read(quietly(ctx), it.Item)
		if err != nil {
			return Page{}, err
		}
		if !ok {
			continue
		}
		row, _, _ := s.row(it.Item, d)
		if !f.row(row) {
			continue
		}
		if _, ok, err = s.read(ctx, it.Item); err != nil { // now it is shown
			return Page{}, err
		}
		if ok {
			p.Rows = append(p.Rows, row)
		}
	}
	return p, nil
}

// places gives where the claims stand that the filter wants, as far as that can be told: by age from the items alone.
func (s *Service) places(ctx context.Context, f Filter, o Order) (out []place, err error) {
	now := s.Now()
	for it, err := range s.Outbox.Newest(ctx, "", f.states()...) {
		if err != nil {
			return nil, err
		}
		if !f.item(it, now) {
			continue
		}
		at := place{key: it.Key()}
		if o.By == paramAge {
			at.value.SetInt64(-int64(it.Since))
			out = append(out, at)
			continue
		}
		if len(out) == maxSorted {
			return nil, fhir.Errorf(fhir.TooCostly, "case-sort", "", maxSorted)
		}
		d, ok, err := s.read(quietly(ctx), it)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		row, _, _ := s.row(it, d)
		has, ok := amount(amounts[o.By](row))
		at.value, at.none = has, !ok
		out = append(out, at)
	}
	return out, nil
}

// token says where the next page begins.
func (p place) token() string {
	value := p.value.String()
	if p.none {
		value = ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte("2" + value + "|" + p.key.String()))
}

func openPlace(s string) (p place, err error) {
	if s == "" {
		return p, nil
	}
	bad := fhir.Errorf(fhir.Invalid, "case-page", "http.page")
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) > 200 {
		return p, bad
	}
	text, ok := strings.CutPrefix(string(raw), "2")
	value, key, two := strings.Cut(text, "|")
	if !ok || !two {
		return p, bad
	}
	if p.none = value == ""; !p.none {
		d, _, err := apd.NewFromString(value)
		if err != nil || d.Form != apd.Finite {
			return p, bad
		}
		p.value = *d
	}
	if p.key, ok = delivery.ParseKey(key); !ok {
		return p, bad
	}
	return p, nil
}
