package commitlog

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/lienthong/lienthong/fhir"
)

// Encoding of a commit, version 3. The header holds everything but T (it is the row's key) and the documents (they lie
// beside it, so that history and feed can read one without the others):
//
//	3, id (16 bytes), at (zigzag varint)
//	0, or 1 and: id of the commit before (16 bytes), definition, sum of rows (8 bytes, big endian)
//	number of writes,  each: type, id, version, method (1 byte), sender, number of unique keys, each unique key
//	number of records, each: space, key, 0 = removed or 1 + length of the value, value
//
// Numbers are uvarints; texts are a uvarint length and the bytes.
//
// Versions 1 and 2 are still read: 1 had no senders, neither had the second line.
const codecVersion = 3

// errCorrupt is what the decoders return for bytes that no encoder made.
var errCorrupt = errors.New("commitlog: corrupt commit")

// AppendHeader appends c without its number and its documents.
func AppendHeader(b []byte, c *Commit) []byte {
	b = append(b, codecVersion)
	b = append(b, c.ID[:]...)
	b = binary.AppendVarint(b, int64(c.At))
	if c.Prev == (ID{}) && c.Sum == (Sum{}) {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), c.Prev[:]...)
		b = binary.AppendUvarint(b, uint64(c.Sum.Definition))
		b = binary.BigEndian.AppendUint64(b, c.Sum.Rows)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Writes)))
	for i := range c.Writes {
		w := &c.Writes[i]
		b = appendText(b, string(w.Key.Type))
		b = appendText(b, string(w.Key.ID))
		b = binary.AppendUvarint(b, uint64(w.Version))
		b = append(b, w.Method)
		b = appendText(b, w.Sender)
		b = binary.AppendUvarint(b, uint64(len(w.Unique)))
		for _, u := range w.Unique {
			b = appendText(b, u)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(c.Records)))
	for i := range c.Records {
		r := &c.Records[i]
		b = appendText(b, r.Space)
		b = appendText(b, r.Key)
		if r.Value == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(r.Value))+1)
		b = append(b, r.Value...)
	}
	return b
}

// DecodeHeader reads what AppendHeader wrote. Nothing of the result points into b.
func DecodeHeader(b []byte) (Commit, error) {
	d := decoder{b: b}
	c := d.header()
	if d.bad || len(d.b) > 0 {
		return Commit{}, errCorrupt
	}
	return c, nil
}

// AppendCommit appends c whole, its number and documents included: for logs that keep a commit as one value.
func AppendCommit(b []byte, c *Commit) []byte {
	b = AppendHeader(b, c)
	b = binary.AppendUvarint(b, uint64(c.T))
	for i := range c.Writes {
		b = binary.AppendUvarint(b, uint64(len(c.Writes[i].Document)))
		b = append(b, c.Writes[i].Document...)
	}
	return b
}

// DecodeCommit reads what AppendCommit wrote. Documents point into b.
func DecodeCommit(b []byte) (Commit, error) {
	d := decoder{b: b}
	c := d.header()
	c.T = fhir.T(d.uvarint())
	for i := range c.Writes {
		if doc := d.bytes(); len(doc) > 0 {
			c.Writes[i].Document = doc
		}
	}
	if d.bad || len(d.b) > 0 {
		return Commit{}, errCorrupt
	}
	return c, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads from b; after a fault all reads give zero and bad stays set.
type decoder struct {
	b    []byte
	bad  bool
	v    byte   // version of the encoding
	last string // the text read last, so that a bundle of one type keeps one copy of its name
}

func (d *decoder) header() Commit {
	var c Commit
	if d.v = d.byte(); d.v < 1 || d.v > codecVersion || len(d.b) < len(c.ID) {
		d.bad = true
		return c
	}
	copy(c.ID[:], d.b)
	d.b = d.b[len(c.ID):]
	at, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		return c
	}
	d.b = d.b[n:]
	c.At = fhir.Instant(at)
	if d.v > 2 && d.byte() != 0 {
		d.shared(&c)
	}
	if n := d.count(); n > 0 {
		c.Writes = make([]Write, 0, n)
		for range n {
			c.Writes = append(c.Writes, d.write())
			if d.bad {
				return c
			}
		}
	}
	if n := d.count(); n > 0 {
		c.Records = make([]Record, 0, n)
		for range n {
			c.Records = append(c.Records, d.record())
			if d.bad {
				return c
			}
		}
	}
	return c
}

// shared reads what only the commits of a log with several writers have.
func (d *decoder) shared(c *Commit) {
	if len(d.b) < len(c.Prev) {
		d.bad = true
		return
	}
	d.b = d.b[copy(c.Prev[:], d.b):]
	definition := d.uvarint()
	if definition > math.MaxUint32 || len(d.b) < 8 {
		d.bad = true
		return
	}
	c.Sum = Sum{Definition: uint32(definition), Rows: binary.BigEndian.Uint64(d.b)}
	d.b = d.b[8:]
}

func (d *decoder) write() Write {
	var w Write
	if t := d.bytes(); string(t) == d.last {
		w.Key.Type = fhir.Type(d.last)
	} else {
		d.last = string(t)
		w.Key.Type = fhir.Type(d.last)
	}
	w.Key.ID = fhir.ID(d.bytes())
	w.Version = fhir.Version(d.uvarint())
	w.Method = d.byte()
	if d.v > 1 {
		w.Sender = string(d.bytes())
	}
	if n := d.count(); n > 0 {
		w.Unique = make([]string, 0, n)
		for range n {
			w.Unique = append(w.Unique, string(d.bytes()))
		}
	}
	return w
}

func (d *decoder) record() Record {
	r := Record{Space: string(d.bytes()), Key: string(d.bytes())}
	n := d.uvarint()
	if n == 0 {
		return r
	}
	if n-1 > uint64(len(d.b)) {
		d.bad = true
		return r
	}
	r.Value = append([]byte{}, d.b[:n-1]...)
	d.b = d.b[n-1:]
	return r
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of things to come, each of at least one byte: more than there are bytes is a fault, found
// before memory is spent on it.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}
