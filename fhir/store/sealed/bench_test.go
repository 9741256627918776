package sealed_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// BenchmarkReadBlock reads blocks of 16 KiB, those of the engine, from memory: what encryption costs where no disk is waited
// for.
func BenchmarkReadBlock(b *testing.B) {
	_, keys := newKeys(b)
	for name, fsys := range map[string]vfs.FS{"clear": vfs.NewMem(), "sealed": sealed.New(vfs.NewMem(), keys)} {
		b.Run(name, func(b *testing.B) {
			create(b, fsys, "1.sst", make([]byte, 16<<20))
			f, err := fsys.Open("1.sst")
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			p := make([]byte, 16<<10)
			b.SetBytes(int64(len(p)))
			for i := 0; b.Loop(); i++ {
				if _, err := f.ReadAt(p, int64(i%1000)*(16<<10)+int64(i%7)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
