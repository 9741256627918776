package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// reserve is how much of a file is written with zeros before lines come there. A sync that need not tell the file system
// of a longer file is shorter, and much shorter in the worst case: where others write, such a one waits for their changes.
const reserve = 4 << 20

// segmentFile is the file that lines are appended to. After its lines come zeros, which close cuts off; a process that was
// killed leaves them, and readers end there (see eachLine), for JSON has no NUL.
type segmentFile struct {
	f        file
	size     int64 // of the lines
	reserved int64 // of the file
	step     int64 // by which the file grows
}

// file is what a journal does with its files.
type file interface {
	io.Writer
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	SyncData() error // what was written inside of the file, without its times
	Close() error
}

type diskFile struct{ *os.File }

// SyncData implements file.
func (f diskFile) SyncData() error { return syncData(f.File) }

// openFile opens a file of a journal.
func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err // not a nil *os.File in an interface
	}
	return diskFile{f}, nil
}

// errFull marks a write that the disk had no room for and of which nothing was left: the journal goes on.
var errFull = errors.New("the disk is full")

// noRoom marks an error with errFull if it says that there is no room.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errors.Join(errFull, err)
	}
	return err
}

// undone takes away what a failed write left after the first size bytes of f. If only the room was missing, all is then as before
// (errFull): what is written next must not stand behind half a line.
func undone(f file, size int64, err error) error {
	if e := f.Truncate(size); e != nil {
		return errors.Join(err, e)
	}
	return noRoom(err)
}

// openSegment opens the file in which s ends. What stands after that was told to nobody and is cut off.
func (j *Journal) openSegment(s state) (*segmentFile, error) {
	f, err := j.o.open(segmentPath(j.dir, s.segment), os.O_CREATE|os.O_WRONLY)
	if err != nil {
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	if err := errors.Join(f.Truncate(s.size), syncDir(j.dir)); err != nil {
		_ = f.Close() // the first error says more
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	return &segmentFile{f: f, size: s.size, reserved: s.size, step: min(reserve, j.o.SegmentBytes)}, nil
}

// append writes lines and returns when they are on disk.
func (s *segmentFile) append(lines []byte) error {
	end := s.size + int64(len(lines))
	if end <= s.reserved {
		if _, err := s.f.WriteAt(lines, s.size); err != nil {
			return s.undone(err)
		}
		s.size = end
		return s.f.SyncData()
	}
	// The room is made before the lines come, so that whoever dies between leaves zeros after the last line.
	for at := s.reserved; at < end+s.step; at += int64(len(zeros)) {
		if _, err := s.f.WriteAt(zeros[:min(int64(len(zeros)), end+s.step-at)], at); err != nil {
			return s.undone(err)
		}
	}
	if _, err := s.f.WriteAt(lines, s.size); err != nil {
		return s.undone(err)
	}
	s.size, s.reserved = end, end+s.step
	return s.f.Sync()
}

func (s *segmentFile) undone(err error) error {
	s.reserved = s.size
	return undone(s.f, s.size, err)
}

// zeros are written piece by piece, so that reserving needs no memory.
var zeros [64 << 10]byte

// close cuts off the zeros.
func (s *segmentFile) close() error {
	err := s.f.Truncate(s.size)
	if err == nil {
		err = s.f.Sync()
	}
	if e := s.f.Close(); err == nil {
		err = e
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
