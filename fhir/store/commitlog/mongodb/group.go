package mongodb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// maxGroup is how many commits one append may have. A reader that begins within a group looks for its start so far back.
const maxGroup = 1024

// maxPayload bounds what a group unpacks to: bytes of others are met here.
const maxPayload = 1 << 30

// group is a document of commits. doc.go says what its fields are.
type group struct {
	ID     string      `bson:"_id"`
	N      int32       `bson:"n"`
	Group  bson.Binary `bson:"g"`
	Packed int32       `bson:"z"`
	Chunks int32       `bson:"c"`
	Sum    int64       `bson:"k"`
	At     time.Time   `bson:"at"`
	Body   bson.Binary `bson:"b"`
}

// chunk is a document of chunks.
type chunk struct {
	ID   string      `bson:"_id"`
	Body bson.Binary `bson:"b"`
}

// key gives the _id of the group that begins with commit t.
func key(t fhir.T) string { return fmt.Sprintf("%016d", uint64(t)) }

// first reads the number out of an _id.
func (g *group) first() (fhir.T, error) {
	var t uint64
	if n, err := fmt.Sscanf(g.ID, "%d", &t); n != 1 || err != nil || key(fhir.T(t)) != g.ID || t == 0 {
		return 0, fmt.Errorf("mongodb log: %q is no number of a commit", g.ID)
	}
	if g.N < 1 || g.N > maxGroup {
		return 0, fmt.Errorf("mongodb log: the group %s has %d commits", g.ID, g.N)
	}
	return fhir.T(t), nil
}

// holding gives the first commit of g if t is in it, else t.
func (g *group) holding(t fhir.T) (fhir.T, error) {
	first, err := g.first()
	if err != nil || t < first+fhir.T(g.N) {
		return first, err
	}
	return t, nil
}

func (g *group) is(id commitlog.ID) bool { return string(g.Group.Data) == string(id[:]) }

func (g *group) chunkKey(i int) string { return fmt.Sprintf("%s/%x/%05d", g.ID, g.Group.Data, i) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec packs and unpacks; both are safe for concurrent use.
var codec = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	if err != nil {
		panic("mongodb: options of zstd: " + err.Error())
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderConcurrency(2))
	if err != nil {
		panic("mongodb: options of zstd: " + err.Error())
	}
	return w, r
})

// pack makes the document of commits that come after t, and its chunks if it is longer than inline.
func pack(after fhir.T, commits []commitlog.Commit, inline int) (*group, []chunk) {
	size := 0
	for i := range commits {
		size += 128
		for j := range commits[i].Writes {
			size += 96 + len(commits[i].Writes[j].Document)
		}
	}
	body := make([]byte, 0, size)
	var one []byte
	for i := range commits {
		c := commits[i]
		c.T = after + 1 + fhir.T(i)
		one = commitlog.AppendCommit(one[:0], &c)
		body = append(binary.AppendUvarint(body, uint64(len(one))), one...)
	}
	last := &commits[len(commits)-1]
	id := commits[0].ID
	g := &group{ID: key(after + 1), N: int32(len(commits)), Group: bson.Binary{Data: id[:]}, At: last.At.Time()}
	if len(body) > 512 {
		w, _ := codec()
		if packed := w.EncodeAll(body, nil); len(packed) < len(body) {
			body, g.Packed = packed, 1
		}
	}
	g.Sum = int64(crc32.Checksum(body, castagnoli))
	if len(body) <= inline {
		g.Body.Data = body
		return g, nil
	}
	var chunks []chunk
	for len(body) > 0 {
		n := min(len(body), inline)
		chunks = append(chunks, chunk{ID: g.chunkKey(len(chunks)), Body: bson.Binary{Data: body[:n:n]}})
		body = body[n:]
	}
	g.Chunks = int32(len(chunks))
	return g, chunks
}

// unpack gives the commits of a group whose body is whole.
func (g *group) unpack(body []byte) ([]commitlog.Commit, error) {
	t, err := g.first()
	if err != nil {
		return nil, err
	}
	broken := func(err error) error { return fmt.Errorf("mongodb log: group %s: %w", g.ID, err) }
	if int64(crc32.Checksum(body, castagnoli)) != g.Sum {
		return nil, broken(errors.New("its bytes are not those that were written"))
	}
	if g.Packed != 0 {
		_, r := codec()
		if body, err = r.DecodeAll(body, nil); err != nil {
			return nil, broken(err)
		}
	}
	commits := make([]commitlog.Commit, 0, g.N)
	for i := range g.N {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, broken(errors.New("it is cut off"))
		}
		c, err := commitlog.DecodeCommit(body[n : n+int(size) : n+int(size)])
		if err != nil {
			return nil, broken(err)
		}
		if c.T != t+fhir.T(i) {
			return nil, broken(fmt.Errorf("commit %d stands where %d belongs", c.T, t+fhir.T(i)))
		}
		commits = append(commits, c)
		body = body[n+int(size):]
	}
	if len(body) > 0 {
		return nil, broken(errors.New("more bytes than commits"))
	}
	return commits, nil
}
