package engine_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// created is the put of a document with an id.
func created(t *testing.T, x *index.Index, raw string) store.Put {
	t.Helper()
	d, err := resource.New([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	found, issues := x.Document(d.Root(), 1)
	if issues != nil {
		t.Fatal(issues)
	}
	id, _ := d.Root().ID()
	key := fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}
	return store.Put{Key: key, Doc: d.Root().Store(key.ID), Entries: found.Entries, Method: store.MethodCreate}
}

// TestFewOfManyAreLookedForWhereTheyAre: what few of many lack, or have otherwise than nearly all, is found without reading
// the type, and so is the beginning of a page that is sorted by what bounds it.
func TestFewOfManyAreLookedForWhereTheyAre(t *testing.T) {
	const patients = 6000
	x := index.New(index.Options{})
	e := openStore(t, t.TempDir(), engine.Options{Logger: slog.New(slog.DiscardHandler), Index: index.Stored(index.Options{})})
	defer e.Close()
	for from := 0; from < patients; from += 500 {
		var c store.Changes
		for i := from; i < from+500; i++ {
			gender := `"gender":"male",`
			switch i {
			case 1000, 4000:
				gender = ""
			case 2000:
				gender = `"gender":"other",`
			}
			raw := fmt.Sprintf(`{"resourceType":"Patient","id":"p%d",%s"birthDate":"%d-01-%02d","multipleBirthInteger":%d,"identifier":[{"value":"%06d"}]}`, i, gender, 1920+i/60, 1+i%28, i%3, i)
			c.Puts = append(c.Puts, created(t, x, raw))
		}
		if _, err := e.Commit(ours(t.Context()), c); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]struct{ matches, read int }{
		"gender:missing=true":                               {2, 300},
		"gender:missing=true&_sort=birthdate":               {2, 300},
		"gender:not=male":                                   {3, 300},
		"gender:not=male,other":                             {2, 300},
		"_filter=gender ne male":                            {3, 300},
		"birthdate=ge2015&_sort=birthdate":                  {300, 300},
		"birthdate=lt1925&_sort=-birthdate":                 {300, 300},
		"identifier=005900,005901&_sort=identifier":         {2, 300},
		"_filter=identifier eq 000003&_sort=-identifier":    {1, 300},
		"address:missing=true":                              {patients, 300}, // nearly all lack it: the first ones are found at once
		"deceased:not=true&gender:missing=true&_sort=-_id":  {2, 600},
		"gender:not=male&birthdate=ge1953-06&_sort=-gender": {1, 600},
	} {
		params, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		req, err := search.Bind("Patient", params, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Explain(ours(t.Context()), req.Query, 0, store.SearchOptions{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if p.Matches != want.matches || p.Shown != min(10, want.matches) || p.Read > want.read {
			t.Errorf("%s: want %d matches, at most %d rows read:\n%s", query, want.matches, want.read, p)
		}
	}
}
