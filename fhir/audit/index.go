package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// segmentIndex tells where in a file of lines people are named. That of a full file lies beside it as NAME.index, and can
// be made anew at any time; that of the file being written is in memory and grows when somebody asks.
//
// An index file is rows of 12 bytes, sorted: hash of the person's id (8 bytes, big endian), place of the line (4 bytes).
type segmentIndex struct {
	read  int64 // bytes of the segment that are in places
	lines map[uint64][]uint32
}

const indexRow = 12

func hashID(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// add reads lines up to the byte end into the index.
func (x *segmentIndex) add(path string, end int64) error {
	return eachLine(path, x.read, func(at int64, line []byte) error {
		if at >= end {
			return io.EOF
		}
		x.read = at + int64(len(line)) + 1
		if !bytes.Contains(line, []byte(`"people":[`)) {
			return nil
		}
		var e struct{ People []string }
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("audit journal: %w", err)
		}
		for _, id := range e.People {
			h := hashID(id)
			x.lines[h] = append(x.lines[h], uint32(at))
		}
		return nil
	})
}

// save writes the index of a full segment.
func (x *segmentIndex) save(path string) error {
	type row struct {
		hash  uint64
		place uint32
	}
	var rows []row
	for h, places := range x.lines {
		for _, p := range places {
			rows = append(rows, row{h, p})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.place, b.place)) })
	out := make([]byte, 0, indexRow*len(rows))
	for _, r := range rows {
		out = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(out, r.hash), r.place)
	}
	if err := os.WriteFile(path+".part", out, 0o600); err != nil {
		return errors.Join(err, os.Remove(path+".part"))
	}
	return os.Rename(path+".part", path)
}

// placesIn finds a person's lines by an index file.
func placesIn(path string, h uint64) (places []uint32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	rows := int(info.Size() / indexRow)
	var buf [indexRow]byte
	hashAt := func(i int) (uint64, error) {
		_, err := f.ReadAt(buf[:], int64(i)*indexRow)
		return binary.BigEndian.Uint64(buf[:8]), err
	}
	low, high := 0, rows
	for low < high {
		mid := (low + high) / 2
		got, err := hashAt(mid)
		if err != nil {
			return nil, err
		}
		if got < h {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for ; low < rows; low++ {
		got, err := hashAt(low)
		if err != nil {
			return nil, err
		}
		if got != h {
			break
		}
		places = append(places, binary.BigEndian.Uint32(buf[8:]))
	}
	return places, nil
}

// places finds a person's lines in a segment, which ends at the byte end; full says that nothing more is added to it.
func (j *Journal) places(first uint64, end int64, full bool, h uint64) ([]uint32, error) {
	j.indexing.Lock()
	defer j.indexing.Unlock()
	file := strings.TrimSuffix(j.segmentPath(first), ".jsonl") + ".index"
	if full {
		delete(j.indexes, first)
		places, err := placesIn(file, h)
		if !errors.Is(err, fs.ErrNotExist) {
			return places, err
		}
	}
	x := j.indexes[first]
	if x == nil {
		x = &segmentIndex{lines: map[uint64][]uint32{}}
	}
	if err := x.add(j.segmentPath(first), end); err != nil && err != io.EOF {
		return nil, err
	}
	if full {
		if err := x.save(file); err != nil { // it is made anew at the next question
			j.o.Log.Warn("audit journal: an index cannot be kept", "err", err)
		}
		return x.lines[h], nil
	}
	j.indexes[first] = x
	return x.lines[h], nil
}

// About yields the entries about a Patient from one time to another, newest first. A zero time is no bound.
func (j *Journal) About(ctx context.Context, person fhir.ID, from, to time.Time) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := j.about(ctx, person, from, to, yield); err != nil {
			yield(Entry{}, err)
		}
	}
}

func (j *Journal) about(ctx context.Context, person fhir.ID, from, to time.Time, yield func(Entry, error) bool) error {
	j.mu.Lock()
	s := j.written
	j.mu.Unlock()
	all, err := segments(j.dir)
	if err != nil {
		return err
	}
	h := hashID(string(person))
	for _, first := range slices.Backward(all) {
		if first > s.segment {
			continue // begun since
		}
		end := int64(1) << 62
		if first == s.segment {
			end = s.size
		}
		places, err := j.places(first, end, first != s.segment, h)
		if err != nil {
			return err
		}
		if len(places) == 0 {
			continue
		}
		more, err := j.show(ctx, first, places, person, from, to, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// show yields the lines at these places of a segment, newest first; more says whether older ones may follow.
func (j *Journal) show(ctx context.Context, first uint64, places []uint32, person fhir.ID, from, to time.Time, yield func(Entry, error) bool) (more bool, err error) {
	f, err := os.Open(j.segmentPath(first))
	if err != nil {
		return false, fmt.Errorf("audit journal: %w", err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for _, place := range slices.Backward(places) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if _, err := f.Seek(int64(place), io.SeekStart); err != nil {
			return false, err
		}
		r.Reset(f)
		line, err := r.ReadBytes('\n')
		if err != nil {
			return false, fmt.Errorf("audit journal: %w", err)
		}
		e, err := parseLine(line)
		if err != nil {
			return false, err
		}
		if !to.IsZero() && e.At.After(to) || !slices.Contains(e.People, string(person)) {
			continue
		}
		if !from.IsZero() && e.At.Before(from) {
			continue // entries of commits are taken over late: an older one may be followed by a younger
		}
		if !yield(e, nil) {
			return false, nil
		}
	}
	return true, nil
}
