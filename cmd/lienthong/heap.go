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

// keepHeapFloor lets a small heap grow to the floor, and leaves a large one at the setting of the runtime, collecting when
// it has doubled: an import must stay within the memory limit. GOGC, if set, goes before it.
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

// percentFor is the GOGC with which a heap of which live bytes are alive is collected at the floor, in steps of ten, since
// setting it stops the world.
func (k *heapKeeper) percentFor(live uint64) int {
	if live == 0 || live >= k.floor {
		return usualPercent
	}
	return max(usualPercent, int(min((k.floor-live)*100/live, 2000))/10*10)
}
