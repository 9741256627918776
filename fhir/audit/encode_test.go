package audit

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
)

// TestALineIsWhatEncodingJSONMakes holds the encoder of lines against encoding/json, with any field empty or odd.
func TestALineIsWhatEncodingJSONMakes(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	texts := []string{"", "", "Patient/1/_history/3", "h:00ff", `"\`, "<a>&b", "cấp cứu", "\x00\n\t", "\xff\xfe", "\u2028", "~ !", "\x7f"}
	text := func() string { return texts[random.IntN(len(texts))] + texts[random.IntN(len(texts))] }
	for range 5000 {
		e := randomEntry(random, text)
		want, err := json.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.appendLine([]byte("x"))
		if err != nil || string(got) != "x"+string(want) {
			t.Fatalf("seed %d: %s (%v), want %s", seed, got, err, want)
		}
	}
	if got, err := (&Entry{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).appendLine(nil); err == nil {
		t.Errorf("a time that JSON has no form for was written: %s", got)
	}
}

// randomEntry has any field filled or empty.
func randomEntry(random *rand.Rand, text func() string) (e Entry) {
	for _, v := range []reflect.Value{reflect.ValueOf(&e).Elem(), reflect.ValueOf(&e.Agent).Elem()} {
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString(text())
			case reflect.Bool:
				f.SetBool(random.IntN(2) == 0)
			case reflect.Int:
				f.SetInt(int64(random.IntN(3) * 200))
			case reflect.Uint64:
				f.SetUint(random.Uint64() * uint64(random.IntN(2)))
			case reflect.Slice:
				for range random.IntN(4) {
					f.Set(reflect.Append(f, reflect.ValueOf(text())))
				}
			}
		}
	}
	e.At = time.Unix(random.Int64N(1<<33), random.Int64N(1e9)*random.Int64N(2)).In(time.FixedZone("", 3600*random.IntN(9)))
	return e
}

// TestHashesAreThoseOfRFC6962 holds the hashes that do not allocate against the library's.
func TestHashesAreThoseOfRFC6962(t *testing.T) {
	leaf := hashLeaf([]byte("\x00a line"))
	if want := rfc6962.DefaultHasher.HashLeaf([]byte("a line")); string(leaf[:]) != string(want) {
		t.Errorf("leaf %x, want %x", leaf, want)
	}
	other := hashLeaf([]byte("?another"))
	if got, want := hashChildren(leaf[:], other[:]), rfc6962.DefaultHasher.HashChildren(leaf[:], other[:]); string(got) != string(want) {
		t.Errorf("node %x, want %x", got, want)
	}
}
