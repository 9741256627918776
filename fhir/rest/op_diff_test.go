package rest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
)

// exampleFiles gives the official examples by type, those that are too large for many rounds left out.
func exampleFiles(t *testing.T) map[fhir.Type][]resource.Value {
	t.Helper()
	out := map[fhir.Type][]resource.Value{}
	fhirtest.Examples(t, func(_ string, raw []byte) {
		if len(raw) > 30<<10 {
			return
		}
		if d, err := resource.New(raw); err == nil {
			typ := d.Root().ResourceType()
			out[typ] = append(out[typ], d.Root())
		}
	})
	return out
}

// What $diff says of two versions makes the one the other when it is sent as a patch, for official examples of all types.
func TestDiffIsAPatch(t *testing.T) {
	s := serve(t)
	pairs, hidden := 0, 0
	for typ, examples := range exampleFiles(t) {
		slices.SortFunc(examples, func(a, b resource.Value) int { return strings.Compare(string(a.Raw()), string(b.Raw())) })
		for i := range min(len(examples)-1, 4) {
			url := fmt.Sprintf("/%s/x%d", typ, i)
			text := func(v resource.Value) []byte {
				return v.Store(fhir.ID(fmt.Sprint("x", i))).Append(nil, 1, 0)
			}
			a, b := text(examples[i]), text(examples[i+1])
			first := s.do(t, "PUT", url, a)
			second := s.do(t, "PUT", url, b)
			if first.StatusCode != 201 || second.StatusCode != 200 || second.Header.Get("Etag") != `W/"2"` {
				continue // some examples are no sound R4
			}
			patch := s.do(t, "GET", url+"/$diff", nil).want(t, 200)
			s.do(t, "PUT", url, a).want(t, 200)
			got := s.do(t, "PATCH", url, patch.raw)
			if got.StatusCode != 200 {
				if strings.Contains(string(got.raw), "pathpatch-none") && (hasNull(examples[i]) || hasNull(examples[i+1])) {
					hidden++ // a primitive without a value in a list has no place that a path names
					continue
				}
				t.Errorf("%s: %d\n%.600s\n%.2000s", url, got.StatusCode, got.raw, patch.raw)
				continue
			}
			if want := s.do(t, "GET", url+"/_history/2", nil).want(t, 200); !resource.EqualResource(got.doc(t), want.doc(t)) {
				t.Errorf("%s: patched\n%.3000s\nwant\n%.3000s\npatch %.3000s", url, got.raw, want.raw, patch.raw)
			}
			if again := s.do(t, "GET", url+"/$diff?fromVersion=2&toVersion=4", nil).want(t, 200); string(again.raw) != `{"resourceType":"Parameters"}` {
				t.Errorf("%s: still different: %.500s", url, again.raw)
			}
			pairs++
		}
	}
	t.Logf("%d pairs, %d with nameless places", pairs, hidden)
	if pairs < 100 {
		t.Errorf("only %d pairs could be compared", pairs)
	}
}

func hasNull(v resource.Value) bool { return strings.Contains(string(v.Raw()), "null") }
