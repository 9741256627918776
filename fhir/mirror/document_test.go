package mirror

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestDocument: numbers keep their digits, whole dates and times have a Date beside them.
func TestDocument(t *testing.T) {
	d, err := resource.New([]byte(`{"resourceType":"Basic","id":"b","created":"2020-02-29","year":"2020","at":"2020-02-29T10:00:00+07:00","n":5,"d":1.50,` +
		`"long":0.1234567890123456789012345678901234567,"list":[{"x":true},null,"2020-01-01"]}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := document(&store.Found{Key: fhir.Key{Type: "Basic", ID: "b"}, Version: 3, T: 42, At: 5, Stored: d.Root().Store("b")})
	if err != nil {
		t.Fatal(err)
	}
	var got bson.M
	if err := bson.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"_id": "string b", "_version": "int64 3", "_commit": "int64 42", "created": "string 2020-02-29", "year": "string 2020", "n": "int64 5", "d": "bson.Decimal128 1.50",
		"long": "string 0.1234567890123456789012345678901234567", "year_date": "<nil> <nil>", "list": "bson.A [{\"x\":true} <nil> 2020-01-01]",
	} {
		if is := fmt.Sprintf("%T %v", got[name], got[name]); is != want {
			t.Errorf("%s is %s, want %s", name, is, want)
		}
	}
	for name, want := range map[string]int64{"created_date": 1582909200000, "at_date": 1582945200000} {
		if got[name] != bson.DateTime(want) {
			t.Errorf("%s is %v, want %d", name, got[name], want)
		}
	}
}
