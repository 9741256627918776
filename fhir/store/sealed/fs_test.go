package sealed_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/store/sealed"
	"pgregory.net/rapid"
)

const headerLen = 128

func newKeys(tb testing.TB) (path string, k *sealed.Keys) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "key.json")
	if _, err := sealed.NewKeyFile(path, ""); err != nil {
		tb.Fatal(err)
	}
	return path, openKeys(tb, path)
}

func openKeys(tb testing.TB, path string) *sealed.Keys {
	tb.Helper()
	k, err := sealed.OpenKeys(path, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func create(tb testing.TB, fsys vfs.FS, name string, content []byte) {
	tb.Helper()
	f, err := fsys.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(bytes.Clone(content))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func content(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// TestSameAsPlain holds the file system against a plain one: what one of them does, the other does.
func TestSameAsPlain(t *testing.T) {
	_, keys := newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		raw := vfs.NewMem()
		both := []vfs.FS{vfs.NewMem(), sealed.New(raw, keys)}
		name := rapid.SampledFrom([]string{"1.log", "2.sst", "3.sst", "MANIFEST-1"})
		same := func(what string, do func(fsys vfs.FS) (any, error)) {
			want, wantErr := do(both[0])
			got, err := do(both[1])
			if (err == nil) != (wantErr == nil) || errors.Is(err, fs.ErrNotExist) != errors.Is(wantErr, fs.ErrNotExist) || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s: %.200v, %v; plain: %.200v, %v", what, got, err, want, wantErr)
			}
		}
		size := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 5000))
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				n := name.Draw(t, "name")
				parts := rapid.SliceOfN(size, 0, 5).Draw(t, "parts")
				seed := rapid.Byte().Draw(t, "byte")
				reuse := rapid.SampledFrom([]string{"", "1.log", "2.sst"}).Draw(t, "reuse")
				same("write "+n, func(fsys vfs.FS) (any, error) {
					var f vfs.File
					var err error
					switch {
					case reuse != "" && reuse != n:
						if f, err = fsys.ReuseForWrite(reuse, n, "test"); err == nil {
							_ = f.Close() // a plain one keeps what it held
							f, err = fsys.Create(n, "test")
						}
					default:
						f, err = fsys.Create(n, "test")
					}
					if err != nil {
						return nil, err
					}
					f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: 512, PreallocateSize: 1024})
					for i, part := range parts {
						if _, err := f.Write(bytes.Repeat([]byte{seed + byte(i)}, part)); err != nil {
							return nil, err
						}
					}
					info, err := f.Stat()
					return info.Size(), errors.Join(err, f.Sync(), f.Close())
				})
			},
			"read": func(t *rapid.T) {
				n := name.Draw(t, "name")
				same("read "+n, func(fsys vfs.FS) (any, error) { return content(fsys, n) })
			},
			"read at": func(t *rapid.T) {
				n, off, length := name.Draw(t, "name"), size.Draw(t, "off"), size.Draw(t, "length")
				same("read at", func(fsys vfs.FS) (any, error) {
					f, err := fsys.Open(n, vfs.RandomReadsOption)
					if err != nil {
						return nil, err
					}
					defer f.Close()
					p := make([]byte, length+1)
					k, err := f.ReadAt(p, int64(off))
					return fmt.Sprint(p[:k], err), nil
				})
			},
			"stat": func(t *rapid.T) {
				n := name.Draw(t, "name")
				same("stat "+n, func(fsys vfs.FS) (any, error) {
					info, err := fsys.Stat(n)
					if err != nil {
						return nil, err
					}
					return info.Size(), nil
				})
			},
			"rename": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				same("rename", func(fsys vfs.FS) (any, error) { return nil, fsys.Rename(from, to) })
			},
			"link": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				same("link", func(fsys vfs.FS) (any, error) { return nil, fsys.Link(from, to) })
			},
			"copy": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				if from == to {
					t.Skip()
				}
				n := int64(size.Draw(t, "bytes"))
				same("copy", func(fsys vfs.FS) (any, error) { return nil, vfs.LimitedCopy(fsys, from, to, n) })
			},
			"remove": func(t *rapid.T) {
				n := name.Draw(t, "name")
				same("remove "+n, func(fsys vfs.FS) (any, error) { return nil, fsys.Remove(n) })
			},
			"": func(*rapid.T) {
				same("list", func(fsys vfs.FS) (any, error) {
					names, err := fsys.List("/")
					slices.Sort(names)
					return names, err
				})
			},
		})
	})
}

