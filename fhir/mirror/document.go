package mirror

import (
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// longest is the longest document that MongoDB takes, with room for the rest of the message.
const longest = 15 << 20

// document gives the BSON of a version.
func document(f *store.Found) (bson.Raw, error) {
	head := bson.D{
		{Key: "_id", Value: string(f.Key.ID)}, {Key: "_version", Value: int64(f.Version)}, {Key: "_commit", Value: int64(f.T)},
		{Key: "_lastUpdated", Value: f.At.Time()},
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return nil, err
	}
	raw, err := bson.Marshal(append(head, object(doc.Root())...))
	if err == nil && len(raw) > longest {
		raw, err = bson.Marshal(append(head, bson.E{Key: "_tooLong", Value: true}))
	}
	return raw, err
}

func object(v resource.Value) bson.D {
	var d bson.D
	for name, member := range v.Members() {
		d = append(d, bson.E{Key: name, Value: value(member)})
		if member.Kind() == resource.String {
			if t, ok := moment(member.Text()); ok {
				d = append(d, bson.E{Key: name + "_date", Value: t})
			}
		}
	}
	return d
}

func value(v resource.Value) any {
	switch v.Kind() {
	case resource.Object:
		return object(v)
	case resource.Array:
		a := bson.A{}
		for e := range v.Elements() {
			a = append(a, value(e))
		}
		return a
	case resource.String:
		return v.Text()
	case resource.Number:
		return number(string(v.Raw()))
	case resource.Bool:
		return string(v.Raw()) == "true"
	}
	return nil
}

// number keeps the digits of a literal.
func number(literal string) any {
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil && literal != "-0" {
		return n
	}
	d, err := bson.ParseDecimal128(literal)
	if digits := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(mantissa(literal)), "0"); err != nil || len(digits) > 34 {
		return literal
	}
	return d
}

func mantissa(literal string) string {
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		return literal[:i]
	}
	return literal
}

// vietNam has no daylight saving time.
var vietNam = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// moment reads a whole date, or a time with its zone.
func moment(s string) (time.Time, bool) {
	if len(s) == len(time.DateOnly) {
		t, err := time.ParseInLocation(time.DateOnly, s, vietNam)
		return t, err == nil
	}
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}
