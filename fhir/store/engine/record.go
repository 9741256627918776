package engine

import (
	"bytes"
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
)

// The row r of a record holds the commit that wrote it and its value. The value of a large one, such as a claim file as it was
// sent, is in the header of that commit already, which is never changed nor taken away: there it stays, and the row says so. So it
// is written once, and among rows that come in order and are not merged again and again.
//
//	t, value -> a value
//	0, t     -> the value is in the header of commit t
//
// Folders of format 1 have large values in either place; both are read.

// largeFrom is the size from which the log alone has a value, in bytes: above states of claims, slots and doses, which are read all the time.
const largeFrom = 768

func largeRecord(value []byte) bool { return len(value) >= largeFrom }

// appendRecord appends the row of a value that commit t writes.
func appendRecord(b []byte, t fhir.T, value []byte) []byte {
	if largeRecord(value) {
		return binary.AppendUvarint(append(b, 0), uint64(t))
	}
	return append(binary.AppendUvarint(b, uint64(t)), value...)
}

// inLog says whether the value of a row is in the header of its commit.
func inLog(row []byte) bool { return len(row) > 0 && row[0] == 0 }

// decodeRecord reads a row: the commit that wrote it, and its value, a part of b, unless that is in the log.
func decodeRecord(b []byte) (t fhir.T, value []byte, elsewhere bool, err error) {
	d := rowDecoder{b: b}
	if elsewhere = inLog(b); elsewhere {
		d.b = b[1:]
	}
	if t = fhir.T(d.uvarint()); t == 0 || elsewhere && len(d.b) > 0 {
		d.fail()
	}
	return t, d.b, elsewhere, d.err()
}

// recordValue gives the value of a row. It is a part of the row, or the caller's.
func recordValue(db pebble.Reader, key, row []byte) ([]byte, error) {
	t, value, elsewhere, err := decodeRecord(row)
	if err != nil || !elsewhere {
		return value, err
	}
	c, err := commitHeader(db, t)
	if err != nil {
		return nil, err
	}
	space, name, _ := bytes.Cut(key[1:], zero)
	for i := range c.Records {
		if r := &c.Records[i]; r.Value != nil && r.Space == string(space) && r.Key == string(name) {
			return r.Value, nil
		}
	}
	return nil, damaged("commit %d has no record %s", t, space)
}

// sameRecord says whether two rows at key that differ are a record of the same commit with the same value, which one of them leaves
// to the log.
func sameRecord(db pebble.Reader, key, a, b []byte) (bool, error) {
	if key[0] != rowRecord || inLog(a) == inLog(b) {
		return false, nil
	}
	if inLog(b) {
		a, b = b, a
	}
	value, err := recordValue(db, key, a)
	if err != nil {
		return false, err
	}
	return bytes.Equal(b, append(bytes.Clone(a[1:]), value...)), nil
}
