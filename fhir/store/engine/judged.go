package engine

import (
	"slices"
	"sync/atomic"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
)

// judged is what a judgement on the newest version of a resource came to, with all that it was made of, so that whoever reads the version
// again need not make it again (FENCED). It stands as long as
//
//	the rows and lists that were looked up for it have not changed: each that a batch changes gets another stamp (kept.go)
//	what terms with a function of their own said is what they say now: they may look at the clock, so they are asked each time
//	no type has come, since of one that nobody had stored nothing was looked up
//
// The versions that they name do not change; where the builder changes rows of them, all judgements are forgotten with what was read
// (recent.go). A judgement that depends on anything else, or on a commit that was not published when it was made, is not kept.
type judged struct {
	holds bool
	t     fhir.T // the head that it was made as of: who came with an older one makes it again
	types *types
	rows  []stamped
	said  []said
}

// stamped is a row or a list, by its stamp from before it was looked up.
type stamped struct {
	is  *atomic.Uint64
	was uint64
}

// said is what a term's function said of a value, which is a part of a version's row and never changes.
type said struct {
	accept func(value []byte) bool
	value  []byte
	yes    bool
}

// stands says whether the judgement would be the same as of now, the head.
func (j *judged) stands(ts *types, now fhir.T) bool {
	if j == nil || j.types != ts || now < j.t {
		return false
	}
	for i := range j.rows {
		if j.rows[i].is.Load() != j.rows[i].was {
			return false
		}
	}
	for i := range j.said {
		if s := &j.said[i]; s.accept(s.value) != s.yes {
			return false
		}
	}
	return true
}

// noted gathers what a judgement is made of. A nil noted does not.
type noted struct {
	rows []stamped
	said []said
	lost bool // it depends on more
}

// notedMost bounds what is kept of one judgement: rows, and values that functions of terms were asked about.
const notedMost = 16

// stamp notes a row or a list that is looked up.
func (n *noted) stamp(is *atomic.Uint64) {
	if n == nil || n.lost || slices.ContainsFunc(n.rows, func(s stamped) bool { return s.is == is }) {
		return
	}
	if n.lost = len(n.rows) == notedMost; !n.lost {
		n.rows = append(n.rows, stamped{is, is.Load()})
	}
}

// asked notes what the function of a term said.
func (n *noted) asked(t *search.Term, value []byte, yes bool) {
	if n == nil || n.lost {
		return
	}
	if n.lost = len(n.said) == notedMost; !n.lost {
		n.said = append(n.said, said{t.Accept, value, yes})
	}
}

// lose says that the judgement depends on what is not noted.
func (n *noted) lose() {
	if n != nil {
		n.lost = true
	}
}

// judgement gives what is to be kept; nil if it must not be.
func (n *noted) judgement(holds bool, r *run) *judged {
	if n.lost || r.err != nil {
		return nil
	}
	return &judged{holds: holds, t: r.t, types: r.types, rows: slices.Clone(n.rows), said: slices.Clone(n.said)}
}

// reset lets go of all that was noted, and keeps the memory.
func (n *noted) reset() {
	clear(n.rows)
	clear(n.said)
	n.rows, n.said, n.lost = n.rows[:0], n.said[:0], false
}
