package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/lienthong/lienthong/fhir"
)

// Verified is what Verify found out.
type Verified struct {
	Origin      string
	Lines       uint64 // in the files
	Signed      uint64 // under the newest checkpoint; what comes after is held by the disk alone
	Checkpoints int
	Commits     int    // entries of commits among the lines
	Newest      fhir.T // commit of the newest of them
	Faults      []string
}

// OK says whether nothing was changed, moved or taken away.
func (v Verified) OK() bool { return len(v.Faults) == 0 }

func (v *Verified) fault(format string, args ...any) {
	if len(v.Faults) < 20 {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// Verify reads a journal's folder and holds it against its checkpoints, and against further ones that were kept elsewhere
// (the commit log, a printout): signed notes. public are the verifier keys of those who may have signed.
// The error says what could not be read; what does not hold is in Faults.
func Verify(dir string, public []string, elsewhere ...[]byte) (v Verified, err error) {
	var known []note.Verifier
	for _, p := range public {
		k, err := note.NewVerifier(p)
		if err != nil {
			return v, fmt.Errorf("public key: %w", err)
		}
		known = append(known, k)
	}
	verifiers := note.VerifierList(known...)
	own, err := readCheckpoints(dir)
	if err != nil {
		return v, err
	}
	roots := map[uint64][][]byte{} // what the tree must be at a size
	take := func(signed []byte, where string) {
		c, err := openCheckpoint(signed, verifiers)
		if err != nil {
			v.fault("%s: %v", where, err)
			return
		}
		if v.Origin == "" {
			v.Origin = c.Origin
		}
		if c.Origin != v.Origin {
			v.fault("%s is of another journal: %s", where, c.Origin)
			return
		}
		v.Checkpoints++
		v.Signed = max(v.Signed, c.Size)
		roots[c.Size] = append(roots[c.Size], c.Root)
	}
	for i := range own {
		take([]byte(own[i].Note), fmt.Sprintf("checkpoint %d", i+1))
	}
	for i, n := range elsewhere {
		take(n, fmt.Sprintf("checkpoint kept elsewhere, %d", i+1))
	}
	return v, v.readAll(dir, roots)
}

// readAll rebuilds the tree and compares it with every checkpoint on the way.
func (v *Verified) readAll(dir string, roots map[uint64][][]byte) error {
	t := newTree()
	compare := func() error {
		want := roots[t.size()]
		if len(want) == 0 {
			return nil
		}
		root, err := t.root()
		if err != nil {
			return err
		}
		for _, w := range want {
			if !bytes.Equal(w, root) {
				v.fault("the first %d lines are not those that were signed: one was changed, moved or taken away", t.size())
				break
			}
		}
		return nil
	}
	all, err := segments(dir)
	if err != nil {
		return err
	}
	for _, first := range all {
		if first != t.size() {
			v.fault("%s: %d lines stand before it", filepath.Base(segmentPath(dir, first)), t.size())
		}
		err := eachLine(segmentPath(dir, first), 0, func(_ int64, line []byte) error {
			e, err := parseLine(line)
			if err != nil {
				v.fault("line %d: %v", t.size(), err)
			}
			if e.T > 0 {
				if v.Commits++; e.T < v.Newest {
					v.fault("line %d: commit %d stands after commit %d", t.size(), e.T, v.Newest)
				}
				v.Newest = max(v.Newest, e.T)
			}
			if err := t.add(line); err != nil {
				return err
			}
			return compare()
		})
		if err != nil {
			return err
		}
	}
	v.Lines = t.size()
	if v.Signed > v.Lines {
		v.fault("%d lines were signed, %d are there: lines were taken away at the end", v.Signed, v.Lines)
	}
	return nil
}

// eachLine calls f for the lines of a file from the byte from on, each with the place where it begins. A last line
// without an end was told to nobody and is left out.
func eachLine(path string, from int64, f func(at int64, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("audit journal: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("audit journal: %w", err)
		}
		if err := f(from, line[:len(line)-1]); err != nil {
			return err
		}
		from += int64(len(line))
	}
}
