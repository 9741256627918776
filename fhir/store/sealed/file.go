package sealed

import (
	"crypto/cipher"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is an encrypted file. Offsets are those of its contents: the header is not to be seen.
type file struct {
	vfs.File
	block    cipher.Block // nil: there are no contents
	writable bool
	closed   func() // nil, or told once that the file is written no more

	// read and written are positions, moved by Read and Write alone, which have one caller at a time.
	read, written int64
	failed        error // of the first write that failed: there is no second
}

var errNotWritable = errors.New("sealed: the file was not created by this handle")

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.ReadAt(p, f.read)
	f.read += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("sealed: negative offset")
	}
	if f.block == nil {
		return 0, io.EOF
	}
	n, err := f.File.ReadAt(p, off+headerLen)
	xor(f.block, p[:n], off)
	return n, err
}

// Write appends. It encrypts in p itself, which the contract of vfs.File allows.
func (f *file) Write(p []byte) (int, error) {
	if !f.writable {
		return 0, errNotWritable
	}
	if f.failed != nil {
		return 0, f.failed
	}
	xor(f.block, p, f.written)
	n, err := f.File.Write(p)
	f.written += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	f.failed = err
	return n, err
}

// WriteAt is not supported: see the package comment.
func (f *file) WriteAt([]byte, int64) (int, error) { return 0, vfs.ErrUnsupported }

// Preallocate implements vfs.File.
func (f *file) Preallocate(offset, length int64) error {
	return f.File.Preallocate(offset+headerLen, length)
}

// SyncTo implements vfs.File.
func (f *file) SyncTo(length int64) (fullSync bool, err error) {
	return f.File.SyncTo(length + headerLen)
}

// Prefetch implements vfs.File.
func (f *file) Prefetch(offset, length int64) error {
	return f.File.Prefetch(offset+headerLen, length)
}

// Fd implements vfs.File: whoever read from the descriptor would not get the contents.
func (f *file) Fd() uintptr { return vfs.InvalidFd }

// Stat implements vfs.File.
func (f *file) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	if f.block == nil {
		return emptyInfo{info}, nil
	}
	return withoutHeader(info), nil
}

// emptyInfo describes a file whose contents cannot have been promised.
type emptyInfo struct{ vfs.FileInfo }

// Size implements os.FileInfo.
func (emptyInfo) Size() int64 { return 0 }

// Close implements vfs.File.
func (f *file) Close() error {
	err := f.File.Close()
	if f.closed != nil {
		f.closed()
		f.closed = nil
	}
	return err
}

// fileInfo describes an encrypted file by the size of its contents.
type fileInfo struct{ vfs.FileInfo }

// Size implements os.FileInfo.
func (i fileInfo) Size() int64 { return max(i.FileInfo.Size()-headerLen, 0) }

func withoutHeader(info vfs.FileInfo) vfs.FileInfo {
	if info.Mode().IsRegular() {
		return fileInfo{info}
	}
	return info
}
