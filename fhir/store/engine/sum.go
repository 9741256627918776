package engine

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// definition tells the index definition apart from others; sums are compared under the same one alone.
func (e *Engine) definition() uint32 { return definitionOf(e.o.Definition) }

func definitionOf(name string) uint32 {
	return max(1, crc32.ChecksumIEEE([]byte(rowsVersion+" "+name)))
}

// rowsVersion counts the ways in which rows followed from the same log: 2 has none of records that lie in the log only.
const rowsVersion = "2"

// stageShared stages c with its sum, or checks the sum that it came with.
func (s *sequence) stageShared(b *pebble.Batch, c *commitlog.Commit, writes []*write, definition uint32) error {
	log := s.log
	s.log = nil
	before := len(b.Reader())
	err := s.stage(b, c, writes)
	s.log = log
	if err != nil {
		return err
	}
	sum := commitlog.Sum{Definition: definition, Rows: sumOf(b.Reader()[before:], c)}
	if c.Sum.Definition == 0 {
		c.Sum = sum
	} else if c.Sum.Definition == definition && c.Sum != sum {
		return errDiverged(c.T)
	}
	s.last = c.ID
	return s.log.Stage(b, c)
}

// sumOf hashes rows of a batch, in whatever order they come. Left out is what may differ between servers for a while:
// rows of added search parameters, which each server's builder makes when it comes to them, and the version rows, which
// hold the same entries. The head's row is among them, and with it the numbers given so far. A large record counts as the row that
// it was when its value stood there: sums are in logs.
func sumOf(r batchrepr.Reader, c *commitlog.Commit) uint64 {
	var sum uint64
	var length [8]byte
	h := xxhash.New()
	add := func(kind pebble.InternalKeyKind, key []byte, value ...[]byte) {
		h.Reset()
		length[0] = byte(kind)
		binary.BigEndian.PutUint32(length[1:], uint32(len(key)))
		_, _ = h.Write(length[:5])
		_, _ = h.Write(key)
		for _, part := range value {
			_, _ = h.Write(part)
		}
		sum += h.Sum64()
	}
	for {
		kind, key, value, ok, err := r.Next()
		if !ok || err != nil {
			break
		}
		if len(key) == 0 || key[0] == rowVersion || key[0] == rowPosting && addedParam(key) || key[0] == rowRecord && inLog(value) {
			continue
		}
		add(kind, key, value)
	}
	for i := range c.Records {
		if r := &c.Records[i]; largeRecord(r.Value) {
			add(pebble.InternalKeyKindSet, appendRecordKey(nil, r.Space, r.Key), binary.AppendUvarint(nil, uint64(c.T)), r.Value)
		}
	}
	return sum
}

// addedParam says whether the key of a row x is of a parameter that was added to R4's.
func addedParam(key []byte) bool {
	return len(key) >= 3 && search.ParamID(binary.BigEndian.Uint16(key[1:])).Number() >= r4.FirstCustom
}
