package terminology_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// memory is a source of documents, by "ValueSet|url" or "ValueSet|url|version".
type memory struct {
	mu      sync.Mutex
	docs    map[string]string
	changed map[fhir.Type]fhir.T
	commit  fhir.T
	reads   atomic.Int64
	fail    error
}

func newMemory() *memory {
	return &memory{docs: map[string]string{}, changed: map[fhir.Type]fhir.T{}}
}

// put stores a document under its type and key; "" deletes it.
func (m *memory) put(kind fhir.Type, key, doc string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commit++
	m.changed[kind] = m.commit
	m.docs[string(kind)+"|"+key] = doc
}

func (m *memory) find(kind, url, version string) (*resource.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads.Add(1)
	if m.fail != nil {
		return nil, m.fail
	}
	key := kind + "|" + url
	if version != "" {
		key += "|" + version
	}
	if doc := m.docs[key]; doc != "" {
		return resource.New([]byte(doc))
	}
	return nil, nil
}

func (m *memory) ValueSet(_ context.Context, url, version string) (*resource.Document, error) {
	return m.find("ValueSet", url, version)
}

func (m *memory) CodeSystem(_ context.Context, url, version string) (*resource.Document, error) {
	return m.find("CodeSystem", url, version)
}

func (m *memory) Changed(_ context.Context, t fhir.Type) (fhir.T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed[t], nil
}

// set gives a ValueSet with that compose; system a CodeSystem with those concepts.
func set(url, compose string) string {
	return `{"resourceType":"ValueSet","url":"` + url + `","compose":` + compose + `}`
}
func system(url, more, concepts string) string {
	return `{"resourceType":"CodeSystem","url":"` + url + `","content":"complete"` + more + `,"concept":` + concepts + `}`
}

