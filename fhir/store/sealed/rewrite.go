package sealed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
)

// rewriting is the end of the names of files that are not yet in place. What a crash leaves of them is removed by the
// next rewriting; nobody else looks at them.
const rewriting = ".rekey"

// RewriteAll gives a new data key, sealed with the primary key, to each file of a store whose data key another one sealed.
// No process may have the store open. It can be broken off at any moment and begun again. It says how many files it did.
func RewriteAll(ctx context.Context, disk vfs.FS, dir string) (n int, err error) {
	s, ok := disk.(*FS)
	if !ok {
		return 0, errClear
	}
	unlock, err := hold(disk, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := Check(s, dir); err != nil {
		return 0, err
	}
	return s.rewrite(ctx, dir, func(string) bool { return true })
}

// hold takes the lock of a store's folder, as its engine does.
func hold(disk vfs.FS, dir string) (unlock func() error, err error) {
	files, err := Files(disk, dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no store in %s", dir)
	}
	lock, err := disk.Lock(disk.PathJoin(dir, "LOCK"))
	if err != nil {
		return nil, fhir.Wrap(fhir.Unavailable, "store-locked", err, dir, "?", "?")
	}
	return lock.Close, nil
}

// KeepCurrent rewrites, while the store is open by this very file system, what an older key sealed: the sorted files,
// which hold all but the newest commits and never change. Logs and the like turn over by themselves, at the next start at
// the latest. It looks at once and then each time after every; it ends with ctx. Without encryption it does nothing.
func KeepCurrent(ctx context.Context, disk vfs.FS, dir string, log *slog.Logger, every time.Duration) {
	s, ok := disk.(*FS)
	if !ok {
		return
	}
	done := uint32(0) // the primary key for which there was nothing left to do
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if key := s.keys.Primary(); key != done {
			n, err := s.rewrite(ctx, dir, immutable)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				log.Warn("files could not be given the new encryption key; it is tried again", "error", err)
			case n > 0:
				log.Info("files were given the new encryption key", "files", n, "key", key)
			default:
				done = key
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// immutable says whether Pebble never writes to a file of that name again once it has closed it.
func immutable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

func (s *FS) rewrite(ctx context.Context, dir string, pick func(name string) bool) (n int, err error) {
	if err := s.removeUnfinished(dir); err != nil {
		return 0, err
	}
	files, err := Files(s, dir)
	if err != nil {
		return 0, err
	}
	primary := s.keys.Primary()
	for _, f := range files {
		if f.Key == 0 || f.Key == primary || !pick(f.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
		name := s.PathJoin(dir, f.Name)
		if s.written(name) {
			continue // it is not whole yet
		}
		err := s.rewriteFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it has become obsolete meanwhile
		case err != nil:
			return n, fmt.Errorf("rewrite %s: %w", f.Name, err)
		default:
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, syncFolder(s, dir)
}

// rewriteFile puts a copy with another data key in the place of a file. Whoever has the old one open goes on with it. If
// Pebble removes the file between the two last steps, the copy stays until Pebble's next start finds that nothing needs it.
func (s *FS) rewriteFile(name string) (err error) {
	unfinished := name + rewriting
	if err := copyFile(s, name, s, unfinished); err != nil {
		return err
	}
	if _, err := s.Stat(name); err != nil {
		return errors.Join(err, s.Remove(unfinished))
	}
	return s.Rename(unfinished, name)
}

func (s *FS) written(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writing[filepath.Clean(name)] > 0
}

func (s *FS) removeUnfinished(dir string) error {
	names, err := s.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if of, ok := strings.CutSuffix(name, rewriting); ok && OfStore(of) {
			if err := s.Remove(s.PathJoin(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyFile copies the contents, durably.
func copyFile(from vfs.FS, name string, to vfs.FS, as string) (err error) {
	src, err := from.Open(name, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := to.Create(as, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(dst, src, make([]byte, 1<<20))
	if err == nil && n != info.Size() {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, dst.Sync(), dst.Close())
}

func syncFolder(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Encrypt copies a store's own files from a folder in clear into the folder to, which is there and empty, encrypted. No
// process may have the store open, and none has it meanwhile.
func Encrypt(ctx context.Context, clear vfs.FS, dir string, keys *Keys, to string) (n int, err error) {
	unlock, err := hold(clear, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := Check(clear, dir); err != nil {
		return 0, err
	}
	files, err := Files(clear, dir)
	if err != nil {
		return 0, err
	}
	encrypted := New(clear, keys)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if err := copyFile(clear, clear.PathJoin(dir, f.Name), encrypted, clear.PathJoin(to, f.Name)); err != nil {
			return n, fmt.Errorf("copy %s: %w", f.Name, err)
		}
		n++
	}
	return n, syncFolder(clear, to)
}
