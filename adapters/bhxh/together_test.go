package bhxh

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

func TestTogetherDoesAllOfThemOnceAndGivesTheFirstError(t *testing.T) {
	for _, n := range []int{1, 4, 50} {
		var all []int
		for i := range 20 {
			all = append(all, i)
		}
		var running, most atomic.Int64
		var mu sync.Mutex
		done := map[int]int{}
		bad := errors.New("3")
		err := together(n, func(i int) error {
			if r := running.Add(1); r > most.Load() {
				most.Store(r)
			}
			defer running.Add(-1)
			mu.Lock()
			defer mu.Unlock()
			if done[i]++; i == 3 {
				return bad
			}
			return nil
		}, all...)
		if !errors.Is(err, bad) || len(done) != len(all) || done[7] != 1 || most.Load() > int64(n) {
			t.Error(n, err, fmt.Sprint(done), most.Load())
		}
		if err := together(n, func(int) error { return nil }); err != nil {
			t.Error("nothing to do:", err)
		}
	}
}
