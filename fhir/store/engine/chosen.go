package engine

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Callers may choose the id of what they create, and others may have sent records that refer to that id: before the Patient or the
// Encounter came, or though it never did. Where a fence asks who cares for the patient of a record, whoever made up the
// Patient would answer that himself. So an id that nobody has yet is had by nobody for whom its creation would open what is
// hidden: to him it is as if there were a hidden resource. Ids that were had before are for admit.

// wayMost is how many references are followed up from what is created; policies have two at most.
const wayMost = 4

// claimsNothing refuses puts that would make readable what refers to the id that they choose. What comes to refer to it until the
// commit lands refers to what its sender could have known.
func (e *Engine) claimsNothing(ctx context.Context, p *pending) error {
	if p.fence.Open() || !slices.ContainsFunc(p.writes[:p.puts], p.choosesID) {
		return nil
	}
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	now := e.published.now()
	r := e.run(ctx, now.t)
	defer r.close()
	r.limit(maxWorkOfMatch)
	o := opening{fence: p.fence, before: judge{r: r}, after: judge{r: r, writes: map[fhir.Key]*write{}}}
	for i := range p.writes[:p.puts] {
		w := &p.writes[i]
		w.typ, w.at = r.types.code[w.key.Type], now.at // the sequencer says it anew
		o.after.writes[w.key] = w
	}
	for i := range p.writes[:p.puts] {
		w := &p.writes[i]
		if !p.choosesID(*w) {
			continue
		}
		n, _ := r.newest(w.key)
		opens := n == 0 && o.by(w.key, wayMost)
		if r.err != nil {
			return r.err
		}
		if opens {
			return errDenied(w.key.Type, w.wants())
		}
	}
	return nil
}

// choosesID says whether w may create by an id of the caller's at which references decide what the caller may read.
func (p *pending) choosesID(w write) bool {
	return w.put != nil && !w.ours && w.method != store.MethodCreate && len(p.fence.Ways(w.key.Type)) > 0
}

// opening finds out what would be opened by a commit.
type opening struct {
	fence         store.Fence
	before, after judge
}

// by says whether something that refers to key, or to what does, may be read after the commit and not before.
func (o *opening) by(key fhir.Key, depth int) (opens bool) {
	r := o.before.r
	for _, way := range o.fence.Ways(key.Type) {
		code := r.types.code[way.From]
		if code == 0 || depth == 0 || r.err != nil {
			continue
		}
		var referring []number // a list must not be looked up while another one is read
		r.fail(r.kept.list(r.db, appendValueKey(nil, way.Param, code, search.ReferenceValue(key)), nil, func(n number, events []byte) bool {
			if openAt(events, r.t) {
				referring = append(referring, n)
			}
			return r.tick()
		}))
		for _, n := range referring {
			row, _, there := r.versions().at(n)
			if !there || !row.alive() || !r.tick() {
				continue
			}
			from := r.keyOf(&row)
			if o.after.writes[from] != nil { // which is the caller's to write, or the commit is refused for it
				continue
			}
			if at, there := o.before.current(from); there && (o.opened(at) || o.by(from, depth-1)) {
				return true
			}
		}
	}
	return false
}

func (o *opening) opened(s subject) bool {
	g := o.fence.Grant(s.key.Type, store.ActionRead)
	if g.All || g.None() {
		return false
	}
	return o.after.holds(g.Condition(), s) && !o.before.holds(g.Condition(), s)
}
