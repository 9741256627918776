package search

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

const (
	formLocal = 'r'
	formURL   = 'u'
)

// AppendReference appends the value of a literal reference. References to this server (relative, or absolute with base or
// one of also) are local, whatever version they name; everything else keeps its text. It gives dst as it was for a
// reference to a contained resource, which has no value.
func AppendReference(dst []byte, literal, base string, also Bases) []byte {
	r := fhir.ParseReference(literal)
	if r.Inside != "" || literal == "" || literal == "#" {
		return dst
	}
	if key, ok := localKey(r, base, also); ok {
		return appendLocal(dst, string(key.Type), string(key.ID))
	}
	return appendField(append(dst, formURL), literal, maxURI)
}

// AppendWithin appends the value, for ParamDetail, of a reference to the contained resource at a place, from 0 on; nothing if
// that is beyond what can be told.
func AppendWithin(dst []byte, place int) []byte {
	if place > math.MaxUint16 {
		return dst
	}
	return binary.BigEndian.AppendUint16(dst, uint16(place))
}

// PlaceWithin reads a value of AppendWithin; ok is false if it is none.
func PlaceWithin(value []byte) (place int, ok bool) {
	if len(value) != 2 {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(value)), true
}

// AppendLocal appends the value of a reference to a resource of this server: ReferenceValue without allocation.
func AppendLocal(dst []byte, t fhir.Type, id string) []byte { return appendLocal(dst, string(t), id) }

func appendLocal(dst []byte, t, id string) []byte {
	dst = append(dst, formLocal)
	dst = append(dst, t...)
	dst = append(dst, 0)
	return append(dst, id...)
}

// AppendCanonical appends the value of a canonical or uri that a reference parameter points with. One that is a reference
// to this server ("Questionnaire/gcs") is local, unless it names a version.
func AppendCanonical(dst []byte, s, base string, also Bases) []byte {
	url, version, versioned := CutVersion(s)
	if !versioned {
		if key, ok := localKey(fhir.ParseReference(s), base, also); ok {
			return appendLocal(dst, string(key.Type), string(key.ID))
		}
	}
	dst = appendField(append(dst, formURL), url, maxURI)
	if !versioned {
		return dst
	}
	return appendField(append(dst, 0), version, maxField)
}

// Here says which resource of this server a reference names; false for one of another server, whatever its id.
func Here(reference, base string, also Bases) (fhir.Key, bool) {
	return localKey(fhir.ParseReference(reference), base, also)
}

// localKey says which resource of this server a reference names.
func localKey(r fhir.Reference, base string, also Bases) (fhir.Key, bool) {
	if r.Key.ID == "" || !r4.IsResource(r.Key.Type) {
		return fhir.Key{}, false
	}
	return r.Key, r.Base == "" || base != "" && r.Base == strings.TrimSuffix(base, "/") || also.Own(r.Base)
}

// referenceSpans finds references: by id alone (to each of the types), by Type/id, by url; only is the type that a
// modifier demands, "" if none. canonicals says that some of the values are canonicals, which can name a version.
func referenceSpans(s string, types []fhir.Type, only fhir.Type, canonicals bool, base string, also Bases) ([]span, bool) {
	if only != "" {
		types = []fhir.Type{only}
	}
	if id, err := fhir.ParseID(s); err == nil {
		if types == nil {
			types = r4.Types()
		}
		out := make([]span, 0, len(types))
		for _, t := range types {
			out = append(out, exactly(ReferenceValue(fhir.Key{Type: t, ID: id})))
		}
		return out, true
	}
	r := fhir.ParseReference(s)
	if key, ok := localKey(r, base, also); ok {
		out := []span{exactly(ReferenceValue(key))}
		if canonicals {
			out = append(out, anyVersion(s))
		}
		return out, only == "" || only == key.Type
	}
	if r.Query != "" || r.Inside != "" || !canonicals && !strings.Contains(s, ":") {
		return nil, false
	}
	url := AppendCanonical(nil, s, base, also)
	if _, _, versioned := CutVersion(s); versioned {
		return []span{exactly(url)}, true
	}
	return []span{exactly(url), anyVersion(s)}, true
}

// anyVersion finds the canonicals with that url and a version.
func anyVersion(url string) span {
	return beginning(append(appendField([]byte{formURL}, url, maxURI), 0))
}
