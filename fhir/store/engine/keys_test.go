package engine

import (
	"bytes"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"pgregory.net/rapid"
)

// TestPostingKeysSortAsTheirValues: rows lie in the order of value, then number, whatever the bytes, and the bounds of a
// value enclose its rows and no others.
func TestPostingKeysSortAsTheirValues(t *testing.T) {
	value := rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xfe, 0xff}))
	num := rapid.Map(rapid.Uint64Range(1, uint64(maxNumber)), func(n uint64) number { return number(n) })
	rapid.Check(t, func(t *rapid.T) {
		a, b := value.Draw(t, "a"), value.Draw(t, "b")
		n, m := num.Draw(t, "n"), num.Draw(t, "m")
		prefix := appendValueKey(nil, 16, 3, a)
		ka := appendNumber(bytes.Clone(prefix), n)
		kb := appendNumber(appendValueKey(nil, 16, 3, b), m)
		want := bytes.Compare(a, b)
		if want == 0 {
			want = int(min(max(int64(n)-int64(m), -1), 1))
		}
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("%x/%d and %x/%d: keys compare as %d", a, n, b, m, got)
		}
		inside := bytes.Compare(kb, prefix) >= 0 && bytes.Compare(kb, after(prefix)) < 0
		if inside != bytes.Equal(a, b) {
			t.Fatalf("row of %x within the bounds of %x: %v", b, a, inside)
		}
		back, rest := unescape(nil, ka[paramKeyLen:])
		if !bytes.Equal(back, a) || len(rest) != numberLen || lastNumber(ka) != n {
			t.Fatalf("%x came back as %x, number %d as %d", a, back, n, lastNumber(ka))
		}
		if len(ka) != paramKeyLen+escapedLen(a)+numberLen {
			t.Fatalf("length of %x is miscounted", a)
		}
	})
}

func TestVersionKeysSortNewestFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := number(rapid.Uint64Range(1, uint64(maxNumber)).Draw(t, "n"))
		v := fhir.Version(rapid.Uint64Range(1, uint64(maxNumber)-1).Draw(t, "v"))
		older, newer := appendVersionKey(nil, n, v), appendVersionKey(nil, n, v+1)
		if bytes.Compare(newer, older) >= 0 {
			t.Fatal("the older version comes first")
		}
		if gn, gv := versionKey(older); gn != n || gv != v {
			t.Fatalf("%d/%d came back as %d/%d", n, v, gn, gv)
		}
	})
}

// TestSetsAgree: list, bitmap, union and a sequel give the same members for the same seeks.
func TestSetsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfN(rapid.Map(rapid.IntRange(1, 3000), func(n int) number { return number(n) }), 0, 60).Draw(t, "members")
		var c, half, other collector
		for i, n := range members {
			c.add(n)
			if i%2 == 0 {
				half.add(n)
			} else {
				other.add(n)
			}
		}
		as := collector{list: append(list(nil), members...)}
		as.toBits()
		sets := map[string]numbers{"list": c.set(), "bitmap": as.bits, "union": union{half.set(), other.set()}}
		at := number(0)
		for range 40 {
			at += number(rapid.IntRange(0, 200).Draw(t, "step"))
			want, found := number(0), false
			for _, n := range members {
				if n >= at && (!found || n < want) {
					want, found = n, true
				}
			}
			for name, s := range sets {
				if got, ok := s.seek(at); ok != found || ok && got != want {
					t.Fatalf("%s: seek %d gives %d, %v; want %d, %v", name, at, got, ok, want, found)
				}
			}
		}
	})
}

// FuzzRows: rows that were damaged on disk give an error or nonsense, never a panic.
func FuzzRows(f *testing.F) {
	v := versionRow{place: place{t: 3, at: 5, write: 1, method: 2}, typ: 1, id: []byte("p1"), unique: packTexts(nil, []string{"u"}), entries: []byte{16, 1, 'a'}}
	f.Add(v.append(nil))
	f.Add(state{number: 1, version: 2}.append(nil))
	f.Add(head{t: 1}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeState(b)
		_, _ = decodeHead(b)
		_, _, _, _ = decodeRecord(b)
		_ = openAt(b, 7)
		v, err := decodeVersion(b)
		if err != nil {
			return
		}
		_, _ = unpackTexts(v.unique)
		for e := (packed{b: v.entries}); e.next(); {
			_ = e.value()
		}
	})
}
