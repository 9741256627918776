package sealed_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// FuzzForeignFile opens whatever lies in the folder: it is empty, refused, or was made with the key; nothing else is read.
func FuzzForeignFile(f *testing.F) {
	_, keys := newKeys(f)
	raw := vfs.NewMem()
	create(f, sealed.New(raw, keys), "1.sst", []byte("contents"))
	whole, err := content(raw, "1.sst")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(whole[:60])
	f.Add(append([]byte("LTSEALED\x01\xff"), make([]byte, 200)...))
	f.Add(append([]byte("LTSEALED\x01\x00"), make([]byte, 200)...))
	f.Add(append([]byte("LTSEALED\x01\x05\x01\x00\x00\x00\x01"), make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, file []byte) {
		raw := vfs.NewMem()
		create(t, raw, "1.sst", file)
		fsys := sealed.New(raw, keys)
		refused := sealed.Check(fsys, "")
		got, err := content(fsys, "1.sst")
		if (refused == nil) != (err == nil) {
			t.Fatalf("the folder: %v; the file: %v", refused, err)
		}
		if len(got) > 0 { // its data key cannot have been made up
			t.Fatalf("%q was read", got)
		}
		_ = sealed.Check(raw, "") // whatever it says, it says it
	})
}
