package ferretdbtest

import (
	"fmt"
	"strconv"

	"github.com/anishathalye/porcupine"
)

// step is one operation on a register: a resource that holds a number.
type step struct {
	Register string
	Kind     stepKind
	Expect   int // of a compare and set
	Value    int // written
}

type stepKind uint8

const (
	readStep stepKind = iota
	writeStep
	casStep // writes if the value is Expect
)

// seen is how a step ended.
type seen struct {
	Value   int  // read; 0 = the resource is not there
	Done    bool // a write happened, a compare held
	Unknown bool // nobody knows
}

// register is what one resource is held to: each step takes effect at one moment between its call and its answer, whichever
// server it went to. One whose outcome is unknown may have taken effect at any later moment, or never.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, o := range history {
			r := o.Input.(step).Register
			by[r] = append(by[r], o)
		}
		var all [][]porcupine.Operation
		for _, h := range by {
			all = append(all, h)
		}
		return all
	},
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(int), input.(step), output.(seen)
		switch in.Kind {
		case readStep:
			return out.Unknown || out.Value == is, is
		case writeStep:
			return out.Unknown || out.Done, in.Value
		default:
			if is == in.Expect {
				return out.Unknown || out.Done, in.Value
			}
			return out.Unknown || !out.Done, is
		}
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(step), output.(seen)
		end := map[bool]string{true: "?", false: ""}[out.Unknown]
		switch in.Kind {
		case readStep:
			return "read " + strconv.Itoa(out.Value) + end
		case writeStep:
			return "write " + strconv.Itoa(in.Value) + end
		}
		return fmt.Sprintf("%d -> %d: %v%s", in.Expect, in.Value, out.Done, end)
	},
}
