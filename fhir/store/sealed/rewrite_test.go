package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// TestRewriteAll: all files get the new key, whoever has one open goes on reading, what a crash left is removed, and a
// store that is open is left alone.
func TestRewriteAll(t *testing.T) {
	path, keys := newKeys(t)
	raw := vfs.NewMem()
	fsys := sealed.New(raw, keys)
	if _, err := sealed.RewriteAll(t.Context(), fsys, ""); err == nil {
		t.Fatal("there is no store")
	}
	names := []string{"1.sst", "2.log", "MANIFEST-000001", "marker.manifest.000001.MANIFEST-000001"}
	want := bytes.Repeat([]byte("0123456789"), 300_000) // more than one piece of a copy
	for _, name := range names {
		create(t, fsys, name, want)
	}
	held, err := fsys.Open("1.sst")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	id, err := sealed.RotateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	create(t, fsys, "1.sst.rekey", []byte("half"))

	lock, err := fsys.Lock("LOCK")
	if err != nil {
		t.Fatal(err)
	}
	_, err = sealed.RewriteAll(t.Context(), fsys, "")
	wantCode(t, err, "store-locked")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := sealed.RewriteAll(ended, fsys, ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n, err := sealed.RewriteAll(t.Context(), fsys, ""); n != len(names) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := sealed.RewriteAll(t.Context(), fsys, ""); n != 0 || err != nil {
		t.Fatalf("a second time: %d, %v", n, err)
	}
	files, err := sealed.Files(raw, "")
	if err != nil || len(files) != len(names) {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if f.Key != id {
			t.Errorf("%s still has key %d", f.Name, f.Key)
		}
		if got, err := content(fsys, f.Name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", f.Name, len(got), err)
		}
	}
	if got, err := io.ReadAll(held); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the old file: %d bytes, %v", len(got), err)
	}
	if _, err := raw.Stat("1.sst.rekey"); err == nil {
		t.Error("what a crash left is still there")
	}
	if _, err := sealed.RewriteAll(t.Context(), raw, ""); err == nil {
		t.Error("a file system without keys rewrote")
	}
}

// TestEncrypt copies the store's own files and nothing else; the old ones stay.
func TestEncrypt(t *testing.T) {
	_, keys := newKeys(t)
	raw := vfs.NewMem()
	for _, dir := range []string{"from", "to"} {
		if err := raw.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"000001.sst", "000002.log", "MANIFEST-000001", "OPTIONS-000003", "OWNER"}
	for _, name := range names {
		create(t, raw, "from/"+name, []byte("Synthetic Nguyễn Văn Thử in "+name))
	}
	create(t, raw, "from/audit.key", []byte("not the store's own"))
	if n, err := sealed.Encrypt(t.Context(), raw, "from", keys, "to"); n != len(names) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	fsys := sealed.New(raw, keys)
	if err := sealed.Check(fsys, "to"); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		want, _ := content(raw, "from/"+name)
		if got, err := content(fsys, "to/"+name); err != nil || !bytes.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if b, _ := content(raw, "to/"+name); bytes.Contains(b, []byte("Synthetic")) {
			t.Errorf("%s is in clear", name)
		}
	}
	if _, err := raw.Stat("to/audit.key"); err == nil {
		t.Error("another file was copied")
	}
	_, err := sealed.Encrypt(t.Context(), raw, "to", keys, "from")
	wantCode(t, err, "store-encrypted")
}
