package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/sealed"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// keyFile makes one, and gives the layer that encrypts with it.
func keyFile(tb testing.TB) (path string, layer func(vfs.FS) vfs.FS) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "key.json")
	if _, err := sealed.NewKeyFile(path, ""); err != nil {
		tb.Fatal(err)
	}
	keys, err := sealed.OpenKeys(path, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return path, func(fs vfs.FS) vfs.FS { return sealed.New(fs, keys) }
}

// TestStoreSealed runs the suite on the disk that loses what was not synced, encrypted.
func TestStoreSealed(t *testing.T) {
	_, layer := keyFile(t)
	c := onFailingDisk(layer)
	c.Queries = 200 // what encryption could spoil has nothing to do with how a search is planned
	storetest.Run(t, c)
}

// sealedOptions are those of a store on the machine's disk, encrypted.
func sealedOptions(tb testing.TB) engine.Options {
	_, layer := keyFile(tb)
	o := options(0)
	o.FS = layer(vfs.Default)
	return o
}

// filesOf reads a folder as a thief would.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNothingInClear: nothing that was stored, and no row's key, stands in a file of the folder; neither in the log while
// it is written nor in the sorted files afterwards. The same store without a key shows that the search would find it.
func TestNothingInClear(t *testing.T) {
	const name, id = "Synthetic-Nguyen-Van-Thu", "079212345678"
	for _, encrypt := range []bool{true, false} {
		dir := t.TempDir()
		o := options(0)
		if encrypt {
			o = sealedOptions(t)
		}
		e := openStore(t, dir, o)
		puts := store.Changes{
			Puts:    []store.Put{storetest.Sample("Patient", "sealed-patient", 16, name)},
			Records: []store.Record{{Space: "test", Key: id, Value: []byte(id)}},
		}
		if _, err := e.Commit(ours(t.Context()), puts); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		look := func() {
			for file, b := range filesOf(t, dir) {
				for _, secret := range []string{name, id, "sealed-patient", "Patient", "lienthong.idFilter", "hostname", "started"} {
					if strings.Contains(b, secret) {
						if seen[secret] = true; encrypt {
							t.Errorf("%s holds %q", file, secret)
						}
					}
				}
			}
		}
		look()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		look()
		if !encrypt && len(seen) < 6 {
			t.Errorf("the search finds only %v where all is in clear", seen)
		}
	}
}

// TestSealedFolderIsRefused without its key, with another, and with a key where there was none; before anything is
// written, so that the right one opens it afterwards.
func TestSealedFolderIsRefused(t *testing.T) {
	right, clear := sealedOptions(t), options(0)
	for name, c := range map[string]struct {
		made, asked engine.Options
		code        string
	}{
		"no key":                {right, clear, "store-encrypted"},
		"another key":           {right, sealedOptions(t), "store-key-unknown"},
		"a key where none was":  {clear, right, "store-not-encrypted"},
		"the key that made it":  {right, right, ""},
		"no key where none was": {clear, clear, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			plain(t, dir, c.made)
			before := filesOf(t, dir)
			if c.code != "" {
				_, err := engine.Open(dir, c.asked)
				wantCode(t, err, c.code)
				if !maps.Equal(before, filesOf(t, dir)) {
					t.Fatal("the folder was changed by an open that was refused")
				}
			}
			e := openStore(t, dir, c.made)
			defer e.Close()
			verify(t, e)
			if n := count(t, e, 16, "1"); n != 7 {
				t.Fatalf("%d found", n)
			}
		})
	}
}

// TestSealedFileIsDamaged: a file whose header does not hold, or is cut off, is never read as something else.
func TestSealedFileIsDamaged(t *testing.T) {
	o := sealedOptions(t)
	spoil := map[string]func([]byte) []byte{
		"flipped in the data key": func(b []byte) []byte { b[40] ^= 1; return b },
		"cut within the header":   func(b []byte) []byte { return b[:50] },
	}
	for name, do := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			plain(t, dir, o)
			tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
			if len(tables) == 0 {
				t.Fatal("there is no sorted file")
			}
			b, err := os.ReadFile(tables[0])
			if err == nil {
				err = os.WriteFile(tables[0], do(bytes.Clone(b)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			e, err := engine.Open(dir, o)
			if err == nil {
				err = errors.Join(e.Verify(ours(t.Context())), e.Close())
			}
			if _, ok := errors.AsType[*fhir.Error](err); !ok {
				t.Fatalf("the store was opened and verified: %v", err)
			}
		})
	}
}

// TestRotationWhileItServes: the sorted files get the new key while commits and reads go on, and the store is the same
// afterwards and after a start.
func TestRotationWhileItServes(t *testing.T) {
	path, layer := keyFile(t)
	o := options(0)
	o.FS = layer(vfs.Default)
	o.MemTableBytes = 256 << 10 // many small files
	dir := t.TempDir()
	plain(t, dir, o)
	e := openStore(t, dir, o)
	id, err := sealed.RotateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		sealed.KeepCurrent(ctx, o.FS, dir, o.Logger, time.Millisecond)
	}()
	old := func() (n int) {
		files, err := sealed.Files(o.FS, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name, ".sst") && f.Key != id {
				n++
			}
		}
		return n
	}
	deadline := time.Now().Add(fhirtest.Patience)
	value := strings.Repeat("x", 20_000)
	written := 0
	for ; written < 60 || old() > 0; written++ {
		if time.Now().After(deadline) {
			t.Fatalf("%d sorted files still have the old key", old())
		}
		record := store.Record{Space: "test", Key: strconv.Itoa(written), Value: []byte(value)}
		if _, err := e.Commit(ours(t.Context()), store.Changes{Records: []store.Record{record}}); err != nil {
			t.Fatal(err)
		}
	}
	end()
	<-done
	verify(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openStore(t, dir, o)
	defer e.Close()
	verify(t, e)
	if n := count(t, e, 16, "1"); n != 7 {
		t.Fatalf("%d found", n)
	}
	for i := range written {
		if v, found, err := e.Record(ours(t.Context()), "test", strconv.Itoa(i)); err != nil || !found || string(v) != value {
			t.Fatalf("record %d: %v, %v", i, found, err)
		}
	}
}
