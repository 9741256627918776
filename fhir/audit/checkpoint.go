package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/lienthong/lienthong/fhir"
)

const checkpointsFile = "checkpoints.jsonl"

// kept is a line of checkpoints.jsonl: the signed note, and what a restart needs to go on from there. Verify believes
// the note alone.
type kept struct {
	Note    string    `json:"note"`
	At      time.Time `json:"at"`
	Edge    [][]byte  `json:"edge"`
	Segment uint64    `json:"segment"`
	Bytes   int64     `json:"bytes"`
	T       fhir.T    `json:"t"`
}

// NewKey makes a key for checkpoints: the secret for LoadSigner and the public one for Verify.
// The name is that of the journal, such as a host name; it has no spaces and no '+'.
func NewKey(name string) (secret, public string, err error) {
	return note.GenerateKey(rand.Reader, name)
}

// LoadSigner reads the secret key from a file. Where there is none it makes one with this name, readable by its owner alone.
// The public key lies beside it, in path + ".pub".
func LoadSigner(path, name string) (note.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret, public, err := NewKey(name)
		if err != nil {
			return nil, fmt.Errorf("key of the audit journal: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("key of the audit journal: %w", err)
		}
		if err := os.WriteFile(path+".pub", []byte(public+"\n"), 0o644); err != nil {
			return nil, fmt.Errorf("key of the audit journal: %w", err)
		}
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("key of the audit journal: %w", err)
		}
		return note.NewSigner(secret)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the audit journal: %w", err)
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("key of the audit journal: %s holds none", path)
	}
	return s, nil
}

// Checkpoint signs what is on disk, keeps the signed note, and gives it; nil if nothing was added since the last one.
func (j *Journal) Checkpoint(at time.Time) ([]byte, error) {
	j.checkpointing.Lock()
	defer j.checkpointing.Unlock()
	j.mu.Lock()
	s := j.written
	j.mu.Unlock()
	if s.tree.size() == j.signed {
		return nil, nil
	}
	root, err := s.tree.root()
	if err != nil {
		return nil, err
	}
	c := Checkpoint{Origin: j.o.Signer.Name(), Size: s.tree.size(), Root: root}
	signed, err := note.Sign(&note.Note{Text: c.text()}, j.o.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign the audit journal: %w", err)
	}
	line, err := json.Marshal(kept{Note: string(signed), At: at.UTC(), Edge: s.tree.edge.Hashes(), Segment: s.segment, Bytes: s.size, T: s.t})
	if err != nil {
		return nil, err
	}
	if err := j.keepCheckpoint(append(line, '\n')); errors.Is(err, errFull) {
		return nil, unavailable(err)
	} else if err != nil {
		return nil, err
	}
	j.signed = c.Size
	return signed, nil
}

func (j *Journal) keepCheckpoint(line []byte) error {
	path := filepath.Join(j.dir, checkpointsFile)
	f, err := j.o.open(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY)
	if err != nil {
		return noRoom(err)
	}
	defer f.Close()
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(line); err != nil {
		return undone(f, was.Size(), err)
	}
	return f.Sync()
}

// readCheckpoints gives the checkpoints of a folder in the order of their making. A last line that was not finished is
// cut off: nobody was told of it.
func readCheckpoints(dir string) ([]kept, error) {
	path := filepath.Join(dir, checkpointsFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	whole := bytes.LastIndexByte(raw, '\n') + 1
	var all []kept
	for n, line := range bytes.Split(bytes.TrimSuffix(raw[:whole], []byte("\n")), []byte("\n")) {
		if len(line) == 0 && whole == 0 {
			break
		}
		var k kept
		if err := json.Unmarshal(line, &k); err != nil {
			return nil, fmt.Errorf("audit journal: %s, line %d is no checkpoint", checkpointsFile, n+1)
		}
		all = append(all, k)
	}
	return all, nil
}

// segments lists the first lines of the files of a folder.
func segments(dir string) ([]uint64, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".jsonl")
		if n, err := strconv.ParseUint(base, 10, 64); err == nil && len(base) == 20 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// recoverState finds where the journal ends: from the last checkpoint, and what was written after it.
func recoverState(dir string) (s state, signed uint64, err error) {
	s.tree = newTree()
	checkpoints, err := readCheckpoints(dir)
	if err != nil {
		return s, 0, err
	}
	if err := cutUnfinished(filepath.Join(dir, checkpointsFile)); err != nil {
		return s, 0, err
	}
	if n := len(checkpoints); n > 0 {
		k := checkpoints[n-1]
		_, size, ok := strings.Cut(k.Note, "\n")
		size, _, _ = strings.Cut(size, "\n")
		signed, err = strconv.ParseUint(size, 10, 64)
		if !ok || err != nil {
			return s, 0, fmt.Errorf("audit journal: the last checkpoint has no size")
		}
		if s.tree, err = treeOf(signed, k.Edge); err != nil {
			return s, 0, fmt.Errorf("audit journal: the last checkpoint: %w", err)
		}
		s.segment, s.size, s.t = k.Segment, k.Bytes, k.T
	}
	all, err := segments(dir)
	if err != nil {
		return s, 0, err
	}
	if signed > 0 && !slices.Contains(all, s.segment) {
		return s, 0, fmt.Errorf("audit journal: the file of line %d is gone", s.segment)
	}
	for _, first := range all {
		if first < s.segment {
			continue
		}
		if first > s.segment {
			if first != s.tree.size() {
				return s, 0, fmt.Errorf("audit journal: lines %d to %d are gone", s.tree.size(), first)
			}
			s.segment, s.size = first, 0
		}
		if err := s.readOn(segmentPath(dir, first)); err != nil {
			return s, 0, err
		}
	}
	return s, signed, nil
}

// readOn adds the lines of a file from where s ends. A line without its end was told to nobody and does not count.
func (s *state) readOn(path string) error {
	if s.size > 0 && !endsLine(path, s.size) {
		return fmt.Errorf("audit journal: %s is shorter than its checkpoint says: lines were taken away", filepath.Base(path))
	}
	return eachLine(path, s.size, func(at int64, line []byte) error {
		e, err := parseLine(line)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", filepath.Base(path), s.tree.size(), err)
		}
		s.size, s.t = at+int64(len(line))+1, max(s.t, e.T)
		return s.tree.add(line)
	})
}

// endsLine says whether the first size bytes of a file are there and end with a line.
func endsLine(path string, size int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var last [1]byte
	_, err = f.ReadAt(last[:], size-1)
	return err == nil && last[0] == '\n'
}

// cutUnfinished takes away what stands after the last end of line.
func cutUnfinished(path string) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(raw, '\n') + 1; whole != len(raw) {
		return os.Truncate(path, int64(whole))
	}
	return nil
}
