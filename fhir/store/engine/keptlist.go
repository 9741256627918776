package engine

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Lists of what refers to a resource, such as the Consents of a patient, are kept as rows are: a fence asks for them at each read, and
// mostly there is nothing. A list is kept under what its rows begin with and holds the number of each with its events, so
// it serves any commit. One of more than keptBytes is read each time.

// list hands the rows of a value to use, in the order of their numbers, until use says false; prefix is what they begin with. n takes
// note. A nil kept reads.
func (k *kept) list(db pebble.Reader, prefix []byte, n *noted, use func(n number, events []byte) bool) (err error) {
	if k == nil {
		n.lose()
		return eachPosting(db, prefix, use)
	}
	if listed := k.listedAt(prefix); !listed.Load() {
		listed.Store(true) // before anything is read
	}
	row, keep := k.look(prefix, n)
	if row.known {
		for rest := row.value; len(rest) > 0; {
			size, length := binary.Uvarint(rest[numberLen:])
			events := rest[numberLen+length:][:size]
			if !use(lastNumber(rest[:numberLen]), events) {
				return nil
			}
			rest = rest[numberLen+length+int(size):]
		}
		return nil
	}
	read := keptRow{key: row.key, known: true}
	wanted := true
	err = eachPosting(db, prefix, func(n number, events []byte) bool {
		if read.known {
			read.value = append(binary.AppendUvarint(appendNumber(read.value, n), uint64(len(events))), events...)
			read.known = len(read.value) <= keptBytes
		}
		wanted = wanted && use(n, events)
		return wanted || read.known
	})
	if err == nil {
		keep.put(row, &read)
	}
	return err
}

// any says whether there is any row of a value, of whatever commit; prefix is what they begin with.
func (k *kept) any(db pebble.Reader, prefix []byte) (any bool, err error) {
	err = k.list(db, prefix, nil, func(number, []byte) bool {
		any = true
		return false
	})
	return any, err
}

// anyOf says whether there is any row of a parameter of a type, whatever its value; prefix is what they begin with. It keeps no more
// than that: mostly nothing at all is named by a parameter for which a fence asks this.
func (k *kept) anyOf(db pebble.Reader, prefix []byte) (any bool, err error) {
	read := func(number, []byte) bool {
		any = true
		return false
	}
	if k == nil {
		return any, eachPosting(db, prefix, read)
	}
	k.listedAt(prefix).Store(true) // before anything is read
	row, keep := k.look(prefix, nil)
	if row.known {
		return row.value != nil, nil
	}
	err = eachPosting(db, prefix, read)
	if err == nil {
		is := keptRow{key: row.key, known: true}
		if any {
			is.value = []byte{1}
		}
		keep.put(row, &is)
	}
	return any, err
}

// eachPosting reads the rows that list gives.
func eachPosting(db pebble.Reader, prefix []byte, use func(n number, events []byte) bool) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return errDisk(err)
	}
	defer it.Close() // its error is that of Error
	for ok := it.First(); ok; ok = it.Next() {
		events, err := it.ValueAndErr()
		if err != nil {
			return errDisk(err)
		}
		if !use(lastNumber(it.Key()), events) {
			return nil
		}
	}
	return errDisk(it.Error())
}

func (k *kept) listedAt(key []byte) *atomic.Bool {
	return &k.listed[maphash.Bytes(k.seed, key[:paramKeyLen])%uint64(len(k.listed))]
}

// changedList drops the list that a row x is of, and whether its parameter has any, if anybody looked one up.
func (k *kept) changedList(key []byte) {
	if len(key) < paramKeyLen+numberLen || !k.listedAt(key).Load() {
		return
	}
	stamp := k.forgetAt(key[:len(key)-numberLen])
	k.forgetAt(key[:paramKeyLen])
	stamp.Add(1)
}

// forgetAt drops what is kept under what rows begin with, and the notes of those who read it. It gives the stamp that goes with it.
func (k *kept) forgetAt(prefix []byte) (stamp *atomic.Uint64) {
	place, stamp := k.at(prefix)
	if there := place.Load(); there != nil && bytes.Equal(there.key, prefix) {
		place.Store(&keptRow{})
	}
	return stamp
}
