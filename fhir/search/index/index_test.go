package index_test

import (
	"bytes"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
)

func equal(a, b []search.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b search.Entry) bool { return a.Param == b.Param && bytes.Equal(a.Value, b.Value) })
}

// TestEntriesAreSortedAndOwned: sorted, without duplicates, small, without the store's own parameters, the same from many
// goroutines at once, and unchanged by what the Indexer does next.
func TestEntriesAreSortedAndOwned(t *testing.T) {
	all := synthea(t, 3)
	all = all[:min(len(all), 600)]
	x := index.New(index.Options{})
	want := make([][]search.Entry, len(all))
	for i, v := range all {
		entries, issues := x.Resource(v, 0)
		if issues != nil {
			t.Fatal(issues)
		}
		want[i] = entries
		for j, e := range entries {
			if e.Param < 16 && e.Param != search.ParamShape || len(e.Value) == 0 || len(e.Value) > 1000 {
				t.Fatalf("entry %d %q", e.Param, e.Value)
			}
			if j > 0 && (e.Param < entries[j-1].Param || e.Param == entries[j-1].Param && bytes.Compare(entries[j-1].Value, e.Value) >= 0) {
				t.Fatalf("entry %d is not after the one before", j)
			}
		}
	}
	other := index.New(index.Options{}) // its tries are built by all at once
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i, v := range all {
				if got, _ := other.Resource(v, 0); !equal(got, want[i]) {
					t.Errorf("resource %d has other entries", i)
					return
				}
			}
		})
	}
	group.Wait()
	for i, v := range all {
		if again, _ := x.Resource(v, 0); !equal(again, want[i]) {
			t.Fatalf("resource %d has changed", i)
		}
	}
}

// TestSeveralValuesAreMarked: a document has the mark of a parameter if and only if it has several values of
// it, names and addresses aside, which is what ascending sorts rely on.
func TestSeveralValuesAreMarked(t *testing.T) {
	x := index.New(index.Options{})
	marks := 0
	for _, v := range slices.Concat(examples(t), synthea(t, 2)) {
		entries, _ := x.Resource(v, 0)
		for _, p := range r4.Params(v.ResourceType()) {
			n, marked := 0, false
			for _, e := range entries {
				switch e.Param {
				case search.ParamID(p.ID):
					n++
				case search.ParamID(p.ID) | search.ParamAside:
					marked = marked || bytes.Equal(e.Value, search.SeveralValue)
				}
			}
			if marked != (search.Marks(p) && n > 1) {
				t.Fatalf("%s.%s: %d values, marked %v: %s", v.ResourceType(), p.Code, n, marked, v.Raw())
			}
			if marked {
				marks++
			}
		}
	}
	if marks == 0 {
		t.Error("nothing has several values")
	}
}

// TestShapeTellsWhatIsMissing: :missing=true looks among documents that it holds for and no others, :not among all that it
// holds for.
func TestShapeTellsWhatIsMissing(t *testing.T) {
	x := index.New(index.Options{})
	lacks, has, among := 0, 0, 0
	for _, v := range slices.Concat(examples(t), synthea(t, 1)) {
		entries, issues := x.Resource(v, 0)
		if issues != nil {
			continue
		}
		key := fhir.Key{Type: v.ResourceType(), ID: "x"}
		holds := func(c search.Condition) bool {
			return search.Matches(search.Query{Type: key.Type, Where: []search.Condition{c}}, key, entries, nil)
		}
		ask := func(query string) search.Not {
			params, err := search.Parse(query)
			if err != nil {
				t.Fatal(err)
			}
			req, err := search.Bind(key.Type, params, search.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return req.Query.Where[0].(search.Not)
		}
		for _, p := range r4.Params(key.Type) {
			if p.Expression == "" || p.Code == "_id" || p.Code == "_lastUpdated" {
				continue
			}
			missing := ask(p.Code + ":missing=true")
			if missing.Among == nil {
				t.Fatalf("%s.%s: nothing says where what lacks it is", key.Type, p.Code)
			}
			got := holds(missing)
			if got != holds(missing.Among) {
				t.Fatalf("%s.%s is missing: %v, its shape says otherwise: %s", key.Type, p.Code, got, v.Raw())
			}
			if got {
				lacks++
			} else {
				has++
			}
			if p.Type != r4.ParamToken {
				continue
			}
			value := "no-such-code"
			for _, e := range entries {
				if e.Param == search.ParamID(p.ID) && e.Value[0] == 'c' {
					code, _, _ := bytes.Cut(e.Value[1:], []byte{0})
					value = url.QueryEscape(search.EscapeValue(string(code)))
				}
			}
			not, err := search.Parse(p.Code + ":not=" + value)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := search.Bind(key.Type, not, search.Options{}); err != nil {
				continue // such as a code for a boolean
			}
			if n := ask(p.Code + ":not=" + value); holds(n) && !holds(n.Among) {
				t.Fatalf("%s.%s:not=%s holds, and is not looked for there: %s", key.Type, p.Code, value, v.Raw())
			} else if holds(n) {
				among++
			}
		}
	}
	if lacks == 0 || has == 0 || among == 0 {
		t.Errorf("%d lack something, %d have it, %d have another value", lacks, has, among)
	}
}

// TestFaultyDocumentsHaveNoEntries: what cannot be stored cannot be found.
func TestFaultyDocumentsHaveNoEntries(t *testing.T) {
	d, err := resource.Parse([]byte(`{"resourceType":"Patient","gender":"male","birthDate":"x"}`), resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if entries, issues := index.New(index.Options{}).Resource(d.Root(), 0); len(issues) != 1 || entries != nil {
		t.Errorf("%v %v", entries, issues)
	}
}

// TestReferencesFollowEdits: a reference that was resolved within a transaction is found by what it became.
func TestReferencesFollowEdits(t *testing.T) {
	d, err := resource.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}}`), resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d.Root().Get("subject").Get("reference").ReplaceString("Patient/p1")
	entries, _ := index.New(index.Options{}).Resource(d.Root(), 0)
	if !slices.ContainsFunc(entries, func(e search.Entry) bool {
		key, ok := search.ReferenceKey(e.Value)
		return ok && key.String() == "Patient/p1"
	}) {
		t.Errorf("%v", entries)
	}
}
