package engine

import (
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// asked are records that preconditions asked for, as they are now: nearly every write demands the same one, that of the search parameters
// in force, which hardly ever changes. It belongs to one sequence, that of a group on a shared log, for which nothing is kept (kept.go); nil
// values are of records that are not there.
type asked map[store.Space]map[string][]byte

// Bounds of what asked keeps, in all and of one value.
const (
	askedRecords = 64
	askedBytes   = 4 << 10
)

func (a asked) of(c store.RecordIs) (value []byte, known bool) {
	value, known = a[c.Space][c.Key]
	return value, known
}

// keep takes note of what a record is. Rows that are asked for once, such as those of leases and slots, push out the others now and then.
func (a *asked) keep(c store.RecordIs, value []byte) {
	if len(value) > askedBytes {
		return
	}
	n := 0
	for _, keys := range *a {
		n += len(keys)
	}
	if n >= askedRecords || *a == nil {
		*a = asked{}
	}
	if (*a)[c.Space] == nil {
		(*a)[c.Space] = map[string][]byte{}
	}
	(*a)[c.Space][c.Key] = value
}

// forget lets go of the spaces that records change.
func (a asked) forget(records []commitlog.Record) {
	for i := range records {
		delete(a, store.Space(records[i].Space))
	}
}
