package delivery

import (
	"context"
	_ "embed"

	"github.com/klauspost/compress/zstd"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Part is which of the two bodies of an attempt.
type Part string

const (
	Request Part = "request" // the file as it was sent, before it is wrapped for transport; no account or token is in it
	Reply   Part = "reply"   // the body of the answer, as it came
)

// SpaceBodies holds the bodies of attempts, compressed (zstd) where that is worth it. They are as secret as the claims: encrypted where the store is.
//
//	attempt-bodies|c17/0000000002/0001/request
const SpaceBodies store.Space = "attempt-bodies"

// The first byte of a row says how the rest stands. Small ones, as most replies are, are not worth packing. A claim file is
// base64 for the most part, which packs badly: what it stands for takes little more than half of the room. Names of elements are
// most of that, and a dictionary has them. Which one, if any, is said by the packed frame itself (RFC 8878, Dictionary_ID).
const (
	plain     = 'p'
	packed    = 'z'
	opened    = 'b' // as packed, with what is base64 in it as the bytes that it stands for, see openBase64
	smallBody = 1 << 10
)

// maxBody bounds a body that is kept, in bytes: of a larger one only the hash is.
const maxBody = 32 << 20

// dictionary1 is the envelope and the tables of a claim file with rows that say nothing, those that all files have at its end. It never
// changes, since bodies were packed with it: a better one is a further one, which all that unpacks knows before anything packs with it.
//
//go:embed dictionary1.xml
var dictionary1 []byte

// dictionary1ID is from the range for private use.
const dictionary1ID = 1<<15 + 1

// The coders are safe for concurrent use, by their contract. Windows are small: a file is some ten kB, and memory is dear.
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<18), zstd.WithLowerEncoderMem(true), zstd.WithEncoderDictRaw(dictionary1ID, dictionary1))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBody+1<<20), zstd.WithDecoderLowmem(true), zstd.WithDecoderDictRaw(dictionary1ID, dictionary1))
)

func bodyKey(k Key, n int, p Part) string { return attemptKey(k, n) + "/" + string(p) }

// body gives the row that keeps a body, none if it is not kept.
func (o *Outbox) body(k Key, n int, p Part, raw []byte) []store.Record {
	if o.HashesOnly || len(raw) == 0 || len(raw) > maxBody {
		return nil
	}
	return []store.Record{{Space: SpaceBodies, Key: bodyKey(k, n, p), Value: Pack(raw)}}
}

// Pack gives a body as it is kept.
func Pack(raw []byte) []byte {
	if len(raw) > smallBody {
		return packer.EncodeAll(openBase64(raw), append(make([]byte, 0, 1+len(raw)/4), opened))
	}
	return append([]byte{plain}, raw...)
}

// Unpack undoes Pack.
func Unpack(value []byte) ([]byte, error) {
	if len(value) > 0 && value[0] == plain {
		return value[1:], nil
	}
	raw, err := unpacker.DecodeAll(value[min(1, len(value)):], nil)
	if err != nil || len(value) == 0 || value[0] != opened {
		return raw, err
	}
	return closeBase64(raw)
}

// Body gives a body of the nth attempt of an item, whose hash is that of the Attempt. Kind NotFound, code "delivery-body-unknown",
// if it was not kept. Who may see it is who may see the claim: that is for the caller to decide.
func (o *Outbox) Body(ctx context.Context, k Key, n int, p Part) ([]byte, error) {
	value, found, err := o.store.Record(ctx, SpaceBodies, bodyKey(k, n, p))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fhir.Errorf(fhir.NotFound, "delivery-body-unknown", "", string(p), n, "Claim/"+string(k.Claim), uint64(k.Version))
	}
	raw, err := Unpack(value)
	if err != nil {
		return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(SpaceBodies), bodyKey(k, n, p))
	}
	return raw, nil
}
