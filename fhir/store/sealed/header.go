package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	headerLen = 128
	magic     = "LTSEALED"
	version   = 1
	fixedLen  = len(magic) + 2 // and what precedes the data key
)

// state is what the beginning of a file says.
type state int

const (
	unwritten state = iota // nothing, or no whole header: the file was never synced
	clear                  // no header
	encrypted
)

var errHeader = errors.New("the header is damaged")

// newHeader makes a data key and the header that keeps it.
func newHeader(k *Keys) ([]byte, cipher.Block, error) {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	length, err := k.sealedLen(len(key))
	if err != nil {
		return nil, nil, err
	}
	h := make([]byte, fixedLen, headerLen)
	copy(h, magic)
	h[len(magic)], h[len(magic)+1] = version, byte(length)
	wrapped, err := k.seal(key, h)
	if err != nil {
		return nil, nil, err
	}
	if len(wrapped) != length {
		return nil, nil, fmt.Errorf("a sealed data key has %d bytes and not %d", len(wrapped), length)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	h = append(h, wrapped...)
	return h[:headerLen], block, nil
}

// classify says what the first bytes of a file are, at most headerLen of them; keyID is that of the sealing key.
func classify(h []byte) (s state, keyID uint32, err error) {
	if len(bytes.Trim(h, "\x00")) == 0 {
		return unwritten, 0, nil
	}
	if n := min(len(h), len(magic)); string(h[:n]) != magic[:n] {
		return clear, 0, nil
	}
	if len(h) < headerLen {
		return unwritten, 0, nil
	}
	if h[len(magic)] != version {
		return encrypted, 0, fmt.Errorf("the header has version %d, this program reads %d", h[len(magic)], version)
	}
	end := fixedLen + int(h[len(magic)+1])
	if end > headerLen || len(bytes.Trim(h[end:], "\x00")) != 0 {
		return encrypted, 0, errHeader
	}
	id, ok := keyIDOf(h[fixedLen:end])
	if !ok {
		return encrypted, 0, errHeader
	}
	return encrypted, id, nil
}

// openHeader gives the cipher of a file that begins with h.
func openHeader(k *Keys, h []byte) (cipher.Block, error) {
	if _, _, err := classify(h); err != nil {
		return nil, err
	}
	key, err := k.open(h[fixedLen:fixedLen+int(h[len(magic)+1])], h[:fixedLen])
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

// readHeader gives the first bytes of a file, at most headerLen.
func readHeader(f vfs.File) ([]byte, error) {
	h := make([]byte, headerLen)
	n, err := f.ReadAt(h, 0)
	if err == io.EOF {
		err = nil
	}
	return h[:n], err
}

// xor turns what stands at off in a file from clear to sealed, or back.
func xor(block cipher.Block, p []byte, off int64) {
	var counter, skipped [aes.BlockSize]byte
	for i, n := aes.BlockSize-1, uint64(off)/aes.BlockSize; n > 0; i, n = i-1, n>>8 {
		counter[i] = byte(n)
	}
	stream := cipher.NewCTR(block, counter[:])
	if n := off % aes.BlockSize; n != 0 {
		stream.XORKeyStream(skipped[:n], skipped[:n])
	}
	stream.XORKeyStream(p, p)
}
