package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// quota is a disk on which a quota that is used up (EDQUOT) is as good as a full one (ENOSPC), which is what Pebble knows: both are
// waited for. What is not here cannot take room.
type quota struct{ vfs.FS }

// noRoom gives ENOSPC for EDQUOT, and any other error as it is.
func noRoom(err error) error {
	if errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %v", syscall.ENOSPC, err)
	}
	return err
}

func (q quota) file(f vfs.File, err error) (vfs.File, error) {
	if f == nil || err != nil {
		return nil, noRoom(err)
	}
	return quotaFile{f}, nil
}

func (q quota) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return q.file(q.FS.Create(name, c))
}

func (q quota) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return q.file(q.FS.OpenReadWrite(name, c, o...))
}

func (q quota) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return q.file(q.FS.ReuseForWrite(from, to, c))
}

func (q quota) Link(from, to string) error   { return noRoom(q.FS.Link(from, to)) }
func (q quota) Rename(from, to string) error { return noRoom(q.FS.Rename(from, to)) }

func (q quota) MkdirAll(dir string, perm os.FileMode) error { return noRoom(q.FS.MkdirAll(dir, perm)) }

func (q quota) Lock(name string) (io.Closer, error) {
	c, err := q.FS.Lock(name)
	return c, noRoom(err)
}

// Unwrap implements vfs.FS.
func (q quota) Unwrap() vfs.FS { return q.FS }

type quotaFile struct{ vfs.File }

func (f quotaFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, noRoom(err)
}

func (f quotaFile) WriteAt(p []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(p, at)
	return n, noRoom(err)
}

func (f quotaFile) Sync() error     { return noRoom(f.File.Sync()) }
func (f quotaFile) SyncData() error { return noRoom(f.File.SyncData()) }
