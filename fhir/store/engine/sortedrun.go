package engine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
)

// runSorter puts the rows of a large batch in the order of their keys. Pebble takes a batch that is as large as half of its table in
// memory for a table of its own: it sorts the batch, which is one pass over what is sorted, and writes it out as it is. So rows
// come to sorted files without being put into a list in memory one by one, which costs a cache miss or two for each level of it.
//
// Sorting is cheap because rows are first dealt out by what keys of one kind begin with (groupLen), and by the eight bytes that follow:
// those lie beside each other, the keys all over the batch.
type runSorter struct {
	groups map[uint64][]runRow
}

// runRow is a row of the batch.
type runRow struct {
	head     uint64 // the bytes of the key that follow those of its group
	at       uint32 // where it begins in the batch
	from, to uint32 // where its key is
}

// groupLen is how many bytes of a key name its group; at most 8.
func groupLen(key []byte) int {
	n := 1
	switch key[0] {
	case rowPosting:
		n = paramKeyLen
	case rowID:
		n = 3
	}
	return min(n, len(key))
}

// eight gives the first bytes of b as a number that sorts as they do.
func eight(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var all [8]byte
	copy(all[:], b)
	return binary.BigEndian.Uint64(all[:])
}

// sorted gives a batch that does what b does, in the order of keys. Of writes that overwrite each other it has the last.
func (s *runSorter) sorted(db *pebble.DB, b *pebble.Batch) (*pebble.Batch, error) {
	data := []byte(b.Reader())
	if err := s.deal(data); err != nil {
		return nil, err
	}
	out := db.NewBatchWithSize(b.Len())
	for _, group := range slices.Sorted(maps.Keys(s.groups)) {
		rows := s.groups[group]
		slices.SortFunc(rows, func(a, b runRow) int {
			if a.head != b.head {
				return cmp.Compare(a.head, b.head)
			}
			return cmp.Or(bytes.Compare(a.key(data), b.key(data)), cmp.Compare(a.at, b.at))
		})
		for from, to := 0, 0; from < len(rows); from = to {
			last := from // that does not build on those before it
			for to = from; to < len(rows) && rows[to].head == rows[from].head && bytes.Equal(rows[to].key(data), rows[from].key(data)); to++ {
				if rows[to].kind(data) != pebble.InternalKeyKindMerge {
					last = to
				}
			}
			for i := range rows[last:to] {
				if err := rows[last+i].put(out, data); err != nil {
					_ = out.Close() // the first error says more
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// deal puts the rows of a batch into their groups.
func (s *runSorter) deal(data []byte) error {
	if s.groups == nil {
		s.groups = map[uint64][]runRow{}
	}
	for group, rows := range s.groups {
		s.groups[group] = rows[:0]
	}
	for rest := batchrepr.Reader(data); len(rest) > 0; {
		at := len(data) - len(rest)
		_, key, _, ok, err := rest.Next()
		if err != nil || !ok || len(key) == 0 {
			return fmt.Errorf("a batch that cannot be read: %w", cmp.Or(err, errCorrupt))
		}
		_, size := binary.Uvarint(data[at+1:]) // after the kind stands the length of the key
		from := at + 1 + size
		n := groupLen(key)
		group := eight(key[:n])
		s.groups[group] = append(s.groups[group], runRow{head: eight(key[n:]), at: uint32(at), from: uint32(from), to: uint32(from + len(key))})
	}
	return nil
}

func (r *runRow) key(data []byte) []byte { return data[r.from:r.to] }

func (r *runRow) kind(data []byte) pebble.InternalKeyKind {
	return pebble.InternalKeyKind(data[r.at])
}

// put does in b what r does in the batch of data.
func (r *runRow) put(b *pebble.Batch, data []byte) error {
	rest := batchrepr.Reader(data[r.at:])
	kind, key, value, _, err := rest.Next()
	if err != nil {
		return err
	}
	switch kind {
	case pebble.InternalKeyKindSet:
		return b.Set(key, value, nil)
	case pebble.InternalKeyKindMerge:
		return b.Merge(key, value, nil)
	case pebble.InternalKeyKindDelete:
		return b.Delete(key, nil)
	}
	return fmt.Errorf("a batch with rows of kind %s", kind)
}
