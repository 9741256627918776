package index_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
)

// refused wants an error with that code for "Type?query".
func refused(t *testing.T, what, code string) {
	t.Helper()
	_, err := newShelf(t).request(what)
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// testSort: several keys, each with what lacks a value last, in either direction.
func testSort(t *testing.T) {
	s := newShelf(t)
	s.put(patient("a", `"gender":"male","birthDate":"1991"`), 1)
	s.put(patient("b", `"gender":"male","birthDate":"1990"`), 2)
	s.put(patient("c", `"gender":"female","birthDate":"1992"`), 3)
	s.put(patient("d", `"birthDate":"1990"`), 4)
	s.put(patient("e", `"gender":"male"`), 5)
	for query, want := range map[string]string{
		"gender,birthdate": "c b a e d", "gender,-birthdate": "c a b e d", "-gender,birthdate": "b a e c d", "birthdate,gender": "b d a c e", "birthdate,-gender,_id": "b d a c e",
		"-birthdate,-_lastUpdated": "c a d b e", "-_id": "e d c b a",
	} {
		r, err := s.request("Patient?_sort=" + query)
		if err != nil {
			t.Fatal(err)
		}
		keys := slices.Clone(s.keys)
		slices.SortStableFunc(keys, func(a, b fhir.Key) int {
			for _, k := range r.Query.Sort {
				va, oka := search.SortValue(k, a, s.entries[a])
				vb, okb := search.SortValue(k, b, s.entries[b])
				c := strings.Compare(string(va), string(vb))
				switch {
				case oka != okb && oka:
					return -1
				case oka != okb:
					return 1
				case c != 0 && k.Descending:
					return -c
				case c != 0:
					return c
				}
			}
			return 0
		})
		var ids []string
		for _, key := range keys {
			ids = append(ids, string(key.ID))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s want %s", query, got, want)
		}
	}
	refused(t, "Observation?_sort=code-value-quantity", "search-sort-unsupported")
	refused(t, "Patient?_sort=_text", "search-sort-unsupported")
}

// testTypes: a search over several types has one query for each.
func testTypes(t *testing.T) {
	s := newShelf(t)
	s.put(patient("a", `"identifier":[{"value":"1"}]`), 1)
	s.put(`{"resourceType":"Organization","id":"b","identifier":[{"value":"1"}]}`, 2)
	s.put(`{"resourceType":"Encounter","id":"c","status":"planned","class":{"code":"AMB"},"identifier":[{"value":"1"}]}`, 3)
	for query, want := range map[string]string{
		"_type=Patient,Encounter&identifier=1": "a c", "_type=Organization&identifier=1": "b", "_id=a,c": "a c", "_lastUpdated=gt2020": "", "_type=Patient,Organization": "a b",
	} {
		params, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		types, params, err := search.TakeTypes(params)
		if err != nil {
			t.Fatal(err)
		}
		named := types != nil
		if !named {
			types = r4.Types()
		}
		r, err := search.BindTypes(types, named, params, s.o)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, key := range s.keys {
			if slices.ContainsFunc(r.Queries, func(q search.Query) bool { return search.MatchesIn(q, key, s.entries[key], s) }) {
				ids = append(ids, string(key.ID))
			}
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s want %s", query, got, want)
		}
	}
}

// testCustom: a parameter of a registry is indexed and found like those of R4.
func testCustom(t *testing.T) {
	reg, err := (*r4.Registry)(nil).With([]*r4.SearchParam{
		{ID: r4.FirstCustom, Code: "status-of-marriage", Base: "Patient", Type: r4.ParamToken, Expression: "Patient.maritalStatus"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t)
	s.o.Registry, s.index = reg, index.New(index.Options{Base: base, Registry: reg})
	s.put(patient("a", `"maritalStatus":{"coding":[{"code":"M"}],"text":"Đã kết hôn"}`), 1)
	s.put(patient("b", `"maritalStatus":{"coding":[{"code":"U"}]}`), 2)
	s.put(patient("c", `"active":true`), 3)
	for query, want := range map[string]string{
		"Patient?status-of-marriage=M": "a", "Patient?status-of-marriage:not=M": "b c", "Patient?status-of-marriage:missing=true": "c", "Patient?status-of-marriage:text=ket": "a", "Patient?active=true": "c",
	} {
		if got := s.found(query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	refused(t, "Patient?status-of-marriage=M", "search-param-unknown")
}
