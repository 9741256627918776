package sealed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// TestEachByteOfTheHeaderCounts: whichever one is changed, the folder is refused and the file does not open.
func TestEachByteOfTheHeaderCounts(t *testing.T) {
	_, keys := newKeys(t)
	for i := range headerLen {
		raw := vfs.NewMem()
		fsys := sealed.New(raw, keys)
		create(t, fsys, "1.sst", []byte("contents"))
		if err := sealed.Check(fsys, ""); err != nil {
			t.Fatal(err)
		}
		b, _ := content(raw, "1.sst")
		b[i] ^= 0x10
		create(t, raw, "1.sst", b)
		if err := sealed.Check(fsys, ""); err == nil {
			t.Fatalf("byte %d changed, and the folder is taken", i)
		}
		if got, err := content(fsys, "1.sst"); err == nil {
			t.Fatalf("byte %d changed, and %q is read", i, got)
		}
	}
}

// TestHeaderCutShort is what a power cut may leave of a file that was never synced: it reads as an empty one.
func TestHeaderCutShort(t *testing.T) {
	_, keys := newKeys(t)
	raw := vfs.NewMem()
	fsys := sealed.New(raw, keys)
	create(t, fsys, "1.log", []byte("contents"))
	whole, _ := content(raw, "1.log")
	for n := range headerLen {
		create(t, raw, "1.log", whole[:n])
		if err := sealed.Check(fsys, ""); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got, err := content(fsys, "1.log"); err != nil || len(got) != 0 {
			t.Fatalf("%d bytes: %q, %v", n, got, err)
		}
		if info, err := fsys.Stat("1.log"); err != nil || info.Size() != 0 {
			t.Fatalf("%d bytes: size %d", n, info.Size())
		}
	}
	for _, n := range []int{headerLen, headerLen + 1, 5000} { // its first block was not written
		create(t, raw, "1.log", append(make([]byte, headerLen), bytes.Repeat([]byte("x"), n-headerLen)...))
		if got, err := content(fsys, "1.log"); err != nil || len(got) != 0 {
			t.Fatalf("%d bytes: %q, %v", n, got, err)
		}
	}
}

// TestFolderIsRefused unless the keys are those of its files, and nothing of it is changed by asking.
func TestFolderIsRefused(t *testing.T) {
	_, keys := newKeys(t)
	_, others := newKeys(t)
	raw := vfs.NewMem()
	create(t, sealed.New(raw, keys), "1.sst", []byte("contents"))
	wantCode(t, sealed.Check(raw, ""), "store-encrypted")
	wantCode(t, sealed.Check(sealed.New(raw, others), ""), "store-key-unknown")
	if _, err := content(sealed.New(raw, others), "1.sst"); err == nil {
		t.Fatal("read with another key")
	}
	create(t, raw, "OWNER", []byte("{}")) // a mix: an encrypted store to which something else wrote
	wantCode(t, sealed.Check(raw, ""), "store-encrypted")
	wantCode(t, sealed.Check(sealed.New(raw, keys), ""), "store-not-encrypted")

	clear := vfs.NewMem()
	create(t, clear, "MANIFEST-000001", []byte("anything"))
	wantCode(t, sealed.Check(sealed.New(clear, keys), ""), "store-not-encrypted")
	if err := sealed.Check(clear, ""); err != nil {
		t.Fatal(err)
	}
	if err := sealed.Check(sealed.New(clear, keys), "not-there"); err != nil {
		t.Fatal(err)
	}
}

// TestRotation: files of the old key stay readable, new ones use the new key at once, in a process that has the file open
// as in one that is started.
func TestRotation(t *testing.T) {
	path, keys := newKeys(t)
	raw := vfs.NewMem()
	fsys := sealed.New(raw, keys)
	create(t, fsys, "1.sst", []byte("old"))
	old := keys.Primary()
	id, err := sealed.RotateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	create(t, fsys, "2.sst", []byte("new"))
	for _, fsys := range []vfs.FS{fsys, sealed.New(raw, openKeys(t, path))} {
		if err := sealed.Check(fsys, ""); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"1.sst": "old", "2.sst": "new"} {
			if got, err := content(fsys, name); err != nil || string(got) != want {
				t.Fatalf("%s: %q, %v", name, got, err)
			}
		}
	}
	files, err := sealed.Files(raw, "")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if want := map[string]uint32{"1.sst": old, "2.sst": id}[f.Name]; f.Key != want {
			t.Errorf("%s has key %d, not %d", f.Name, f.Key, want)
		}
	}

	// A key file that was spoilt is not taken, and what runs goes on.
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, fsys, "3.sst", []byte("still"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	create(t, fsys, "4.sst", []byte("still"))
	if got, err := content(fsys, "4.sst"); err != nil || string(got) != "still" || keys.Primary() != id {
		t.Fatalf("%q, %v, key %d", got, err, keys.Primary())
	}
}

// TestKeyFile is its owner's alone, never overwritten, and its contents are in no error.
func TestKeyFile(t *testing.T) {
	path, _ := newKeys(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	before, _ := os.ReadFile(path)
	if _, err := sealed.NewKeyFile(path, ""); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Fatal("the key file was overwritten")
	}
	bad := filepath.Join(t.TempDir(), "bad")
	for _, text := range []string{"", "{}", "c2VjcmV0", `{"primaryKeyId":1,"key":[{"keyData":"c2VjcmV0"}]}`} {
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.OpenKeys(bad, nil); err == nil || strings.Contains(err.Error(), "c2Vj") {
			t.Fatalf("%q: %v", text, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}
