package engine

import (
	"maps"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
)

// types gives resource types their two-byte codes: 1, 2, … in the order in which the log first names them, so that a
// replay gives the same. A types value never changes; the sequencer replaces it by a larger one.
type types struct {
	code map[fhir.Type]typeCode
	name []fhir.Type // by code; name[0] is ""
}

func loadTypes(db *pebble.DB) (*types, error) {
	ts := &types{code: map[fhir.Type]typeCode{}, name: []fhir.Type{""}}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{rowType}, UpperBound: []byte{rowType + 1}})
	if err != nil {
		return nil, errDisk(err)
	}
	for it.First(); it.Valid(); it.Next() {
		ts = ts.with(fhir.Type(it.Value()))
	}
	return ts, errDisk(it.Close())
}

// with gives types that also have name.
func (ts *types) with(name fhir.Type) *types {
	more := &types{code: maps.Clone(ts.code), name: append(ts.name[:len(ts.name):len(ts.name)], name)}
	more.code[name] = typeCode(len(ts.name))
	return more
}

// within gives the name under which contained resources of a type have their code: no resource type begins so.
func within(t fhir.Type) fhir.Type { return "#" + t }

// isWithin says whether a name is one of within.
func isWithin(t fhir.Type) bool { return strings.HasPrefix(string(t), "#") }

// contained says whether a code is that of contained resources.
func (ts *types) contained(code typeCode) bool {
	return int(code) < len(ts.name) && isWithin(ts.name[code])
}
