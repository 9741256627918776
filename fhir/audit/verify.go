package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Verified is what Verify found out.
type Verified struct {
	Origin      string
	Lines       uint64 // in the files
	Signed      uint64 // under the newest checkpoint; what comes after is held by the disk alone
	Checkpoints int
	Commits     int    // entries of commits among the lines
	Newest      fhir.T // commit of the newest of them
	Waiting     int    // entries of later commits that are in the log alone
	Faults      []string
}

// OK says whether nothing was changed, moved or taken away.
func (v Verified) OK() bool { return len(v.Faults) == 0 }

func (v *Verified) fault(format string, args ...any) {
	if len(v.Faults) < 20 {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// Logged is what the commit log holds of the trail. A nil Logged is that of a journal alone.
type Logged struct {
	entries     map[fhir.T]Entry
	checkpoints []store.Record
}

// own gives the checkpoints of the journals that these keys sign for. Each server of a shared log puts its own there.
func (l *Logged) own(public []string) (own [][]byte) {
	for _, c := range l.checkpoints {
		origin, _, _ := strings.Cut(c.Key, "|")
		if slices.ContainsFunc(public, func(key string) bool { return strings.HasPrefix(key, origin+"+") }) {
			own = append(own, c.Value)
		}
	}
	return own
}

// Add takes a record of a commit; those of other rooms are passed over. Commits come in their order.
func (l *Logged) Add(t fhir.T, r store.Record) {
	switch {
	case isEntry(r.Space) && r.Value != nil:
		e, err := parseLine(r.Value)
		if err != nil {
			e.Do = "damaged" // no line of the journal is like it
		}
		if l.entries == nil {
			l.entries = map[fhir.T]Entry{}
		}
		e.T = t
		l.entries[t] = e
	case r.Space == checkpointSpace && r.Value != nil:
		l.checkpoints = append(l.checkpoints, r)
	}
}

// Checkpoints is how many checkpoints the log holds, of all servers.
func (l *Logged) Checkpoints() int {
	if l == nil {
		return 0
	}
	return len(l.checkpoints)
}

// takeOut compares the entry of a commit with the one in the log.
func (l *Logged) takeOut(v *Verified, e *Entry) {
	if l == nil || e.T == 0 {
		return
	}
	want, ok := l.entries[e.T]
	delete(l.entries, e.T)
	got := *e
	got.Wrote, got.People = nil, nil // the commit itself has these
	if !ok || !reflect.DeepEqual(got, want) {
		v.fault("the entry of commit %d is not the one in the log", e.T)
	}
}

// Verify reads a journal's folder and holds it against its checkpoints, and against what the commit log has of it and
// further checkpoints that were kept elsewhere: signed notes. public are the verifier keys of those who may have signed.
// The error says what could not be read; what does not hold is in Faults. A server that was killed may not yet have taken over
// its last commits: that is no fault, and the next start does it.
func Verify(dir string, public []string, log *Logged, elsewhere ...[]byte) (v Verified, err error) {
	verifiers, err := verifiersOf(public)
	if err != nil {
		return v, err
	}
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
	if log != nil {
		for i, n := range log.own(public) {
			take(n, fmt.Sprintf("checkpoint %d in the log", i+1))
		}
	}
	if err := v.readAll(dir, roots, log); err != nil || log == nil {
		return v, err
	}
	for t := range log.entries {
		if t < v.Newest {
			v.fault("the entry of commit %d is missing", t)
		} else {
			v.Waiting++
		}
	}
	return v, nil
}

// readAll rebuilds the tree and compares it with every checkpoint on the way.
func (v *Verified) readAll(dir string, roots map[uint64][][]byte, log *Logged) error {
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
				log.takeOut(v, &e)
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
// without an end was told to nobody and is left out, and so is all from the first line with a NUL in it: zeros are what is
// reserved, and a write that the power failed in may have reached the disk in part.
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
		if bytes.IndexByte(line, 0) >= 0 {
			return nil
		}
		if err := f(from, line[:len(line)-1]); err != nil {
			return err
		}
		from += int64(len(line))
	}
}
