package engine

import (
	"encoding/binary"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

var errCorrupt = errors.New("engine: corrupt row")

// state is the row i: the newest version of a resource.
type state struct {
	number  number // 0: the resource never existed
	version fhir.Version
	place
}

// place is where a version came from.
type place struct {
	t      fhir.T
	at     fhir.Instant
	write  uint32 // index of the write within commit t
	method store.Method
}

// alive says whether the resource exists.
func (s state) alive() bool { return s.number != 0 && s.method != store.MethodDelete }

func (p place) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(p.t))
	b = binary.AppendVarint(b, int64(p.at))
	b = binary.AppendUvarint(b, uint64(p.write))
	return append(b, byte(p.method))
}

func (s state) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.number))
	b = binary.AppendUvarint(b, uint64(s.version))
	return s.place.append(b)
}

func decodeState(b []byte) (state, error) {
	d := rowDecoder{b: b}
	s := state{number: number(d.uvarint()), version: fhir.Version(d.uvarint()), place: d.place()}
	return s, d.err()
}

// versionRow is the row v. Its bytes are those of the row.
type versionRow struct {
	place
	typ     typeCode
	id      []byte
	unique  []byte // packed: count, then length and bytes of each
	links   []byte // packed numbers: of what it contains; of a contained resource: the one that it is in (contained.go)
	entries []byte // packed: see packEntries
}

func (v *versionRow) append(b []byte) []byte {
	b = v.place.append(b)
	b = binary.AppendUvarint(b, uint64(v.typ))
	b = append(binary.AppendUvarint(b, uint64(len(v.id))), v.id...)
	b = append(binary.AppendUvarint(b, uint64(len(v.unique))), v.unique...)
	b = append(binary.AppendUvarint(b, uint64(len(v.links))), v.links...)
	return append(b, v.entries...)
}

func decodeVersion(b []byte) (versionRow, error) {
	d := rowDecoder{b: b}
	v := versionRow{place: d.place(), typ: typeCode(d.uvarint()), id: d.bytes(), unique: d.bytes(), links: d.bytes()}
	v.entries = d.b
	return v, d.err()
}

// packEntries appends entries, which are sorted, as: parameter (difference to the one before), length, value.
func packEntries(b []byte, entries []search.Entry) []byte {
	last := search.ParamID(0)
	for i := range entries {
		e := &entries[i]
		b = binary.AppendUvarint(b, uint64(e.Param-last))
		b = append(binary.AppendUvarint(b, uint64(len(e.Value))), e.Value...)
		last = e.Param
	}
	return b
}

// packed walks packed entries. It keeps places instead of slices: while garbage is collected each pointer that is written costs
// as much as the rest of a step.
type packed struct {
	b        []byte
	at       int // of the next entry
	param    search.ParamID
	from, to int // of the value
	bad      bool
}

// value gives the value of the entry, a part of the row.
func (p *packed) value() []byte { return p.b[p.from:p.to:p.to] }

// next moves to the next entry; false at the end.
func (p *packed) next() bool {
	if p.at >= len(p.b) {
		return false
	}
	p.param += search.ParamID(p.uvarint())
	size := p.uvarint()
	if p.bad = p.bad || size > uint64(len(p.b)-p.at); p.bad {
		return false
	}
	p.from, p.to = p.at, p.at+int(size)
	p.at = p.to
	return true
}

func (p *packed) uvarint() uint64 {
	if p.at < len(p.b) && p.b[p.at] < 0x80 {
		p.at++
		return uint64(p.b[p.at-1])
	}
	v, n := binary.Uvarint(p.b[p.at:])
	if n <= 0 {
		p.bad = true
		return 0
	}
	p.at += n
	return v
}

// packTexts packs a list of texts; an empty list is empty.
func packTexts(b []byte, list []string) []byte {
	for _, s := range list {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

func unpackTexts(b []byte) ([]string, error) {
	var list []string
	d := rowDecoder{b: b}
	for len(d.b) > 0 {
		list = append(list, string(d.bytes()))
	}
	return list, d.err()
}

// head is the row m|head: the state of the sequence after commit t.
type head struct {
	t        fhir.T
	at       fhir.Instant
	next     number // given to the next resource
	versions uint64
}

func (h head) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(h.t))
	b = binary.AppendVarint(b, int64(h.at))
	b = binary.AppendUvarint(b, uint64(h.next))
	return binary.AppendUvarint(b, h.versions)
}

func decodeHead(b []byte) (head, error) {
	d := rowDecoder{b: b}
	h := head{t: fhir.T(d.uvarint()), at: fhir.Instant(d.varint()), next: number(d.uvarint()), versions: d.uvarint()}
	return h, d.err()
}

// packNumbers packs a list of numbers; an empty list is empty.
func packNumbers(list []number) (b []byte) {
	for _, n := range list {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

func unpackNumbers(b []byte) (list []number, err error) {
	d := rowDecoder{b: b}
	for len(d.b) > 0 {
		list = append(list, number(d.uvarint()))
	}
	return list, d.err()
}

// openAt says whether a posting with these events holds as of t.
func openAt(events []byte, t fhir.T) bool {
	open := false
	for len(events) > 0 {
		v, n := uint64(events[0]), 1
		if v >= 0x80 {
			if v, n = binary.Uvarint(events); n <= 0 {
				return false
			}
		}
		if fhir.T(v) > t {
			break
		}
		open = !open
		events = events[n:]
	}
	return open
}

// eventAfter says whether a posting with these events changes after t.
func eventAfter(events []byte, t fhir.T) bool {
	for len(events) > 0 {
		v, n := binary.Uvarint(events)
		if n <= 0 || fhir.T(v) > t {
			return true
		}
		events = events[n:]
	}
	return false
}

// rowDecoder reads the parts of a row; after a fault all parts are zero and err says so.
type rowDecoder struct {
	b   []byte
	bad bool
}

func (d *rowDecoder) err() error {
	if d.bad {
		return fhir.Wrap(fhir.Internal, "store-damaged", errCorrupt)
	}
	return nil
}

func (d *rowDecoder) uvarint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		v := d.b[0]
		d.b = d.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *rowDecoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *rowDecoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}

func (d *rowDecoder) place() place {
	p := place{t: fhir.T(d.uvarint()), at: fhir.Instant(d.varint()), write: uint32(d.uvarint())}
	if len(d.b) == 0 {
		d.fail()
		return p
	}
	p.method = store.Method(d.b[0])
	d.b = d.b[1:]
	return p
}

func (d *rowDecoder) fail() {
	d.bad, d.b = true, nil
}
