package interaction

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// Values are compared as RFC 6902 (§4.6) has it.
func TestEqualJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1.10`, `1.1`, true}, {`11e-1`, `1.1`, true}, {`-0`, `0.00`, true}, {`1E400`, `10e399`, true}, {`100`, `1e2`, true},
		{`1`, `1.0000000000000000000000000000000000001`, false}, {`1e999999999999`, `2e999999999999`, false}, {`1`, `"1"`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`"a"`, `"\u0061"`, true}, {`"a"`, `"A"`, false}, {`null`, `null`, true}, {`null`, `false`, false}, {`true`, `true`, true},
		{`{"a":1,"b":[1.0]}`, `{"b":[1],"a":1.0}`, true}, {`{"a":1}`, `{"a":1,"b":null}`, false}, {`{"a":null}`, `{"b":null}`, false},
		{`[1,2]`, `[2,1]`, false}, {`[]`, `{}`, false}, {`[[]]`, `[[]]`, true},
	} {
		for _, got := range []bool{equalJSON(jsontext.Value(c.a), jsontext.Value(c.b)), equalJSON(jsontext.Value(c.b), jsontext.Value(c.a))} {
			if got != c.want {
				t.Errorf("%s and %s: %v", c.a, c.b, got)
			}
		}
	}
}

// JSON Pointers as in the examples of RFC 6901 (§5).
func TestLocate(t *testing.T) {
	raw := []byte(`{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8,"~1":9,"o":{"o":{"p":[{"q":true}]}}}`)
	for pointer, want := range map[string]string{
		"": string(raw), "/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/m~0n": "8", "/~01": "9", "/o/o/p/0/q": "true",
	} {
		if got, ok := locate(raw, pointer); !ok || string(got) != want {
			t.Errorf("%q: %s, %v", pointer, got, ok)
		}
	}
	for _, pointer := range []string{"/bar", "/foo/2", "/foo/-", "/foo/bar", "/foo/0/x", "/o/o/p/q", "/ "} {
		if got, ok := locate(raw, pointer); ok {
			t.Errorf("%q: %s", pointer, got)
		}
	}
}
