package delivery

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// move is one change of an item, and what goes into the same commit.
type move struct {
	to      State // the state it is in, if only other members change
	edit    func(it *Item, h head)
	attempt *Attempt             // written with the move
	before  []byte               // the attempt's row as it must stand; nil = there must be none
	records []store.Record       // further rows
	docs    []*resource.Document // decisions as FHIR; only written while no newer version of the claim has one
	also    []*resource.Document // further documents, whatever newer versions have
	require []store.Precondition
	// held says that it rests on what the caller saw of the other versions: errAround if they are otherwise by now.
	held bool
}

// errAround says that something around an item changed, and the item itself did not.
var errAround = errors.New("another version of the claim changed")

// move changes an item, all or nothing: its row, its row among the due ones, the attempt, the Task and further documents.
// Each row is demanded to be as it was read (EXACT). An item that is not as row says any more gives Kind Conflict, code
// "delivery-moved"; a transition that the table does not have gives "delivery-transition".
func (o *Outbox) move(ctx context.Context, row Row, m move) (Row, error) {
	if m.to != row.State && !Allowed(row.State, m.to) {
		return row, fhir.Errorf(fhir.Conflict, "delivery-transition", "", string(row.State), string(m.to))
	}
	f, err := o.around(ctx, row)
	if err != nil {
		return row, err
	}
	for {
		it := row.Item
		if m.to != it.State {
			it.State, it.Since, it.Asks, it.Missing, it.Reason, it.Findings = m.to, o.now(), 0, 0, nil, nil
			it.Overdue, it.Heard, it.Checked = nil, 0, false
		}
		if m.edit != nil {
			m.edit(&it, f.head)
		}
		if len(it.Others) > 0 { // it stays in sight whatever else happens
			it.Reason = Because(ReasonSecondEffect)
			if it.MaGiaoDich == "" {
				it.Reason = Because(ReasonLateEffect)
			}
		}
		tells := len(m.docs) > 0 && !f.decidedAfter(it.Version)
		if tells {
			it.Response = nameOf(m.docs[0])
		}
		o.timed(&it)
		next := Row{Item: it, raw: encode(it)}
		w := interaction.WriteSet{
			Require: append([]store.Precondition{
				store.RecordIs{Space: SpaceItems, Key: row.Key().String(), Value: row.raw},
				store.RecordIs{Space: SpaceHeads, Key: string(row.Claim), Value: f.raw},
			}, m.require...),
			Records: itemRecords(&row.Item, next),
		}
		w.Records = append(w.Records, m.records...)
		if m.attempt != nil {
			key := attemptKey(it.Key(), m.attempt.N)
			w.Require = append(w.Require, store.RecordIs{Space: SpaceAttempts, Key: key, Value: m.before})
			w.Records = append(w.Records, store.Record{Space: SpaceAttempts, Key: key, Value: encode(m.attempt)})
		}
		if (f.head.Version == it.Version || it.Sends > 0) && (tells || tellsMore(row.Item, it)) {
			g := f.with(next)
			task, err := o.task(g)
			if err != nil {
				return row, err
			}
			w.Own = append(w.Own, task)
			for _, other := range g.told() {
				if other.Version != it.Version {
					w.Require = append(w.Require, store.RecordIs{Space: SpaceItems, Key: other.Key().String(), Value: other.raw})
				}
			}
		}
		if tells {
			w.Own = append(w.Own, m.docs...)
		}
		w.Docs = append(w.Docs, m.also...)
		_, err = o.service.Apply(ctx, w)
		if err == nil {
			g := f.with(next)
			next.kin = &g
			return next, nil
		}
		if !lease.Changed(err) {
			return row, err
		}
		// Only a change around the item, which others may make at any time, is a reason to try again.
		now, err := o.family(ctx, row.Claim)
		if err != nil {
			return row, err
		}
		if !bytes.Equal(now.of(row.Version).raw, row.raw) || now.same(f) {
			return row, fhir.Errorf(fhir.Conflict, "delivery-moved", "", "Claim/"+string(row.Claim), string(row.State))
		}
		if m.held {
			return row, errAround
		}
		f = now
	}
}

// itemRecords are the row of an item and its row among the due ones, in place of those of old (nil if it is new).
func itemRecords(old *Item, it Row) []store.Record {
	out := []store.Record{{Space: SpaceItems, Key: it.Key().String(), Value: it.raw}}
	var was string
	if old != nil {
		was = old.dueKey()
	}
	is := it.dueKey()
	if was != "" && was != is {
		out = append(out, store.Record{Space: SpaceDue, Key: was})
	}
	if is != "" && was != is {
		out = append(out, store.Record{Space: SpaceDue, Key: is, Value: []byte{'1'}})
	}
	was, is = "", it.clockKey()
	if old != nil {
		was = old.clockKey()
	}
	if was != "" && was != is {
		out = append(out, store.Record{Space: SpaceClocks, Key: was})
	}
	if is != "" && was != is {
		out = append(out, store.Record{Space: SpaceClocks, Key: is, Value: []byte{'1'}})
	}
	var before []Clock
	if old != nil {
		before = old.Overdue
	}
	for _, c := range before {
		if !slices.Contains(it.Overdue, c) {
			out = append(out, store.Record{Space: SpaceOverdue, Key: overdueKey(c, it.Key())})
		}
	}
	for _, c := range it.Overdue {
		if !slices.Contains(before, c) {
			out = append(out, store.Record{Space: SpaceOverdue, Key: overdueKey(c, it.Key()), Value: []byte{'1'}})
		}
	}
	return out
}

// hasMoved says whether err means that an item changed under one's hands.
func hasMoved(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == "delivery-moved"
}

// tellsMore says whether a Task made of b would tell its reader something that one made of a did not.
func tellsMore(a, b Item) bool {
	if a.State != b.State || a.MaGiaoDich != b.MaGiaoDich || len(a.Findings) != len(b.Findings) ||
		(a.Reason == nil) != (b.Reason == nil) || a.Decided != b.Decided || a.Assessment != b.Assessment || a.Payment != b.Payment || len(a.Others) != len(b.Others) || len(a.Overdue) != len(b.Overdue) {
		return true
	}
	if a.Reason != nil && *a.Reason != *b.Reason {
		return true
	}
	for i := range a.Findings {
		if a.Findings[i] != b.Findings[i] {
			return true
		}
	}
	return false
}
