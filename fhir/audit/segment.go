package audit

import (
	"fmt"
	"os"
)

// reserve is how much of a file is written with zeros before lines come there. A sync that need not tell the file system
// of a longer file is shorter, and much shorter in the worst case: where others write, such a one waits for their changes.
const reserve = 4 << 20

// segmentFile is the file that lines are appended to. After its lines come zeros, which close cuts off; a process that was
// killed leaves them, and readers end there (see eachLine), for JSON has no NUL.
type segmentFile struct {
	f        *os.File
	size     int64 // of the lines
	reserved int64 // of the file
	step     int64 // by which the file grows
}

// openSegment opens the file in which s ends. What stands after that was told to nobody and is cut off.
func (j *Journal) openSegment(s state) (*segmentFile, error) {
	f, err := os.OpenFile(segmentPath(j.dir, s.segment), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	if err := f.Truncate(s.size); err != nil {
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	return &segmentFile{f: f, size: s.size, reserved: s.size, step: min(reserve, j.o.SegmentBytes)}, syncDir(j.dir)
}

// append writes lines and returns when they are on disk.
func (s *segmentFile) append(lines []byte) error {
	end := s.size + int64(len(lines))
	if end <= s.reserved {
		if _, err := s.f.WriteAt(lines, s.size); err != nil {
			return err
		}
		s.size = end
		return syncData(s.f)
	}
	// The room is made before the lines come, so that whoever dies between leaves zeros after the last line.
	for at := s.reserved; at < end+s.step; at += int64(len(zeros)) {
		if _, err := s.f.WriteAt(zeros[:min(int64(len(zeros)), end+s.step-at)], at); err != nil {
			return err
		}
	}
	if _, err := s.f.WriteAt(lines, s.size); err != nil {
		return err
	}
	s.size, s.reserved = end, end+s.step
	return s.f.Sync()
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