// words gives a set as "system|code" words, "system|*" for open ones with "-code" for what is out.
func words(s terminology.Set) string {
	var out []string
	for c := range s.Codes() {
		out = append(out, c.System+"|"+c.Code)
	}
	for _, o := range s.Open() {
		out = append(out, strings.Join(append([]string{o + "|*"}, s.Except(o)...), "-"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

const tree = `[{"code":"a","concept":[{"code":"b","concept":[{"code":"d"}]},{"code":"c","property":[{"code":"child","valueCode":"d"},{"code":"kind","valueString":"soft"}]}]},
	{"code":"e","display":"E e","property":[{"code":"status","valueCode":"retired"},{"code":"kind","valueString":"hard"}]}]`

// TestCompose is about each part of a compose; cs:t is the tree above, cs:f a flat one, cs:o is not known.
func TestCompose(t *testing.T) {
	m := newMemory()
	m.put("CodeSystem", "cs:t", system("cs:t", "", tree))
	m.put("CodeSystem", "cs:p", system("cs:p", `,"hierarchyMeaning":"part-of"`, tree))
	m.put("CodeSystem", "cs:i", system("cs:i", `,"caseSensitive":false`, `[{"code":"Kg"}]`))
	m.put("CodeSystem", "cs:r", system("cs:r", `,"property":[{"code":"up","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"}]`,
		`[{"code":"x"},{"code":"y","property":[{"code":"up","valueCode":"x"}]}]`))
	m.put("ValueSet", "vs:ab", set("vs:ab", `{"include":[{"system":"cs:t","concept":[{"code":"a"},{"code":"b"},{"code":"new"}]}]}`))
	m.put("ValueSet", "vs:o", set("vs:o", `{"include":[{"system":"cs:o"}],"exclude":[{"system":"cs:o","concept":[{"code":"1"}]}]}`))
	m.put("ValueSet", "vs:loop1", set("vs:loop1", `{"include":[{"valueSet":["vs:loop2"]}]}`))
	m.put("ValueSet", "vs:loop2", set("vs:loop2", `{"include":[{"valueSet":["vs:loop1"]}]}`))
	m.put("ValueSet", "vs:dag", set("vs:dag", `{"include":[{"valueSet":["vs:ab"]},{"valueSet":["vs:ab","vs:ab"]}]}`))
	for i, c := range []struct{ name, compose, want string }{
		{"all of a system", `{"include":[{"system":"cs:t"}]}`, "cs:t|a cs:t|b cs:t|c cs:t|d cs:t|e"},
		{"listed codes", `{"include":[{"system":"cs:t","concept":[{"code":"e"},{"code":"e"},{"code":"zz"}]}]}`, "cs:t|e cs:t|zz"},
		{"is-a", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"is-a","value":"b"}]}]}`, "cs:t|b cs:t|d"},
		{"is-a by the property child", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"is-a","value":"c"}]}]}`, "cs:t|c cs:t|d"},
		{"descendent-of", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"descendent-of","value":"a"}]}]}`, "cs:t|b cs:t|c cs:t|d"},
		{"is-not-a", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"is-not-a","value":"b"}]}]}`, "cs:t|a cs:t|c cs:t|e"},
		{"generalizes", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"generalizes","value":"d"}]}]}`, "cs:t|a cs:t|b cs:t|c cs:t|d"},
		{"two filters must both pass", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"is-a","value":"a"},{"property":"kind","op":"=","value":"soft"}]}]}`, "cs:t|c"},
		{"a property in a list", `{"include":[{"system":"cs:t","filter":[{"property":"kind","op":"in","value":"soft, hard"}]}]}`, "cs:t|c cs:t|e"},
		{"a property not in a list", `{"include":[{"system":"cs:t","filter":[{"property":"kind","op":"not-in","value":"hard"}]}]}`, "cs:t|a cs:t|b cs:t|c cs:t|d"},
		{"a property exists", `{"include":[{"system":"cs:t","filter":[{"property":"kind","op":"exists","value":"false"}]}]}`, "cs:t|a cs:t|b cs:t|d"},
		{"a parent", `{"include":[{"system":"cs:t","filter":[{"property":"parent","op":"=","value":"a"}]}]}`, "cs:t|b cs:t|c"},
		{"a display", `{"include":[{"system":"cs:t","filter":[{"property":"display","op":"=","value":"E e"}]}]}`, "cs:t|e"},
		{"the parent under another name", `{"include":[{"system":"cs:r","filter":[{"property":"concept","op":"is-a","value":"x"}]}]}`, "cs:r|x cs:r|y"},
		{"an exclude", `{"include":[{"system":"cs:t"}],"exclude":[{"system":"cs:t","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}`, "cs:t|e"},
		{"an exclude of all leaves nothing", `{"include":[{"system":"cs:t"}],"exclude":[{"system":"cs:t"}]}`, ""},
		{"without inactive codes", `{"inactive":false,"include":[{"system":"cs:t"}]}`, "cs:t|a cs:t|b cs:t|c cs:t|d"},
		{"an import", `{"include":[{"valueSet":["vs:ab"]}]}`, "cs:t|a cs:t|b cs:t|new"},
		{"a system within an import", `{"include":[{"system":"cs:t","valueSet":["vs:ab"]}]}`, "cs:t|a cs:t|b"},
		{"two imports: what both have", `{"include":[{"valueSet":["vs:ab","vs:o"]}]}`, ""},
		{"the same import by two ways", `{"include":[{"valueSet":["vs:dag"]}]}`, "cs:t|a cs:t|b cs:t|new"},
		{"two includes: what one has", `{"include":[{"system":"cs:t","concept":[{"code":"e"}]},{"valueSet":["vs:ab"]}]}`, "cs:t|a cs:t|b cs:t|e cs:t|new"},
		{"an open system", `{"include":[{"system":"cs:o"}]}`, "cs:o|*"},
		{"an open system but for a code", `{"include":[{"valueSet":["vs:o"]}]}`, "cs:o|*-1"},
		{"an open system and a code of it", `{"include":[{"valueSet":["vs:o"]},{"system":"cs:o","concept":[{"code":"1"}]}]}`, "cs:o|*"},
		{"codes of an open system but for some", `{"include":[{"system":"cs:o","concept":[{"code":"1"},{"code":"2"}],"valueSet":["vs:o"]}]}`, "cs:o|2"},
		{"an open system less an open one", `{"include":[{"system":"cs:o"}],"exclude":[{"valueSet":["vs:o"]}]}`, "cs:o|1"},
		{"codes less an open system", `{"include":[{"system":"cs:o","concept":[{"code":"1"},{"code":"2"}]}],"exclude":[{"valueSet":["vs:o"]}]}`, "cs:o|1"},
		{"a filter on an unknown system", `{"include":[{"system":"cs:o","filter":[{"property":"concept","op":"is-a","value":"b"}]}]}`, "codesystem-unknown cs:o"},
		{"a filter by an unknown code", `{"include":[{"system":"cs:t","filter":[{"property":"concept","op":"is-a","value":"q"}]}]}`, "code-unknown q cs:t"},
		{"a filter by regex", `{"include":[{"system":"cs:t","filter":[{"property":"code","op":"regex","value":".*"}]}]}`, "filter-unsupported code regex vs:x"},
		{"a filter by an unknown property", `{"include":[{"system":"cs:t","filter":[{"property":"taste","op":"=","value":"1"}]}]}`, "filter-unsupported taste = vs:x"},
		{"is-a where the hierarchy is of parts", `{"include":[{"system":"cs:p","filter":[{"property":"concept","op":"is-a","value":"b"}]}]}`, "codesystem-without-hierarchy cs:p"},
		{"an unknown import", `{"include":[{"valueSet":["vs:nowhere"]}]}`, "valueset-unknown vs:nowhere"},
		{"imports in a circle", `{"include":[{"valueSet":["vs:loop1"]}]}`, "valueset-loop vs:loop1 vs:x > vs:loop1 > vs:loop2 > vs:loop1"},
		{"an import of itself", `{"include":[{"valueSet":["vs:x"]}]}`, "valueset-loop vs:x vs:x > vs:x"},
		{"an include of nothing", `{"include":[{"version":"1"}]}`, "valueset-malformed at ValueSet.compose.include[0] vs:x"},
		{"codes and filters", `{"include":[{"system":"cs:t","concept":[{"code":"a"}],"filter":[{"property":"concept","op":"is-a","value":"b"}]}]}`, "valueset-malformed at ValueSet.compose.include[0] vs:x"},
		{"a code without a code", `{"include":[{"system":"cs:t","concept":[{"display":"a"}]}]}`, "valueset-malformed at ValueSet.compose.include[0].concept[0] vs:x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.put("ValueSet", "vs:x", set("vs:x", c.compose))
			s, err := terminology.New(terminology.Options{Source: m}).Expand(t.Context(), "vs:x")
			got := words(s)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%d: got %s, want %s", i, got, c.want)
			}
		})
	}
	r := terminology.New(terminology.Options{Source: m})
	m.put("ValueSet", "vs:x", set("vs:x", `{"include":[{"system":"cs:i"},{"valueSet":["vs:o"]}]}`))
	s, err := r.Expand(t.Context(), "vs:x")
	if err != nil || !s.Contains("cs:i", "kG") || s.Contains("cs:o", "1") || !s.Contains("cs:o", "2") || s.Contains("cs:t", "a") {
		t.Errorf("%v %v", words(s), err)
	}
	if got, ok := s.ContainsCode("KG"); !ok || got != "cs:i" {
		t.Errorf("KG is in %q", got)
	}
	if c, err := r.Lookup(t.Context(), "cs:t", "e"); err != nil || c != (terminology.Concept{System: "cs:t", Code: "e", Display: "E e", Inactive: true}) {
		t.Errorf("%+v %v", c, err)
	}
	for pair, want := range map[string]terminology.Subsumption{"a d": "subsumes", "d a": "subsumed-by", "c d": "subsumes", "b c": "not-subsumed", "e e": "equivalent"} {
		if got, err := r.Subsumes(t.Context(), "cs:t", pair[:1], pair[2:]); err != nil || got != want {
			t.Errorf("%s: %s, %v", pair, got, err)
		}
	}
	for code, call := range map[string]func() error{
		"codesystem-without-hierarchy cs:p": func() error { _, err := r.Below(t.Context(), "cs:p", "a"); return err },
		"code-unknown q cs:t":               func() error { _, err := r.Above(t.Context(), "cs:t", "q"); return err },
		"codesystem-unknown cs:o":           func() error { _, err := r.Lookup(t.Context(), "cs:o", "q"); return err },
		"codesystem-unknown ":               func() error { _, err := r.Below(t.Context(), "", "q"); return err },
		"valueset-unknown vs:none|2":        func() error { _, err := r.ValidateCode(t.Context(), "vs:none|2", "", "q"); return err },
	} {
		if err := call(); err == nil || err.Error() != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

// TestStoredWins: what users store stands before the built-in definition of the same url, from the commit on (FRESH).
func TestStoredWins(t *testing.T) {
	const url, gender = "http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender"
	m := newMemory()
	r := terminology.New(terminology.Options{Source: m})
	expect := func(canonical, want string) {
		t.Helper()
		s, err := r.Expand(t.Context(), canonical)
		got := strings.ReplaceAll(words(s), gender+"|", "")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", canonical, got, want)
		}
	}
	expect(url, "female male other unknown")
	expect(url+"|4.0.1", "female male other unknown")
	expect(url+"|9", "valueset-unknown "+url+"|9")
	m.put("ValueSet", url, set(url, `{"include":[{"system":"`+gender+`","concept":[{"code":"male"}]}]}`))
	expect(url, "male")
	expect(url+"|4.0.1", "female male other unknown") // the store has no such version
	m.put("ValueSet", url+"|9", set(url, `{"include":[{"system":"`+gender+`","concept":[{"code":"x"}]}]}`))
	expect(url+"|9", "x")
	m.put("ValueSet", url, "")
	expect(url, "female male other unknown")
	m.put("CodeSystem", gender, system(gender, "", `[{"code":"m","concept":[{"code":"n"}]}]`))
	expect(url, "m n")
	if below, err := r.Below(t.Context(), gender, "m"); err != nil || strings.Join(below, " ") != "m n" {
		t.Error(below, err)
	}
	m.put("CodeSystem", gender, `{"resourceType":"CodeSystem","url":"`+gender+`","content":"not-present"}`)
	expect(url, "*")
	m.put("CodeSystem", gender, `{"resourceType":"CodeSystem","url":"`+gender+`","content":"complete","concept":[{"display":"no code"}]}`)
	expect(url, "codesystem-malformed at CodeSystem.concept[0] "+gender)

	// What was asked once is not read again until something of its type is written.
	m.put("CodeSystem", gender, "")
	expect(url, "female male other unknown")
	before := m.reads.Load()
	for range 10 {
		expect(url, "female male other unknown")
	}
	if got := m.reads.Load(); got != before {
		t.Errorf("%d reads of the store for what was known", got-before)
	}
	m.put("ValueSet", "vs:other", set("vs:other", `{}`))
	m.fail = errors.New("the store is away")
	if _, err := r.Expand(t.Context(), url); !errors.Is(err, m.fail) {
		t.Errorf("got %v", err)
	}
	m.fail = nil
	expect(url, "female male other unknown")
}

