package engine

import (
	"bytes"
	"encoding/binary"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// First bytes of the rows; doc.go says what they hold. 'd' and 'l' are the log's.
const (
	rowCount   = 'c'
	rowHistory = 'h'
	rowID      = 'i'
	rowMeta    = 'm'
	rowRecord  = 'r'
	rowUnique  = 'u'
	rowVersion = 'v'
	rowPosting = 'x'
	rowType    = 'y'
)

// derived are the prefixes of all rows that follow from the log, apart from m|head.
var derived = []byte{rowCount, rowHistory, rowID, rowRecord, rowUnique, rowVersion, rowPosting, rowType}

var (
	metaFormat     = []byte("m|format")
	metaDefinition = []byte("m|definition")
	metaHead       = []byte("m|head")
	metaRebuild    = []byte("m|rebuild")
)

// number is the engine's own name of a resource: 1, 2, … in order of creation. 0 is none.
type number uint64

const (
	numberLen = 5
	maxNumber = number(1)<<(8*numberLen) - 1
)

func appendNumber(b []byte, n number) []byte {
	return append(b, byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// lastNumber reads the number at the end of a key.
func lastNumber(key []byte) number {
	k := key[len(key)-numberLen:]
	return number(k[0])<<32 | number(k[1])<<24 | number(k[2])<<16 | number(k[3])<<8 | number(k[4])
}

// typeCode stands for a resource type in keys; 0 is none.
type typeCode uint16

func appendIDKey(b []byte, t typeCode, id fhir.ID) []byte {
	b = append(b, rowID, byte(t>>8), byte(t))
	return append(b, id...)
}

func appendVersionKey(b []byte, n number, v fhir.Version) []byte {
	return appendNumber(appendNumber(append(b, rowVersion), n), maxNumber-number(v))
}

// versionKey reads a key of appendVersionKey.
func versionKey(key []byte) (number, fhir.Version) {
	return lastNumber(key[:1+numberLen]), fhir.Version(maxNumber - lastNumber(key))
}

func appendHistoryKey(b []byte, typ typeCode, t fhir.T, write uint32) []byte {
	b = append(b, rowHistory, byte(typ>>8), byte(typ))
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, uint64(t)), write)
}

// historyKey reads the place from a key of appendHistoryKey.
func historyKey(key []byte) (fhir.T, uint32) {
	return fhir.T(binary.BigEndian.Uint64(key[3:])), binary.BigEndian.Uint32(key[11:])
}

// appendParamKey appends what all postings of a parameter of a type begin with.
func appendParamKey(b []byte, p search.ParamID, t typeCode) []byte {
	return append(b, rowPosting, byte(p>>8), byte(p), byte(t>>8), byte(t))
}

const paramKeyLen = 5

// appendValueKey appends what all postings of one value begin with; appendNumber completes the key.
func appendValueKey(b []byte, p search.ParamID, t typeCode, value []byte) []byte {
	return appendEscaped(appendParamKey(b, p, t), value)
}

// appendEscaped appends value so that the encodings of two values sort as the values do and none begins another.
func appendEscaped(b, value []byte) []byte {
	for {
		i := bytes.IndexByte(value, 0)
		if i < 0 {
			return append(append(b, value...), valueEnd...)
		}
		b = append(append(b, value[:i]...), 0, 0xff)
		value = value[i+1:]
	}
}

// valueEnd is what the encoding of a value ends with.
var valueEnd = []byte{0, 1}

func escapedLen(value []byte) int { return len(value) + bytes.Count(value, zero) + 2 }

var zero = []byte{0}

// unescape appends to dst the value that starts b and gives what follows it; rest is nil if b is no such encoding.
func unescape(dst, b []byte) (value, rest []byte) {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return dst, nil
		}
		dst = append(dst, b[:i]...)
		if b[i+1] == 1 {
			return dst, b[i+2:]
		}
		dst = append(dst, 0)
		b = b[i+2:]
	}
}

// after gives the least key beyond all that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

func appendRecordKey(b []byte, space, key string) []byte {
	b = append(append(append(b, rowRecord), space...), 0)
	return append(b, key...)
}

func appendUniqueKey(b []byte, key string) []byte { return append(append(b, rowUnique), key...) }

func appendCountKey(b []byte, t typeCode) []byte { return append(b, rowCount, byte(t>>8), byte(t)) }

func appendTypeKey(b []byte, t typeCode) []byte { return append(b, rowType, byte(t>>8), byte(t)) }
