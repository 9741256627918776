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

// refWithin makes a reference to what the same document contains.
func refWithin(place int) search.Entry {
	return search.Entry{Param: pRef | search.ParamDetail, Value: search.AppendWithin(nil, place)}
}

// refTo makes a reference.
func refTo(key fhir.Key) search.Entry {
	return search.Entry{Param: pRef, Value: search.ReferenceValue(key)}
}

// put makes a Put of a document that carries its entries; note tells versions apart.
func put(key fhir.Key, note string, entries ...search.Entry) store.Put {
	return store.Put{Key: key, Doc: document(key, note, entries), Entries: entries, Method: store.MethodUpdate}
}

// around makes what put makes of a resource with contained ones.
func around(key fhir.Key, note string, contained []search.Contained, entries ...search.Entry) store.Put {
	p := put(key, note, entries...)
	p.Doc, p.Contained = document(key, note, entries, contained...), contained
	return p
}

// document gives the JSON of a resource: its number literals, spacing and letters are those that get lost easily.
func document(key fhir.Key, note string, entries []search.Entry, contained ...search.Contained) resource.Stored {
	packed := pack(nil, entries)
	for _, c := range contained {
		packed = append(binary.AppendUvarint(packed, mark), byte(len(c.Type)))
		packed = pack(append(packed, c.Type...), c.Entries)
	}
	raw := fmt.Appendf(nil, `{"resourceType":%q, "id":%q,"value":1.10,"name":"Đặng Thị Ánh","note":%q,"entries":%q}`,
		key.Type, key.ID, note, base64.StdEncoding.EncodeToString(packed))
	d, err := resource.Parse(raw, resource.DefaultLimits)
	if err != nil {
		panic(err) // the suite wrote it
	}
	return d.Root().Store(key.ID)
}

// mark is no parameter: behind it begins what the document contains.
const mark = 0xffff

func pack(b []byte, entries []search.Entry) []byte {
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.Param))
		b = append(binary.AppendUvarint(b, uint64(len(e.Value))), e.Value...)
	}
	return b
}

// Index gives the entries that a document of the suite carries, without those by added parameters.
func Index(key fhir.Key, doc resource.Stored) (search.Indexed, error) {
	return IndexWith(nil)(key, doc)
}

// carried gives all of them.
func carried(doc resource.Stored) (found search.Indexed, err error) {
	const before = `"entries":"`
	i := bytes.LastIndex(doc.Body, []byte(before))
	if i < 0 {
		return found, errors.New("storetest: a document of somebody else")
	}
	text := doc.Body[i+len(before) : len(doc.Body)-2]
	packed, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return found, err
	}
	to := &found.Entries
	for len(packed) > 0 {
		p, n := binary.Uvarint(packed)
		size, m := binary.Uvarint(packed[n:])
		packed = packed[n+m:]
		if p == mark {
			found.Contained = append(found.Contained, search.Contained{Type: fhir.Type(packed[:size])})
			to = &found.Contained[len(found.Contained)-1].Entries
		} else {
			*to = append(*to, search.Entry{Param: search.ParamID(p), Value: packed[:size]})
		}
		packed = packed[size:]
	}
	return found, nil
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
