package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Parameters of the suite's resources.
const (
	pToken  search.ParamID = 16 // few values, shared by many
	pString search.ParamID = 17 // several for each resource, of awkward bytes, some beginning others
	pDate   search.ParamID = 18 // one of many values
	pRef    search.ParamID = 19 // references to resources of the suite and elsewhere
	pKey    search.ParamID = 20 // one value for each resource
)

// entry makes an Entry.
func entry(p search.ParamID, value string) search.Entry {
	return search.Entry{Param: p, Value: []byte(value)}
}

// refTo makes a reference.
func refTo(key fhir.Key) search.Entry {
	return search.Entry{Param: pRef, Value: search.ReferenceValue(key)}
}

// put makes a Put of a document that carries its entries; note tells versions apart.
func put(key fhir.Key, note string, entries ...search.Entry) store.Put {
	return store.Put{Key: key, Doc: document(key, note, entries), Entries: entries, Method: store.MethodUpdate}
}

// document gives the JSON of a resource: its number literals, spacing and letters are those that get lost easily.
func document(key fhir.Key, note string, entries []search.Entry) resource.Stored {
	var packed []byte
	for _, e := range entries {
		packed = binary.AppendUvarint(packed, uint64(e.Param))
		packed = append(binary.AppendUvarint(packed, uint64(len(e.Value))), e.Value...)
	}
	raw := fmt.Appendf(nil, `{"resourceType":%q, "id":%q,"value":1.10,"name":"Đặng Thị Ánh","note":%q,"entries":%q}`,
		key.Type, key.ID, note, base64.StdEncoding.EncodeToString(packed))
	d, err := resource.Parse(raw, resource.DefaultLimits)
	if err != nil {
		panic(err) // the suite wrote it
	}
	return d.Root().Store(key.ID)
}

// Index gives the entries that a document of the suite carries, without those by added parameters.
func Index(key fhir.Key, doc resource.Stored) ([]search.Entry, error) {
	return IndexWith(nil)(key, doc)
}

// carried gives all of them.
func carried(doc resource.Stored) ([]search.Entry, error) {
	const before = `"entries":"`
	i := bytes.LastIndex(doc.Body, []byte(before))
	if i < 0 {
		return nil, errors.New("storetest: a document of somebody else")
	}
	text := doc.Body[i+len(before) : len(doc.Body)-2]
	packed, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, err
	}
	var entries []search.Entry
	for len(packed) > 0 {
		p, n := binary.Uvarint(packed)
		size, m := binary.Uvarint(packed[n:])
		packed = packed[n+m:]
		entries = append(entries, search.Entry{Param: search.ParamID(p), Value: packed[:size]})
		packed = packed[size:]
	}
	return entries, nil
}

// wantDoc fails unless f is the document.
func wantDoc(tb testing.TB, f store.Found, want resource.Stored) {
	tb.Helper()
	if !f.Stored.Equal(want) {
		tb.Fatalf("LOSSLESS: %s version %s is\n%s\nwant\n%s", f.Key, f.Version, f.Stored.Body, want.Body)
	}
}

func patient(n int) fhir.Key { return fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprintf("p%d", n))} }

// by is a query for one exact value.
func by(t fhir.Type, p search.ParamID, value string) search.Query {
	return search.Query{Type: t, Where: []search.Condition{search.Terms{Any: []search.Term{{Param: p, Low: []byte(value), Exact: true}}}}}
}

// Sample gives a Put of a resource with one value of one parameter, for tests of an implementation beside the suite.
func Sample(typ fhir.Type, id fhir.ID, p search.ParamID, value string) store.Put {
	return put(fhir.Key{Type: typ, ID: id}, "sample", entry(p, value))
}
