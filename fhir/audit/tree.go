package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

var hashing = compact.RangeFactory{Hash: hashChildren}

// leafHash is the hash of a line, as a leaf of the tree (rfc6962.Hasher.HashLeaf).
type leafHash = [sha256.Size]byte

// hashLeaf hashes a line that stands after a byte of room for the prefix of a leaf.
func hashLeaf(prefixed []byte) leafHash {
	prefixed[0] = rfc6962.RFC6962LeafHashPrefix
	return sha256.Sum256(prefixed)
}

// hashChildren is rfc6962.Hasher.HashChildren without what it allocates besides.
func hashChildren(l, r []byte) []byte {
	var both [1 + 2*sha256.Size]byte
	both[0] = rfc6962.RFC6962NodeHashPrefix
	copy(both[1:], l)
	copy(both[1+sha256.Size:], r)
	sum := sha256.Sum256(both[:])
	return sum[:]
}

// tree is the right edge of the Merkle tree over the journal's lines: enough to grow it and to give its root.
type tree struct{ edge *compact.Range }

func newTree() tree { return tree{hashing.NewEmptyRange(0)} }

// treeOf is a tree of n leaves of which the edge was kept.
func treeOf(n uint64, edge [][]byte) (tree, error) {
	r, err := hashing.NewRange(0, n, edge)
	return tree{r}, err
}

func (t tree) add(line []byte) error { return t.edge.Append(rfc6962.DefaultHasher.HashLeaf(line), nil) }

func (t tree) size() uint64 { return t.edge.End() }

func (t tree) root() ([]byte, error) {
	if t.size() == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	return t.edge.GetRootHash(nil)
}

// Checkpoint says how long a journal was and what was in it.
type Checkpoint struct {
	Origin string // name of the journal, of the server that keeps it
	Size   uint64 // lines
	Root   []byte // hash of the tree over them
}

// text is the body of a checkpoint: https://c2sp.org/tlog-checkpoint.
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root) + "\n"
}

// openCheckpoint reads a signed checkpoint. The signature must be by a key that is known.
func openCheckpoint(signed []byte, known note.Verifiers) (Checkpoint, error) {
	n, err := openNote(signed, known)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		return Checkpoint{}, fmt.Errorf("checkpoint: it has %d lines", len(lines))
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: size: %w", err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: root: %w", err)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// openNote opens a signed note that one of the known keys has signed. What note.Open passes over, that the last digit of a
// signature may be written in several ways, is refused: a note is either as it was signed or it is not.
func openNote(signed []byte, known note.Verifiers) (*note.Note, error) {
	n, err := note.Open(signed, known)
	if err != nil {
		return nil, err
	}
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return nil, fmt.Errorf("signature of %s: %w", s.Name, err)
		}
	}
	return n, nil
}