// TestExpansionGivenWithTheSet: a set that cannot be followed here is taken by its expansion, if that is whole.
func TestExpansionGivenWithTheSet(t *testing.T) {
	const compose = `"compose":{"include":[{"system":"http://snomed.info/sct","filter":[{"property":"concept","op":"is-a","value":"1"}]}]}`
	const contains = `"contains":[{"abstract":true,"display":"group","contains":[{"system":"s","code":"1"},{"system":"s","code":"2"}]},{"system":"q","code":"3"}]`
	for _, c := range []struct{ name, body, want string }{
		{"no compose", `"expansion":{` + contains + `}`, "q|3 s|1 s|2"},
		{"a compose that needs SNOMED CT", compose + `,"expansion":{"total":4,` + contains + `}`, "q|3 s|1 s|2"},
		{"a compose that can be followed", `"compose":{"include":[{"system":"s","concept":[{"code":"9"}]}]},"expansion":{` + contains + `}`, "s|9"},
		{"a part", compose + `,"expansion":{"total":40,` + contains + `}`, "codesystem-unknown http://snomed.info/sct"},
		{"a page", compose + `,"expansion":{"offset":2,` + contains + `}`, "codesystem-unknown http://snomed.info/sct"},
		{"filtered", compose + `,"expansion":{"parameter":[{"name":"filter","valueString":"x"}],` + contains + `}`, "codesystem-unknown http://snomed.info/sct"},
		{"too costly elsewhere", compose + `,"expansion":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/valueset-toocostly","valueBoolean":true}],` + contains + `}`, "codesystem-unknown http://snomed.info/sct"},
		{"neither", `"name":"none"`, "valueset-empty-definition vs:x"},
	} {
		m := newMemory()
		m.put("ValueSet", "vs:x", `{"resourceType":"ValueSet","url":"vs:x",`+c.body+`}`)
		s, err := terminology.New(terminology.Options{Source: m}).Expand(t.Context(), "vs:x")
		got := words(s)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestHierarchyInACircle ends, and each code of the circle is below each other.
func TestHierarchyInACircle(t *testing.T) {
	m := newMemory()
	m.put("CodeSystem", "cs:c", system("cs:c", "", `[{"code":"1","property":[{"code":"parent","valueCode":"3"},{"code":"parent","valueCode":"1"},{"code":"parent","valueCode":"none"}]},
		{"code":"2","property":[{"code":"parent","valueCode":"1"}]},{"code":"3","property":[{"code":"parent","valueCode":"2"}],"concept":[{"code":"4"}]}]`))
	r := terminology.New(terminology.Options{Source: m})
	for code, want := range map[string]string{"1": "1 2 3 4", "2": "2 3 1 4", "4": "4"} {
		if got, err := r.Below(t.Context(), "cs:c", code); err != nil || !sameCodes(got, strings.Fields(want)) {
			t.Errorf("below %s: %v %v", code, got, err)
		}
	}
	if got, err := r.Above(t.Context(), "cs:c", "4"); err != nil || !sameCodes(got, []string{"4", "3", "2", "1"}) {
		t.Error(got, err)
	}
}

// TestImplicitValueSets: SNOMED CT's and LOINC's own urls, before and after their code systems are stored.
func TestImplicitValueSets(t *testing.T) {
	m := newMemory()
	r := terminology.New(terminology.Options{Source: m})
	const sct = "http://snomed.info/sct"
	expect := func(url, want string) {
		t.Helper()
		s, err := r.Expand(t.Context(), url)
		got := words(s)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	expect("http://loinc.org/vs", "http://loinc.org|*")
	expect(sct+"?fhir_vs", sct+"|*")
	expect(sct+"?fhir_vs=isa/1", "codesystem-unknown "+sct)
	expect(sct+"?fhir_vs=refset/1", "valueset-unknown "+sct+"?fhir_vs=refset/1")
	m.put("CodeSystem", sct, system(sct, "", `[{"code":"1"},{"code":"2","property":[{"code":"parent","valueCode":"1"}]},{"code":"3"}]`))
	expect(sct+"?fhir_vs", sct+"|1 "+sct+"|2 "+sct+"|3")
	expect(sct+"?fhir_vs=isa/1", sct+"|1 "+sct+"|2")
}

// TestLimits: what costs too much is refused by name.
func TestLimits(t *testing.T) {
	m := newMemory()
	m.put("CodeSystem", "cs:t", system("cs:t", "", tree))
	m.put("ValueSet", "vs:t", set("vs:t", `{"include":[{"system":"cs:t"},{"system":"cs:t"},{"system":"cs:t"}]}`))
	for _, c := range []struct {
		limits terminology.Limits
		want   string
	}{
		{terminology.Limits{Concepts: 4}, "codesystem-too-large"},
		{terminology.Limits{Bytes: 3}, "codesystem-too-large"},
		{terminology.Limits{Properties: 2}, "codesystem-too-large"},
		{terminology.Limits{Codes: 12}, "valueset-too-costly"},
	} {
		_, err := terminology.New(terminology.Options{Source: m, Limits: c.limits}).Expand(t.Context(), "vs:t")
		if f, ok := errors.AsType[*fhir.Error](err); !ok || f.Code != c.want || f.Kind != fhir.TooCostly {
			t.Errorf("%+v: %v, want %s", c.limits, err, c.want)
		}
	}
	s, err := terminology.New(terminology.Options{Source: m}).Expand(t.Context(), "vs:t")
	if err != nil {
		t.Fatal(err)
	}
	if l, err := s.List(5); err != nil || len(l) != 5 {
		t.Error(l, err)
	}
	if _, err := s.List(4); err == nil || err.Error() != "valueset-too-costly vs:t 4" {
		t.Error(err)
	}
	few := terminology.New(terminology.Options{Source: m, Limits: terminology.Limits{Related: 3}})
	if _, err := few.Below(t.Context(), "cs:t", "a"); err == nil || err.Error() != "code-too-general a cs:t 3" {
		t.Error(err)
	}
	if s, err := few.BelowSet(t.Context(), "cs:t", "a"); err != nil || words(s) != "cs:t|a cs:t|b cs:t|c cs:t|d" {
		t.Error(words(s), err)
	}
	for i := range 20 {
		m.put("ValueSet", fmt.Sprint("vs:d", i), set("vs:d", fmt.Sprintf(`{"include":[{"valueSet":["vs:d%d"]}]}`, i+1)))
	}
	if _, err := terminology.New(terminology.Options{Source: m}).Expand(t.Context(), "vs:d0"); err == nil || !strings.HasPrefix(err.Error(), "valueset-loop") {
		t.Error(err)
	}

	// A cache that holds next to nothing gives the same answers.
	r := terminology.New(terminology.Options{Source: m, Limits: terminology.Limits{CacheBytes: 1}})
	for range 3 {
		for _, url := range []string{"vs:t", "http://hl7.org/fhir/ValueSet/administrative-gender", "http://terminology.hl7.org/ValueSet/v3-ActCode"} {
			if s, err := r.Expand(t.Context(), url); err != nil || s.Len() == 0 {
				t.Error(url, s.Len(), err)
			}
		}
	}
}

// TestManyAtOnce: answers under concurrent writes are of the state at the question or later, never older.
func TestManyAtOnce(t *testing.T) {
	m := newMemory()
	r := terminology.New(terminology.Options{Source: m})
	var written atomic.Int64
	store := func(n int64) {
		m.put("ValueSet", "vs:n", set("vs:n", fmt.Sprintf(`{"include":[{"system":"cs:n"},{"system":"cs:v","concept":[{"code":"%d"}]}]}`, n)))
		m.put("CodeSystem", "cs:n", system("cs:n", "", fmt.Sprintf(`[{"code":"%d"}]`, n)))
		written.Store(n)
	}
	store(1)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for written.Load() < 300 {
				least := written.Load()
				s, err := r.Expand(t.Context(), "vs:n")
				if err != nil {
					t.Error(err)
					return
				}
				for c := range s.Codes() {
					var n int64
					fmt.Sscan(c.Code, &n)
					if n < least {
						t.Errorf("%v is older than %d", c, least)
					}
				}
				if _, err := r.Expand(t.Context(), "http://hl7.org/fhir/ValueSet/security-labels"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := int64(2); n <= 300; n++ {
		store(n)
	}
	all.Wait()
}

// FuzzStored: no stored ValueSet or CodeSystem can hang or break the resolver, and a set agrees with itself.
func FuzzStored(f *testing.F) {
	f.Add(set("u", `{"include":[{"system":"s","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}`), system("s", "", tree))
	f.Add(set("u", `{"include":[{"valueSet":["u"]}],"exclude":[{"system":"s"}]}`), system("s", `,"caseSensitive":false`, `[{"code":"A"},{"code":"a"}]`))
	f.Add(`{"resourceType":"ValueSet","url":"u","expansion":{"total":1,"contains":[{"system":"s","code":"1"}]}}`, system("s", "", `[{"code":"1","property":[{"code":"parent","valueCode":"1"}]}]`))
	f.Fuzz(func(t *testing.T, vs, cs string) {
		m := newMemory()
		m.docs["ValueSet|u"], m.docs["CodeSystem|s"] = vs, cs
		r := terminology.New(terminology.Options{Source: m})
		s, err := r.Expand(t.Context(), "u")
		if err != nil {
			return
		}
		n := 0
		for c := range s.Codes() {
			n++
			if !s.Contains(c.System, c.Code) {
				t.Fatalf("%v is listed and not contained", c)
			}
		}
		if n != s.Len() {
			t.Fatalf("%d listed, Len %d", n, s.Len())
		}
	})
}
