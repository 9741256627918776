package audit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// Proof shows some lines of a journal to one who has nothing else of it: each with its way up to the root of one signed
// checkpoint (RFC 6962, section 2.1.1). Whoever knows the public key can hold them against it (Verify).
type Proof struct {
	Checkpoint string   `json:"checkpoint"` // signed note
	Lines      []Proven `json:"lines"`      // in the order of the journal
}

// Proven is one line.
type Proven struct {
	Index uint64 `json:"index"` // number of the line, from 0
	// Line is the line as it stands in the journal. "" = it is withheld: Leaf, its hash, then says where it stands, so that it
	// can be held against the proof when it is shown later.
	Line string   `json:"line,omitempty"`
	Leaf []byte   `json:"leaf,omitempty"`
	Path [][]byte `json:"path"` // hashes from the leaf's neighbour up
}

// Withhold gives the line without its text.
func (p Proven) Withhold() Proven {
	if p.Line != "" {
		p.Line, p.Leaf = "", rfc6962.DefaultHasher.HashLeaf([]byte(p.Line))
	}
	return p
}

// Find gives the lines under the newest checkpoint that contain one of these texts and are wanted, without their paths. It
// reads the whole journal up to there, so it costs seconds for some gigabytes of it.
func (j *Journal) Find(ctx context.Context, texts []string, wanted func(*Entry) bool) (Proof, error) {
	p, _, err := j.find(ctx, texts, wanted)
	return p, err
}

// Prove is Find with the path of each line, for which it reads the journal once more.
func (j *Journal) Prove(ctx context.Context, texts []string, wanted func(*Entry) bool) (Proof, error) {
	p, size, err := j.find(ctx, texts, wanted)
	if err != nil {
		return Proof{}, err
	}
	return p, j.paths(ctx, size, p.Lines)
}

func (j *Journal) find(ctx context.Context, texts []string, wanted func(*Entry) bool) (p Proof, size uint64, err error) {
	checkpoints, err := readCheckpoints(j.dir)
	if err != nil {
		return p, 0, err
	}
	if len(checkpoints) == 0 {
		return p, 0, fmt.Errorf("audit journal: there is no checkpoint yet")
	}
	p.Checkpoint = checkpoints[len(checkpoints)-1].Note
	c, err := openCheckpoint([]byte(p.Checkpoint), note.VerifierList(verifierOf(j.o.Signer)))
	if err != nil {
		return p, 0, err
	}
	looked := make([][]byte, len(texts))
	for i, t := range texts {
		looked[i] = []byte(t)
	}
	err = j.lines(ctx, c.Size, func(index uint64, line []byte) error {
		if !slices.ContainsFunc(looked, func(t []byte) bool { return bytes.Contains(line, t) }) {
			return nil
		}
		e, err := parseLine(line)
		if err == nil && wanted(&e) {
			p.Lines = append(p.Lines, Proven{Index: index, Line: string(line)})
		}
		return err
	})
	return p, c.Size, err
}

// paths fills in the way of each line to the root of the tree over the first size lines.
func (j *Journal) paths(ctx context.Context, size uint64, lines []Proven) error {
	nodes := make([]proof.Nodes, len(lines))
	hashes := map[compact.NodeID][]byte{} // those on the way of some line
	for i, l := range lines {
		var err error
		if nodes[i], err = proof.Inclusion(l.Index, size); err != nil {
			return fmt.Errorf("audit journal: %w", err)
		}
		for _, id := range nodes[i].IDs {
			hashes[id] = nil
		}
	}
	t := newTree()
	keep := func(id compact.NodeID, hash []byte) {
		if _, ok := hashes[id]; ok {
			hashes[id] = bytes.Clone(hash)
		}
	}
	err := j.lines(ctx, size, func(_ uint64, line []byte) error {
		leaf := rfc6962.DefaultHasher.HashLeaf(line)
		keep(compact.NewNodeID(0, t.size()), leaf)
		return t.edge.Append(leaf, keep)
	})
	if err != nil {
		return err
	}
	for i := range lines {
		way := make([][]byte, len(nodes[i].IDs))
		for n, id := range nodes[i].IDs {
			way[n] = hashes[id]
		}
		if lines[i].Path, err = nodes[i].Rehash(way, rfc6962.DefaultHasher.HashChildren); err != nil {
			return fmt.Errorf("audit journal: %w", err)
		}
	}
	return nil
}

// lines calls f for the first size lines.
func (j *Journal) lines(ctx context.Context, size uint64, f func(index uint64, line []byte) error) error {
	all, err := segments(j.dir)
	if err != nil {
		return err
	}
	index := uint64(0)
	for _, first := range all {
		if index == size {
			break
		}
		if first != index {
			return fmt.Errorf("audit journal: lines %d to %d are gone", index, first)
		}
		err := eachLine(j.segmentPath(first), 0, func(_ int64, line []byte) error {
			if index == size {
				return io.EOF
			}
			if index%4096 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			err := f(index, line)
			index++
			return err
		})
		if err != nil && err != io.EOF {
			return err
		}
	}
	if index != size {
		return fmt.Errorf("audit journal: %d lines were signed, %d are there", size, index)
	}
	return nil
}

// Verify holds the lines against the checkpoint, and the checkpoint against the public keys of those who may have signed
// it. It gives the entries of the lines, those of withheld ones being zero. The error says what does not hold.
func (p Proof) Verify(public []string) (Checkpoint, []Entry, error) {
	verifiers, err := verifiersOf(public)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := openCheckpoint([]byte(p.Checkpoint), verifiers)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	entries := make([]Entry, len(p.Lines))
	for i, l := range p.Lines {
		leaf := l.Leaf
		if l.Line != "" {
			if len(l.Leaf) > 0 {
				return c, nil, fmt.Errorf("line %d: both the line and its hash are given", l.Index)
			}
			leaf = rfc6962.DefaultHasher.HashLeaf([]byte(l.Line))
			if entries[i], err = parseLine([]byte(l.Line)); err != nil {
				return c, nil, fmt.Errorf("line %d: %w", l.Index, err)
			}
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, l.Index, c.Size, leaf, l.Path, c.Root); err != nil {
			return c, nil, fmt.Errorf("line %d is not in the journal that was signed: %w", l.Index, err)
		}
	}
	return c, entries, nil
}

// Sign signs a text as the journal signs its checkpoints: a signed note. The text must not be taken for a checkpoint.
func (j *Journal) Sign(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, j.o.Signer)
}

// OpenNote gives the text of a signed note. The signature must be by one of the public keys.
func OpenNote(signed []byte, public []string) (string, error) {
	verifiers, err := verifiersOf(public)
	if err != nil {
		return "", err
	}
	n, err := openNote(signed, verifiers)
	if err != nil {
		return "", err
	}
	return n.Text, nil
}

func verifiersOf(public []string) (note.Verifiers, error) {
	var known []note.Verifier
	for _, p := range public {
		k, err := note.NewVerifier(p)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		known = append(known, k)
	}
	return note.VerifierList(known...), nil
}

// unsure is a verifier that asks for nothing but the name: for a checkpoint that we read back from our own disk to learn its
// size. Whoever gets the proof verifies it.
type unsure struct{ note.Signer }

func (unsure) Verify(_, _ []byte) bool { return true }

func verifierOf(s note.Signer) note.Verifier { return unsure{s} }
