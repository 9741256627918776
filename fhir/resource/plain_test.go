package resource_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
)

// TestOrdinaryDocumentsArePlain holds the fast way to what comes in daily. That both ways make the same of it, and refuse the
// same, is FuzzParseIsLossless's: Read has the tokens only.
func TestOrdinaryDocumentsArePlain(t *testing.T) {
	n, plain := 0, 0
	examples(t, func(_ string, raw []byte) {
		if n++; resource.Plain(raw, resource.DefaultLimits) {
			plain++
		}
	})
	if plain < n*9/10 {
		t.Errorf("%d of %d official examples and Synthea bundles are plain", plain, n)
	}
	t.Logf("%d of %d", plain, n)
}

// TestWhatIsNotPlain lists what is left to the tokens though it is right, and some that is not.
func TestWhatIsNotPlain(t *testing.T) {
	for _, body := range []string{
		`{"a":"\ud800\udc00"}`, `{"a":"\u011"}`, `{"a":"\u01g0"}`, `{"a":"\x"}`, `{"a":"\`, `{"\u0061":1}`, `{"a":1,"a":2}`, `{"a":{"id":1,"b":[{"c":1}],"id":2}}`, `{"":1,"":2}`, `{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":-}`, `{"a":1e}`,
		`{"a":tru}`, `{"a":nul`, `{"a":[[1]]}`, `{"a":[]}`, `{"a":null}`, `{"a":1]`, `{"a":[1}`, `{"a":1,}`, `{"a" 1}`, `{"a":1} x`, "{\"a\":\"\xff\"}", "{\"a\":\"\t\"}", `[1]`, ``, `{`,
	} {
		if resource.Plain([]byte(body), resource.DefaultLimits) {
			t.Errorf("%s is plain", body)
		}
	}
	for _, body := range []string{
		` {"a":"\u0110\uD7ff\ue000\"\\\/\b\f\n\r\t", "b":[null,1,-0,1.10,1e-7,0E+5,true,false,"ộ"],"ab":{"a":{"a":1}},"ba":1}` + "\n", `{"":1}`,
	} {
		if !resource.Plain([]byte(body), resource.DefaultLimits) {
			t.Errorf("%s is not plain", body)
		}
	}
}
