package sealed

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a vfs.FS whose files are encrypted on the one below. All files are: a file without a header that it is asked to
// open is refused. Folders, names, links and locks are those of the file system below.
type FS struct {
	vfs.FS
	keys *Keys

	mu      sync.Mutex
	writing map[string]int // how many handles write a file of that name
}

var _ vfs.FS = (*FS)(nil)

// New wraps below.
func New(below vfs.FS, keys *Keys) *FS {
	return &FS{FS: below, keys: keys, writing: map[string]int{}}
}

// Disk gives the machine's file system, encrypted with the keys of a file; as it is if keyFile is "".
func Disk(keyFile string, log *slog.Logger) (vfs.FS, error) {
	return On(vfs.Default, keyFile, log)
}

// On is Disk for another file system.
func On(below vfs.FS, keyFile string, log *slog.Logger) (vfs.FS, error) {
	if keyFile == "" {
		return below, nil
	}
	keys, err := OpenKeys(keyFile, log)
	if err != nil {
		return nil, err
	}
	return New(below, keys), nil
}

// Unwrap implements vfs.FS.
func (s *FS) Unwrap() vfs.FS { return s.FS }

// Create implements vfs.FS. The header is on disk with the first sync, like all else.
func (s *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	h, block, err := newHeader(s.keys)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	f, err := s.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(h); err != nil {
		_ = f.Close() // the first error says more
		return nil, err
	}
	s.count(name, 1)
	return &file{File: f, block: block, writable: true, closed: func() { s.count(name, -1) }}, nil
}

func (s *FS) count(name string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = filepath.Clean(name)
	if s.writing[name] += by; s.writing[name] == 0 {
		delete(s.writing, name)
	}
}

// Open implements vfs.FS.
func (s *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	opened, err := s.opened(f)
	if err != nil {
		_ = f.Close() // the first error says more
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return opened, nil
}

var errClear = errors.New("the file is not encrypted")

func (s *FS) opened(f vfs.File) (vfs.File, error) {
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	h, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	is, _, err := classify(h)
	switch {
	case err != nil:
		return nil, err
	case is == clear:
		return nil, errClear
	case is == unwritten:
		return &file{File: f}, nil
	}
	block, err := openHeader(s.keys, h)
	if err != nil {
		return nil, err
	}
	return &file{File: f, block: block}, nil
}

// OpenReadWrite creates a file; to write into one that is there is not supported.
func (s *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if _, err := s.FS.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, vfs.ErrUnsupported)
	}
	return s.Create(name, category)
}

// ReuseForWrite creates newname and removes oldname: what it held is not overwritten under the same data key.
func (s *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return s.Create(newname, category)
}

// Stat implements vfs.FS.
func (s *FS) Stat(name string) (vfs.FileInfo, error) {
	info, err := s.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	return withoutHeader(info), nil
}
