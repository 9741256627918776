package engine_test

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// smallDisk is a disk with so many bytes left. A write that meets its end writes what fits, as a real one does. What is removed
// gives nothing back.
type smallDisk struct {
	vfs.FS
	quota bool // it is a quota that ends: the disk has free bytes all the time
	left  atomic.Int64
	full  atomic.Bool // somebody met the end
	sick  atomic.Bool // syncs fail
}

const plenty = int64(1) << 40

func newSmallDisk(below vfs.FS) *smallDisk {
	d := &smallDisk{FS: below}
	d.left.Store(plenty)
	return d
}

// take gives how many of n bytes fit, and ENOSPC if not all do.
func (d *smallDisk) take(n int, path string) (int, error) {
	for {
		left := d.left.Load()
		fits := min(int64(n), max(left, 0))
		if !d.left.CompareAndSwap(left, left-fits) {
			continue
		}
		if fits < int64(n) {
			d.full.Store(true)
			end := syscall.ENOSPC
			if d.quota {
				end = syscall.EDQUOT
			}
			return int(fits), &os.PathError{Op: "write", Path: path, Err: end}
		}
		return n, nil
	}
}

// inode is what a new file takes.
const inode = 64

func (d *smallDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if _, err := d.take(inode, name); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name, c)
	return d.file(f, name), err
}

func (d *smallDisk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name, c, o...)
	return d.file(f, name), err
}

func (d *smallDisk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	return d.file(f, newname), err
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	free := max(d.left.Load(), 0)
	if d.quota {
		free = plenty
	}
	return vfs.DiskUsage{AvailBytes: uint64(free), TotalBytes: uint64(plenty)}, nil
}

func (d *smallDisk) Unwrap() vfs.FS { return d.FS }

func (d *smallDisk) file(f vfs.File, name string) vfs.File {
	if f == nil {
		return nil
	}
	return &smallDiskFile{f, d, name}
}

type smallDiskFile struct {
	vfs.File
	disk *smallDisk
	name string
}

func (f *smallDiskFile) Write(p []byte) (int, error) {
	n, err := f.disk.take(len(p), f.name)
	if n > 0 {
		if n, werr := f.File.Write(p[:n]); werr != nil {
			return n, werr
		}
	}
	return n, err
}

// Sync and SyncData fail on a sick disk.
func (f *smallDiskFile) Sync() error { return errors.Join(f.disk.health(f.name), f.File.Sync()) }

func (f *smallDiskFile) SyncData() error {
	return errors.Join(f.disk.health(f.name), f.File.SyncData())
}

func (d *smallDisk) health(path string) error {
	if d.sick.Load() {
		return &os.PathError{Op: "sync", Path: path, Err: syscall.EIO}
	}
	return nil
}
