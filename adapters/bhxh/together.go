package bhxh

import (
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// together does something for each of what is given, at most n at a time, also after an error, and gives the first error. It has
// n goroutines for all, since the stack of a new one would have to grow again for each claim.
func together[T any](n int, do func(T) error, all ...T) error {
	var g errgroup.Group
	var next atomic.Int64
	for range min(n, len(all)) {
		g.Go(func() (first error) {
			for i := next.Add(1) - 1; int(i) < len(all); i = next.Add(1) - 1 {
				if err := do(all[i]); first == nil {
					first = err
				}
			}
			return first
		})
	}
	return g.Wait()
}
