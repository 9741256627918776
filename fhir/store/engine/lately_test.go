package engine

import (
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"pgregory.net/rapid"
)

// TestLatelyGivesWhatFollows: whatever is added and asked, an answer begins right after the commit that was asked for, has no gap, ends
// at the bound, and is missing only where the commits are older than what is kept.
func TestLatelyGivesWhatFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l lately
		last := fhir.T(rapid.Uint64Range(0, 5).Draw(t, "start"))
		first := last + 1 // since the last gap
		for range rapid.IntRange(1, 40).Draw(t, "runs") {
			if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
				last += 3
				first = last + 1
			}
			size := rapid.SampledFrom([]int{0, 100, 100_000, latelyBytes / 2, latelyBytes + 1}).Draw(t, "size")
			for range rapid.SampledFrom([]int{1, 3, 1500}).Draw(t, "commits") {
				last++
				l.add(store.Commit{T: last, Records: []store.Record{{Value: make([]byte, size)[:size:size]}}})
				if size > latelyBytes {
					first = last + 1
				}
				if size > 100 {
					break
				}
			}
			after := last - min(last, fhir.T(rapid.Uint64Range(0, 5000).Draw(t, "back")))
			upTo := after + fhir.T(rapid.Uint64Range(0, 300).Draw(t, "ahead"))
			got := l.after(after, upTo, make([]store.Commit, rapid.IntRange(1, 256).Draw(t, "room")))
			for i := range got {
				if got[i].T != after+1+fhir.T(i) || got[i].T > upTo || got[i].T > last {
					t.Fatalf("commit %d at place %d after %d up to %d of %d", got[i].T, i, after, upTo, last)
				}
			}
			if missing := len(got) == 0 && after < min(upTo, last); missing && len(l.outlines) > 0 && after+1 >= l.outlines[0].T {
				t.Fatalf("nothing after %d up to %d, though there is all from %d on", after, upTo, l.outlines[0].T)
			}
			if n := len(l.outlines); n > latelyCommits || l.bytes > latelyBytes || n > 0 && (l.outlines[n-1].T != last || l.outlines[0].T < first) {
				t.Fatalf("%d outlines of %d bytes up to %d, of %d to %d", n, l.bytes, last, first, last)
			}
			sum := 0
			for i := range l.outlines {
				sum += outlineBytes(&l.outlines[i])
			}
			if sum != l.bytes {
				t.Fatalf("%d bytes are counted as %d", sum, l.bytes)
			}
		}
	})
}
