package searchtest_test

import (
	"flag"
	"iter"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/search/searchtest"
	"github.com/lienthong/lienthong/fhir/terminology"
)

var (
	queries = flag.Int("queries", 5000, "number of random queries")
	seed    = flag.Uint64("seed", 0, "seed of documents and queries; 0 = of the clock")
)

// library is documents and their entries by key.
type library struct {
	docs    map[fhir.Key]resource.Value
	entries map[fhir.Key][]search.Entry
	inside  map[fhir.Key][]search.Contained
}

func (l library) Document(key fhir.Key) (resource.Value, bool) {
	d, ok := l.docs[key]
	return d, ok
}

func (l library) Documents(t fhir.Type) iter.Seq2[fhir.Key, resource.Value] { return ofType(l.docs, t) }

func (l library) Entries(key fhir.Key) ([]search.Entry, bool) {
	e, ok := l.entries[key]
	return e, ok
}

func (l library) Contained(key fhir.Key) []search.Contained { return l.inside[key] }

func (l library) Resources(t fhir.Type) iter.Seq2[fhir.Key, []search.Entry] {
	return ofType(l.entries, t)
}

func ofType[V any](m map[fhir.Key]V, t fhir.Type) iter.Seq2[fhir.Key, V] {
	return func(yield func(fhir.Key, V) bool) {
		for key, v := range m {
			if key.Type == t && !yield(key, v) {
				return
			}
		}
	}
}

// TestSearchSaysWhatDocumentsSay: random searches, bound and held against the entries of random documents, find what
// reading the documents finds. Run a million with -queries 1000000.
func TestSearchSaysWhatDocumentsSay(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", *seed)
	g := searchtest.New(*seed)
	content := search.ContentParam()
	content.ID = r4.FirstCustom
	reg, err := (*r4.Registry)(nil).With([]*r4.SearchParam{content})
	if err != nil {
		t.Fatal(err)
	}
	x := index.New(index.Options{Registry: reg})
	o := search.Options{Registry: reg, Terminology: terminology.New(terminology.Options{}), Limits: search.Limits{ChainDepth: 10}}
	var l library
	found, some := 0, 0
	for n := range *queries {
		if n%500 == 0 {
			l = shelve(t, g, x)
		}
		q := g.Query()
		params, err := search.Parse(q.Text)
		if err != nil {
			t.Fatalf("%s?%s: %v", q.Type, q.Text, err)
		}
		req, err := search.Bind(q.Type, params, o)
		if err != nil {
			t.Fatalf("%s?%s: %v", q.Type, q.Text, err)
		}
		if req.Query.Inside == search.OnTheirOwn {
			lookAmong(t, q, req.Query.Where, l)
		}
		hits := insideHits(t, n, q, req, l)
		for key, entries := range l.Resources(q.Type) {
			if !q.Own {
				break
			}
			got, want := search.MatchesIn(req.Query, key, entries, l), q.Matches(key, l)
			if got != want {
				t.Fatalf("query %d: %s?%s: entries say %v, the document %v: %s", n, q.Type, q.Text, got, want, l.docs[key].Raw())
			}
			if want {
				hits++
			}
		}
		if found += hits; hits > 0 {
			some++
		}
	}
	t.Logf("%d queries, %d found something, %d matches", *queries, some, found)
	if some < *queries/10 {
		t.Error("too few queries find anything for a proof")
	}
}

// lookAmong checks of each negation that what it holds for is where it is looked for.
func lookAmong(t *testing.T, q searchtest.Query, where []search.Condition, l library) {
	for _, c := range where {
		switch c := c.(type) {
		case search.All:
			lookAmong(t, q, c.Of, l)
		case search.Either:
			lookAmong(t, q, c.Of, l)
		case search.Not:
			if lookAmong(t, q, []search.Condition{c.Condition}, l); c.Among == nil {
				continue
			}
			for key, entries := range l.Resources(q.Type) {
				holds := func(c search.Condition) bool {
					return search.MatchesIn(search.Query{Type: q.Type, Where: []search.Condition{c}}, key, entries, l)
				}
				if holds(c) && !holds(c.Among) {
					t.Fatalf("%s?%s: a negation holds for %s and is not looked for there", q.Type, q.Text, l.docs[key].Raw())
				}
			}
		}
	}
}

// insideHits holds a query against all contained resources, and gives how many it finds.
func insideHits(t *testing.T, n int, q searchtest.Query, req search.Request, l library) (hits int) {
	if !q.Inside {
		return 0
	}
	of := req.Query
	if q.Own {
		of = *req.Inside
	}
	if of.Inside == search.OnTheirOwn || (req.Query.Inside == search.OnTheirOwn) != q.Own {
		t.Fatalf("query %d: %s?%s is not bound for contained resources: %+v", n, q.Type, q.Text, req)
	}
	for around := range l.inside {
		i := 0
		for doc := range l.docs[around].Get("contained").Elements() {
			got := search.MatchesWithin(of, around, i, l)
			if want := q.MatchesInside(l.docs[around], doc, l); got != want {
				t.Fatalf("query %d: %s?%s: entries say %v, the document %v: contained %s", n, q.Type, q.Text, got, want, doc.Raw())
			} else if want {
				hits++
			}
			i++
		}
	}
	return hits
}

func shelve(t *testing.T, g *searchtest.Generator, x *index.Index) library {
	l := library{map[fhir.Key]resource.Value{}, map[fhir.Key][]search.Entry{}, map[fhir.Key][]search.Contained{}}
	for range 120 {
		key, raw := g.Document()
		d, err := resource.Parse(raw, resource.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		found, issues := x.Document(d.Root(), 0)
		if issues != nil {
			t.Fatalf("%s: %v", raw, issues)
		}
		l.docs[key], l.entries[key], l.inside[key] = d.Root(), found.Entries, found.Contained
	}
	return l
}
