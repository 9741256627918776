package interaction

import (
	"fmt"
	"runtime/debug"
)

// guarded runs f, and makes an error of a panic: in a worker it would end the process, while on the request's own
// goroutine whoever serves the request turns it into a reference.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
