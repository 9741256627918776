package delivery

import (
	"bytes"
	"context"

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
	docs    []*resource.Document // decisions as FHIR; only written while the item is the newest of its claim
	require []store.Precondition
}

// move changes an item, all or nothing: its row, its row among the due ones, the attempt, the Task and further documents.
// Each row is demanded to be as it was read (EXACT). An item that is not as row says any more gives Kind Conflict, code
// "delivery-moved"; a transition that the table does not have gives "delivery-transition".
func (o *Outbox) move(ctx context.Context, row Row, m move) (Row, error) {
	if m.to != row.State && !Allowed(row.State, m.to) {
		return row, fhir.Errorf(fhir.Conflict, "delivery-transition", "", string(row.State), string(m.to))
	}
	for {
		var h head
		headRaw, err := o.readRow(ctx, SpaceHeads, string(row.Claim), &h)
		if err != nil {
			return row, err
		}
		it := row.Item
		if m.to != it.State {
			it.State, it.Since, it.Asks, it.Reason, it.Findings = m.to, o.now(), 0, nil, nil
		}
		if m.edit != nil {
			m.edit(&it, h)
		}
		if len(m.docs) > 0 && h.Version == it.Version {
			it.Response = nameOf(m.docs[0])
		}
		next := Row{Item: it, raw: encode(it)}
		w := interaction.WriteSet{
			Require: append([]store.Precondition{
				store.RecordIs{Space: SpaceItems, Key: row.Key().String(), Value: row.raw},
				store.RecordIs{Space: SpaceHeads, Key: string(row.Claim), Value: headRaw},
			}, m.require...),
			Records: itemRecords(&row.Item, next),
		}
		if m.attempt != nil {
			key := attemptKey(it.Key(), m.attempt.N)
			w.Require = append(w.Require, store.RecordIs{Space: SpaceAttempts, Key: key, Value: m.before})
			w.Records = append(w.Records, store.Record{Space: SpaceAttempts, Key: key, Value: encode(m.attempt)})
		}
		if h.Version == it.Version && tellsMore(row.Item, it) {
			task, err := o.task(it)
			if err != nil {
				return row, err
			}
			w.Docs = append(w.Docs, task)
		}
		if h.Version == it.Version {
			w.Docs = append(w.Docs, m.docs...)
		}
		_, err = o.service.Apply(ctx, w)
		if err == nil {
			return next, nil
		}
		if !lease.Changed(err) {
			return row, err
		}
		// Only a change of the head, which others may make at any time, is a reason to try again.
		now, err := o.Load(ctx, row.Key())
		if err != nil {
			return row, err
		}
		raw, _, err := o.store.Record(ctx, SpaceHeads, string(row.Claim))
		if err != nil {
			return row, err
		}
		if !bytes.Equal(now.raw, row.raw) || bytes.Equal(raw, headRaw) {
			return row, fhir.Errorf(fhir.Conflict, "delivery-moved", "", "Claim/"+string(row.Claim), string(row.State))
		}
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
	return out
}

// tellsMore says whether a Task made of b would tell its reader something that one made of a did not.
func tellsMore(a, b Item) bool {
	if a.State != b.State || a.MaGiaoDich != b.MaGiaoDich || len(a.Findings) != len(b.Findings) ||
		(a.Reason == nil) != (b.Reason == nil) || a.Decided != b.Decided {
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