// TestConcurrentReads: readers of one handle do not disturb each other, nor a writer.
func TestConcurrentReads(t *testing.T) {
	_, keys := newKeys(t)
	fsys := sealed.New(vfs.NewMem(), keys)
	want := make([]byte, 100_000)
	rand.Read(want)
	create(t, fsys, "1.sst", want)
	f, err := fsys.Open("1.sst")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var wg sync.WaitGroup
	for r := range 8 {
		wg.Go(func() {
			for off := r; off < len(want); off += 4999 {
				p := make([]byte, min(3001, len(want)-off))
				if _, err := f.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, want[off:off+len(p)]) {
					t.Errorf("at %d: %v, or other bytes", off, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestNoPlaceIsWrittenTwice: the same contents look different in each file, also in one that takes another's place, and
// there is no way to write over what was written.
func TestNoPlaceIsWrittenTwice(t *testing.T) {
	_, keys := newKeys(t)
	raw := vfs.NewMem()
	fsys := sealed.New(raw, keys)
	zeros := make([]byte, 4096)
	create(t, fsys, "1.log", zeros)
	first, _ := content(raw, "1.log")
	create(t, fsys, "1.log", zeros)
	second, _ := content(raw, "1.log")
	f, err := fsys.ReuseForWrite("1.log", "2.log", "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	third, _ := content(raw, "2.log")
	seen := map[string]bool{}
	for _, file := range [][]byte{first, second, third} {
		if len(file) != headerLen+4096 {
			t.Fatalf("%d bytes", len(file))
		}
		for i := headerLen; i < len(file); i += 16 {
			if seen[string(file[i:i+16])] {
				t.Fatal("a block of zeros looks twice the same: its place in the key stream was used twice")
			}
			seen[string(file[i:i+16])] = true
		}
	}
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, vfs.ErrUnsupported) {
		t.Fatalf("WriteAt: %v", err)
	}
	if _, err := fsys.OpenReadWrite("2.log", "test"); !errors.Is(err, vfs.ErrUnsupported) {
		t.Fatalf("OpenReadWrite: %v", err)
	}
	opened, err := fsys.Open("2.log")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Write([]byte("x")); err == nil {
		t.Fatal("a file that was there could be written to")
	}
	if f.Fd() != vfs.InvalidFd {
		t.Fatal("a descriptor was given out")
	}
}

// failing is a file system whose next write stops half way.
type failing struct {
	vfs.FS
	armed bool
}

func (f *failing) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return &failingFile{file, f}, err
}

type failingFile struct {
	vfs.File
	fs *failing
}

func (f *failingFile) Write(p []byte) (int, error) {
	if !f.fs.armed {
		return f.File.Write(p)
	}
	n, _ := f.File.Write(p[:len(p)/2])
	return n, errors.New("disk full")
}

// TestNoWriteAfterAFailedOne: a second try might put other contents where half of the first stand.
func TestNoWriteAfterAFailedOne(t *testing.T) {
	_, keys := newKeys(t)
	disk := &failing{FS: vfs.NewMem()}
	f, err := sealed.New(disk, keys).Create("1.log", "test")
	if err != nil {
		t.Fatal(err)
	}
	disk.armed = true
	if _, err := f.Write([]byte("first")); err == nil {
		t.Fatal("written")
	}
	disk.armed = false
	if n, err := f.Write([]byte("other")); err == nil || n != 0 {
		t.Fatal("written after a failure")
	}
}
