package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/lienthong/lienthong/fhir"
)

// smallDisk is a disk with so many bytes left. A write that meets its end writes what fits.
type smallDisk struct {
	mu   sync.Mutex
	left int64
}

func (d *smallDisk) set(left int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = left
}

func (d *smallDisk) open(path string, flag int) (file, error) {
	f, err := openFile(path, flag)
	if err != nil {
		return nil, err
	}
	return &smallDiskFile{f, path, d}, nil
}

type smallDiskFile struct {
	file
	path string
	disk *smallDisk
}

// grow gives how many of n bytes at a place can be written; only what makes the file longer takes room.
func (f *smallDiskFile) grow(at int64, n int) (int, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return 0, err
	}
	if at < 0 {
		at = info.Size()
	}
	missing := max(0, at+int64(n)-info.Size()) - f.disk.left
	if missing <= 0 {
		f.disk.left -= max(0, at+int64(n)-info.Size())
		return n, nil
	}
	f.disk.left = 0
	return n - int(missing), &os.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
}

func (f *smallDiskFile) write(p []byte, at int64, write func([]byte) (int, error)) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	fits, full := f.grow(at, len(p))
	n, err := write(p[:fits])
	return n, errors.Join(full, err)
}

func (f *smallDiskFile) Write(p []byte) (int, error) { return f.write(p, -1, f.file.Write) }

func (f *smallDiskFile) WriteAt(p []byte, at int64) (int, error) {
	return f.write(p, at, func(p []byte) (int, error) { return f.file.WriteAt(p, at) })
}

func (f *smallDiskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	f.disk.left += info.Size() - size
	return f.file.Truncate(size)
}

// TestFullDisk: wherever the disk is full, no entry that was kept is lost, none that was refused is there, and the journal goes on
// by itself when there is room; it also opens after a death at that moment.
func TestFullDisk(t *testing.T) {
	s, public := newSigner(t)
	for left := int64(1); left < 40<<10; left += 997 {
		fullAfter(t, left, s, public)
	}
}

func fullAfter(t *testing.T, left int64, s note.Signer, public string) {
	t.Helper()
	dir := t.TempDir()
	disk := &smallDisk{left: 1 << 40}
	j, err := Open(dir, Options{Signer: s, SegmentBytes: 4 << 10, Log: slog.New(slog.DiscardHandler), open: disk.open})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	disk.set(left)
	var mu sync.Mutex
	kept := map[int]bool{}
	keep := func(n int) bool {
		err := j.Append(context.Background(), sample(n))
		if e, ok := errors.AsType[*fhir.Error](err); err != nil && (!ok || e.Code != "audit-unavailable") {
			t.Errorf("%d bytes: a full disk is said to be %v", left, err)
		}
		mu.Lock()
		defer mu.Unlock()
		kept[n] = err == nil
		return err == nil
	}
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for n := w; n < 300 && keep(n); n += 3 {
				if n%20 == 0 {
					if _, err := j.Checkpoint(time.Now()); err != nil && !fhir.Transient(err) {
						t.Errorf("%d bytes: %v", left, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := j.Ready(); err == nil {
		t.Fatalf("%d bytes: a full journal is ready", left)
	}
	died := t.TempDir()
	if err := os.CopyFS(died, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	after, err := Open(died, Options{Signer: s, SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatalf("%d bytes, died: %v", left, err)
	}
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}
	hasKept(t, fmt.Sprint(left, " bytes, died"), died, public, kept)

	disk.set(1 << 40)
	if err := j.Ready(); err != nil {
		t.Fatalf("%d bytes: there is room again, and the journal is not ready: %v", left, err)
	}
	for n := 1000; n < 1020; n++ {
		if !keep(n) {
			t.Fatalf("%d bytes: there is room again, and an entry is refused", left)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	hasKept(t, fmt.Sprint(left, " bytes, went on"), dir, public, kept)
}

func hasKept(t *testing.T, when, dir, public string, kept map[int]bool) {
	t.Helper()
	if v := verify(t, dir, public); !v.OK() || v.Signed != v.Lines {
		t.Fatalf("%s: %+v", when, v)
	}
	all, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]int{}
	for _, first := range all {
		if err := eachLine(segmentPath(dir, first), 0, func(_ int64, line []byte) error {
			e, err := parseLine(line)
			there[e.Request]++
			return err
		}); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
	}
	for n, is := range kept {
		if want := map[bool]int{true: 1}[is]; there[fmt.Sprint("r", n)] != want {
			t.Errorf("%s: entry %d is there %d times, want %d", when, n, there[fmt.Sprint("r", n)], want)
		}
	}
}

// TestFullDiskWhenClosed: a journal on a full disk closes, and its lines are there afterwards.
func TestFullDiskWhenClosed(t *testing.T) {
	dir := t.TempDir()
	s, public := newSigner(t)
	disk := &smallDisk{left: 1 << 40}
	j, err := Open(dir, Options{Signer: s, Log: slog.New(slog.DiscardHandler), open: disk.open})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, j, 30)
	disk.set(0)
	if err := j.Close(); err != nil && !strings.Contains(err.Error(), "full") {
		t.Error(err)
	}
	if v := verify(t, dir, public); v.Lines != 30 || !v.OK() {
		t.Errorf("%+v", v)
	}
}
