package mapping

import (
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// RowsLeft gives the resources of rows of XML4 to XML15 that a Claim referred to before and does not now: rows that a corrected file
// leaves out.
func RowsLeft(before, now resource.Value, s Systems) (left []fhir.Key) {
	still := map[fhir.Key]bool{}
	for _, k := range rowsOf(now, s) {
		still[k] = true
	}
	for _, k := range rowsOf(before, s) {
		if !still[k] {
			still[k] = true // told once
			left = append(left, k)
		}
	}
	return left
}

func rowsOf(claim resource.Value, s Systems) (keys []fhir.Key) {
	for info := range claim.Get("supportingInfo").Elements() {
		code, _ := codeOf(info.Get("category"), s.CodeSystem(csBang))
		id, ok := hoso.ParseID(code)
		h, known := homes[id]
		if !ok || !known {
			continue
		}
		if ref := fhir.ParseReference(info.Get("valueReference").Get("reference").Text()); ref.Base == "" && ref.Key.Type == h.typ && ref.Key.ID != "" {
			keys = append(keys, ref.Key)
		}
	}
	return keys
}

// IsRowOf says whether a resource was made of a row of this Claim's file, by its identifier, and is not taken back already.
func IsRowOf(v, claim resource.Value, s Systems) bool {
	facility, maLK, ok := episodeIdentifier(claim, s.sid())
	if !ok || v.Get("status").Kind() != resource.String || v.Get("status").Text() == "entered-in-error" {
		return false
	}
	ours := func(id resource.Value) bool {
		return id.Get("system").Text() == s.RowSystem(facility) && strings.HasPrefix(text(id.Get("value")), maLK+"/XML")
	}
	ids := v.Get("identifier")
	if ours(ids) { // that of a Composition is one
		return true
	}
	for id := range ids.Elements() {
		if ours(id) {
			return true
		}
	}
	return false
}
