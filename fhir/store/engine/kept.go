package engine

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// kept holds rows i and r that were looked up lately, also that there is none: what a commit demands of a record was read a moment
// before, and what moves on by one commit after another is looked up for each. It says what the database says of all that was
// applied, durable or not, since whatever is applied passes apply. What is not there is read, so that any of it may be dropped at
// any time. A place holds the last row that was looked up there; rows that nobody looks up take none.
//
// A reader that has to read leaves a note at the place before, and puts what it read there only if the note is still there: apply takes
// the note of a row away that it changed, so that what was read before cannot come after. That is why apply looks at the places
// after the database has the batch, and before anybody is told of it (FRESH, EXACT).
type kept struct {
	seed   maphash.Seed
	places [keptPlaces]atomic.Pointer[keptRow]
	stamps [keptStamps]atomic.Uint64 // how often rows and lists with such a hash have changed, whether or not they are kept (judged.go)
	listed [256]atomic.Bool          // by parameter and type: lists of their values are or were kept (keptlist.go)
}

// keptPlaces rows of at most keptBytes are 16 MiB if all are as large as that; those of claims are some 300 bytes.
const (
	keptPlaces = 16384
	keptBytes  = 1 << 10
	keptStamps = 32768
)

// keptRow is what is known of a row. It is not changed once it is at its place.
type keptRow struct {
	key   []byte
	value []byte // nil if there is none
	known bool   // false: somebody reads it now, or it is too large
}

func newKept() *kept { return &kept{seed: maphash.MakeSeed()} }

// at gives the place and the stamp of what has a key.
func (k *kept) at(key []byte) (*atomic.Pointer[keptRow], *atomic.Uint64) {
	h := maphash.Bytes(k.seed, key)
	return &k.places[h%keptPlaces], &k.stamps[h/keptPlaces%keptStamps]
}

// get is the function get, for rows i and r of the database; n takes note. A nil kept reads.
func (k *kept) get(db pebble.Reader, key []byte, n *noted, use func(value []byte) error) (found bool, err error) {
	if k == nil {
		n.lose()
		return get(db, key, use)
	}
	row, keep := k.look(key, n)
	if row.known {
		if row.value == nil {
			return false, nil
		}
		return true, use(row.value)
	}
	read := keptRow{key: row.key, known: true}
	found, err = get(db, key, func(value []byte) error {
		if read.known = len(value) <= keptBytes; read.known {
			read.value = append(make([]byte, 0, len(value)), value...)
		}
		return use(value)
	})
	if err == nil {
		keep.put(row, &read)
	}
	return found, err
}

// look gives what is known at key. If that is nothing, it is the note of the caller, who reads, and puts what he read at the place that
// comes with it.
func (k *kept) look(key []byte, n *noted) (*keptRow, keptPlace) {
	place, stamp := k.at(key)
	n.stamp(stamp) // before anything is read
	there := place.Load()
	if there != nil && there.known && bytes.Equal(there.key, key) {
		return there, keptPlace{}
	}
	note := &keptRow{key: bytes.Clone(key)}
	if !place.CompareAndSwap(there, note) {
		return note, keptPlace{}
	}
	return note, keptPlace{place}
}

// keptPlace is where a reader has left a note; none if somebody else was there.
type keptPlace struct{ at *atomic.Pointer[keptRow] }

// put puts what was read in the place of the note, if that is still there and what was read can be kept.
func (p keptPlace) put(note, read *keptRow) {
	if p.at != nil && read.known {
		p.at.CompareAndSwap(note, read)
	}
}

// apply has the database apply a batch by the given function, and brings what is kept up to it. All that changes rows while
// anybody reads passes here. A batch that failed may be there or not: then nobody may go by what is kept, nor by the database.
func (k *kept) apply(b *pebble.Batch, apply func() error) error {
	rows := b.Reader() // before: a large batch is the database's own afterwards
	if err := apply(); err != nil {
		return err
	}
	for {
		kind, key, value, ok, err := rows.Next()
		if !ok || err != nil {
			return err
		}
		switch {
		case kind == pebble.InternalKeyKindRangeDelete:
			k.drop()
		case len(key) > 0 && (key[0] == rowID || key[0] == rowRecord):
			k.changed(kind, key, value)
		case len(key) > 0 && key[0] == rowPosting:
			k.changedList(key)
		}
	}
}

// changed takes note of a row that an applied batch writes, if anybody looked it up.
func (k *kept) changed(kind pebble.InternalKeyKind, key, value []byte) {
	place, stamp := k.at(key)
	defer stamp.Add(1) // after what is kept has changed
	there := place.Load()
	if there == nil || !bytes.Equal(there.key, key) {
		return
	}
	now := &keptRow{key: there.key}
	switch {
	case kind == pebble.InternalKeyKindDelete:
		now.known = true
	case kind == pebble.InternalKeyKindSet && len(value) <= keptBytes:
		now.value, now.known = append(make([]byte, 0, len(value)), value...), true
	}
	place.Store(now)
}

// drop lets go of all rows, and of all notes of those who read.
func (k *kept) drop() {
	for i := range k.places {
		k.places[i].Store(&keptRow{})
	}
	for i := range k.stamps {
		k.stamps[i].Add(1)
	}
}
