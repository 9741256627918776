package bhxhmock

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// A line of the ledger is read as encoding/json reads it, whatever foreign text was written into it.
func TestLinesAreReadAsTheyWereWritten(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }), rapid.SampledFrom([]string{"1000.00", "<&>\u2028\x00\"\\"}))
	rapid.Check(t, func(t *rapid.T) {
		var written, theirs, ours Row
		fill(t, text, reflect.ValueOf(&written).Elem())
		line, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line, &theirs); err != nil {
			t.Fatal(err)
		}
		if err := ours.read(append(line, '\n')); err != nil || !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("%s\nis read as %+v\nnot %+v (%v)", line, ours, theirs, err)
		}
	})
}

// fill draws each field.
func fill(t *rapid.T, text *rapid.Generator[string], v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text.Draw(t, "text"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "number"))
	case reflect.Int:
		v.SetInt(int64(rapid.Int().Draw(t, "number")))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, text, v.Field(i))
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			fill(t, text, v.Index(v.Len()-1))
		}
	default:
		t.Fatalf("a field is a %s", v.Kind())
	}
}
