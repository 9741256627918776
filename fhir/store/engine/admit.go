package engine

import (
	"cmp"
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// foresee decides before the queue what the fence says of the new versions by their own entries. Refused is here already
// what could land neither as a new resource nor as a new version.
func (p *pending) foresee() error {
	if p.fence.Open() {
		return nil
	}
	for i := range p.writes {
		w := &p.writes[i]
		if w.put == nil {
			if p.fence.Grant(w.key.Type, store.ActionDelete).None() {
				return errDenied(w.key.Type, store.ActionDelete)
			}
			continue
		}
		if w.ours {
			continue
		}
		w.mayCreate = w.ownGrant(p.fence.Grant(w.key.Type, store.ActionCreate), true)
		w.mayUpdate = w.ownGrant(p.fence.Grant(w.key.Type, store.ActionUpdate), false)
		if w.mayCreate == no && w.mayUpdate == no {
			return errDenied(w.key.Type, w.wants())
		}
	}
	return nil
}

// wants is the action that a put is for, as far as the put itself tells.
func (w *write) wants() store.Action {
	if w.put.MustCreate || w.method == store.MethodCreate {
		return store.ActionCreate
	}
	return store.ActionUpdate
}

// admit holds the writes, which are resolved, to the fence: before anything else is said about them. What cannot be seen is
// not there for a delete. A put over it is refused, and by the same words as one of which the new version is not allowed.
func (s *sequence) admit(p *pending) error {
	if p.fence.Open() {
		return nil
	}
	r := newRun(context.Background(), s.db, s.types, s.head.t)
	defer r.close()
	r.maxWork = maxWorkOfMatch
	a := admission{s: s, r: r, p: p, stored: judge{r: r}}
	for i := range p.writes[p.puts:] { // first, since new versions are judged by what is left
		if err := a.delete(&p.writes[p.puts+i]); err != nil || r.err != nil {
			return cmp.Or(r.err, err)
		}
	}
	for i := range p.writes[:p.puts] {
		if w := &p.writes[i]; !w.ours {
			if err := a.put(w); err != nil || r.err != nil {
				return cmp.Or(r.err, err)
			}
		}
	}
	return nil
}

// admission decides on one commit.
type admission struct {
	s      *sequence
	r      *run
	p      *pending
	stored judge  // of current versions: the state before the commit
	after  *judge // of new versions: the state after it; nil until it is needed
}

func (a *admission) delete(w *write) error {
	if !w.old.alive() {
		return nil
	}
	may := a.current(w, store.ActionDelete)
	if a.current(w, store.ActionRead) {
		if !may {
			return errDenied(w.key.Type, store.ActionDelete)
		}
		return nil
	}
	w.old, w.hidden = state{}, true
	return nil
}

func (a *admission) put(w *write) error {
	if !w.old.alive() {
		if w.old.number != 0 && !a.buried(w) || !a.new(w, w.mayCreate, store.ActionCreate) {
			return errDenied(w.key.Type, w.wants())
		}
		return nil
	}
	if !a.current(w, store.ActionUpdate) || !a.new(w, w.mayUpdate, store.ActionUpdate) {
		return errDenied(w.key.Type, w.wants())
	}
	return nil
}

// buried says whether w may bring back what was deleted, as an update of the last version before that: what refers to it, and what
// is kept under its id, is about that one still.
func (a *admission) buried(w *write) bool {
	g := a.p.fence.Grant(w.key.Type, store.ActionUpdate)
	if g.All || g.None() {
		return g.All
	}
	row, ok := a.r.living(w.old.number, w.old.version)
	return ok && a.stored.holds(g.Condition(), subjectOf(w.key, &row))
}

// current says whether an action is allowed with the version before w, which is alive.
func (a *admission) current(w *write, action store.Action) bool {
	g := a.p.fence.Grant(w.key.Type, action)
	if g.All || g.None() {
		return g.All
	}
	row := versionRow{place: w.old.place, typ: w.typ, id: []byte(w.key.ID), links: packNumbers(w.oldLinks), entries: w.oldValues}
	return a.stored.holds(g.Condition(), subjectOf(w.key, &row))
}

// new says whether an action is allowed with the version that w makes. It sees the other writes of the commit.
func (a *admission) new(w *write, foreseen verdict, action store.Action) bool {
	if foreseen != open {
		return foreseen == yes
	}
	if a.after == nil {
		a.after = &judge{r: a.r, writes: make(map[fhir.Key]*write, len(a.p.writes))}
		for i := range a.p.writes {
			o := &a.p.writes[i]
			if !o.hidden && (o.put != nil || o.old.alive()) {
				a.after.writes[o.key] = o
			}
		}
	}
	return a.after.holds(a.p.fence.Grant(w.key.Type, action).Condition(), w.subject())
}

// setSender makes the entries of a put say on whose behalf the resource was created.
func (w *write) setSender(sender string) {
	if w.sender == sender {
		return
	}
	entries := w.entries
	if w.sender != "" {
		entries = entries[1:] // its number is below those of all parameters of documents
	}
	w.entries, w.sender = withSender(entries, sender), sender
	w.packed = packEntries(make([]byte, 0, len(w.packed)+len(sender)+3), w.entries)
}

// withSender gives entries, which name no sender, with the given one; "" = none.
func withSender(entries []search.Entry, sender string) []search.Entry {
	if sender == "" {
		return entries
	}
	all := make([]search.Entry, 0, len(entries)+1)
	return append(append(all, search.Entry{Param: search.ParamSender, Value: []byte(sender)}), entries...)
}

// senderOf gives the sender that packed entries name, "" if none.
func senderOf(entries []byte) string {
	for e := (packed{b: entries}); e.next() && e.param <= search.ParamSender; {
		if e.param == search.ParamSender {
			return string(e.value())
		}
	}
	return ""
}
