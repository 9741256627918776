package precheck

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// manyEpisodes is an envelope of n episodes: the three samples, each time under another MA_LK.
func manyEpisodes(tb testing.TB, n int) []byte {
	tb.Helper()
	raw, err := os.ReadFile(fhirtest.Data(tb, "domain", "claim-xml", "samples", "three-episodes.xml"))
	if err != nil {
		tb.Fatal(err)
	}
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	samples := f.HoSo
	f.HoSo = nil
	for i := range n {
		h, err := hoso.Decode([]byte(strings.Clone(string((&hoso.File{HoSo: samples[i%3 : i%3+1]}).Encode()))), hoso.DefaultLimits())
		if err != nil {
			tb.Fatal(err)
		}
		for _, t := range h.HoSo[0].Tables {
			for _, r := range t.Rows {
				r.Set("MA_LK", fmt.Sprintf("51901_2026_%06d", i+1))
			}
		}
		f.HoSo = append(f.HoSo, h.HoSo[0])
	}
	return f.Encode()
}

func BenchmarkRun(b *testing.B) {
	raw := manyEpisodes(b, 300)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Run(b.Context(), bytes.NewReader(raw), Options{}, &Past{}, func(f hoso.Finding) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
