package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heapFloor is how large the heap may grow in any case before garbage is collected, if the memory limit is at least four
// times that. A server with little in its caches would collect for each 15 MiB of requests, which is a tenth of its work.
const heapFloor = 96 << 20

// heapRoom is how much more than is alive a heap may have before garbage is collected, or half as much as is alive if that is more: of
// an import as of a server with large caches, which are no garbage and cost nothing to look at.
const heapRoom = 128 << 20

// keepHeapFloor lets a small heap grow to the floor, one of up to heapRoom to its double, as the runtime does, and a larger one to heapRoom
// more. GOGC, if set, goes before it.
var keepHeapFloor = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		(&heapKeeper{floor: uint64(min(heapFloor, debug.SetMemoryLimit(-1)/4)), percent: usualPercent}).collected(nil)
	}
})

// usualPercent is the runtime's own GOGC.
const usualPercent = 100

// heapKeeper sets GOGC after each collection, by what was alive then.
type heapKeeper struct {
	floor   uint64
	percent int
}

// collected is called after each collection, by the runtime when it has found its argument to be garbage.
func (k *heapKeeper) collected(*byte) {
	live := [1]metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live[:])
	if p := k.percentFor(live[0].Value.Uint64()); p != k.percent {
		k.percent = p
		debug.SetGCPercent(p)
	}
	runtime.AddCleanup(new([32]byte), k.collected, nil) // so large that it is no part of something that lives longer
}

// percentFor is the GOGC for a heap of which live bytes are alive, in steps of ten, since setting it stops the world.
func (k *heapKeeper) percentFor(live uint64) int {
	switch {
	case live == 0:
		return usualPercent
	case live < k.floor:
		return max(usualPercent, int(min((k.floor-live)*100/live, 2000))/10*10)
	}
	return int(min(usualPercent, max(usualPercent/2, heapRoom*100/live))) / 10 * 10
}
