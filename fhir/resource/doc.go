// Package resource holds documents: JSON objects kept exactly as they were sent (LOSSLESS).
//
// A Document is the bytes as received plus a tape: one flat slice of nodes with offsets into those bytes, in document
// order. Reading never copies a value, and writing (edit.go) is by splices, so number literals (1.10), key order,
// primitive extensions and unknown spacing survive untouched.
//
//	{"a":[1,"x"]}      tape: 0 object end=4 | 1 array key=a end=4 | 2 number | 3 string
//
// Parse is one strict pass over the tokens of encoding/json/jsontext: duplicate keys, bad UTF-8, trailing data, nesting
// deeper than the limit, empty objects and arrays, arrays in arrays and too many nodes are refused as they are met,
// before memory is spent on the rest.
//
// It may import only fhir. Start reading at Document, then Value.
package resource
