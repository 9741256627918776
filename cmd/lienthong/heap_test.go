package main

import "testing"

func TestHeapFloor(t *testing.T) {
	k := heapKeeper{floor: 96 << 20, percent: usualPercent}
	for _, c := range []struct {
		live    uint64
		percent int
	}{
		{0, 100},            // nothing was collected yet
		{1 << 20, 2000},     // bounded: the heap may be about to grow fast
		{16 << 20, 500},     // collected at 96
		{32 << 20, 200},     //
		{33 << 20, 190},     // never beyond the floor
		{48 << 20, 100},     // doubling gets there
		{95 << 20, 100},     //
		{128 << 20, 100},    //
		{160 << 20, 80},     // an import: 128 more
		{200 << 20, 60},     //
		{1 << 30, 50},       // half as much as is alive
		{1<<64 - 1<<20, 50}, // no overflow
	} {
		got := k.percentFor(c.live)
		if got != c.percent {
			t.Errorf("%d MiB are alive: GOGC=%d, not %d", c.live>>20, got, c.percent)
		}
		if got > usualPercent && c.live+c.live*uint64(got)/100 > k.floor {
			t.Errorf("%d MiB are alive: GOGC=%d lets the heap grow beyond the floor", c.live>>20, got)
		}
	}
}
