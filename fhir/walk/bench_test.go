package walk_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// BenchmarkSynthea walks the resources of some bundles: time, bytes and allocations are per resource.
func BenchmarkSynthea(b *testing.B) {
	var all []resource.Value
	synthea(b, 6, func(_ string, d *resource.Document) {
		for e := range d.Root().Get("entry").Elements() {
			all = append(all, e.Get("resource"))
		}
	})
	bytes := 0
	for _, v := range all {
		bytes += len(v.Raw())
	}
	b.SetBytes(int64(bytes / len(all)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if walk.Resource(all[i%len(all)], 0) != nil {
			b.Fatal("issues")
		}
		i++
	}
}
