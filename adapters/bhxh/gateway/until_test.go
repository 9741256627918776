package gateway_test

import (
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
)

// A process that stood still past the deadline of its attempt sends nothing when it wakes up.
func TestNothingLeavesAfterItsTime(t *testing.T) {
	for _, c := range []struct {
		left time.Duration
		want gateway.State
		n    int
	}{{time.Hour, gateway.Accepted, 1}, {0, gateway.Unknown, 0}, {-time.Hour, gateway.Unknown, 0}} {
		p := start(t, 0)
		out := p.client.Send(t.Context(), gateway.File{MaCSKCB: "51901", Raw: file("LK1").Raw, Until: p.now().Add(c.left)})
		if n := effects(p.mock); out.State != c.want || n != c.n {
			t.Errorf("%s before the end: %s with %d effects, %v", c.left, out.State, n, out.Err)
		}
	}
}
