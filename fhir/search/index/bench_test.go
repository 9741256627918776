package index_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/search/index"
)

// BenchmarkSynthea walks and indexes resources of patients' bundles, by what text is indexed; figures are per resource.
func BenchmarkSynthea(b *testing.B) {
	for name, o := range map[string]index.Options{"none": {Text: index.TextNone}, "narrative": {}, "content": {Registry: withContent()}} {
		b.Run(name, func(b *testing.B) { benchmark(b, index.New(o)) })
	}
}

func benchmark(b *testing.B, x *index.Index) {
	all := synthea(b, 6)
	bytes, entries, values := 0, 0, 0
	for _, v := range all {
		bytes += len(v.Raw())
		list, _ := x.Resource(v, 0)
		entries += len(list)
		for _, e := range list {
			values += len(e.Value)
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, issues := x.Resource(all[i%len(all)], 0); issues != nil {
			b.Fatal(issues)
		}
		i++
	}
	b.SetBytes(int64(bytes / len(all)))
	b.ReportMetric(float64(entries)/float64(len(all)), "entries/resource")
	b.ReportMetric(float64(values)/float64(len(all)), "valuebytes/resource")
}
