package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// recordTimeout bounds the commit that records what became of an attempt, which happens also while the server stops.
const recordTimeout = 10 * time.Second

// Dispatch is an attempt that is recorded and may now be made; it must end with Finish.
type Dispatch struct {
	Row
	attempt Attempt
	raw     []byte // the attempt's row
}

// Deadline is when the sender gives up at the latest.
func (s *Dispatch) Deadline() time.Time { return s.attempt.Deadline.Time() }

// Hold records that our own check of the file found faults, so that it is not sent. An item that is held already only
// changes when the faults do; either way it is looked at again after Config.Recheck.
func (o *Outbox) Hold(ctx context.Context, row Row, findings []Reason) (Row, error) {
	if len(findings) > maxFindings {
		findings = findings[:maxFindings]
	}
	return o.move(ctx, row, move{to: Held, edit: func(it *Item, _ head) {
		it.Due, it.Findings, it.Reason = o.in(o.Recheck), findings, nil
		if len(findings) > 0 {
			first := findings[0]
			it.Reason = &first
		}
	}})
}

// Release puts a held item back among those to be sent, because it was checked again without a fault.
func (o *Outbox) Release(ctx context.Context, row Row) (Row, error) {
	return o.move(ctx, row, move{to: Queued, edit: func(it *Item, _ head) { it.Due = o.now() }})
}

// Postpone leaves an item in its state until later, with the reason.
func (o *Outbox) Postpone(ctx context.Context, row Row, by time.Duration, why *Reason) (Row, error) {
	return o.move(ctx, row, move{to: row.State, edit: func(it *Item, _ head) { it.Due, it.Reason = o.in(by), why }})
}

// Begin records an attempt to send file and the state sending; when it returns both are on disk, and only then a byte may
// leave. The commit is fenced by the lease of the slot. It gives no Dispatch and no error when the item is not to be sent
// now: an earlier version of the claim is sending or unknown (then it waits), or the version is not wanted any more.
func (o *Outbox) Begin(ctx context.Context, row Row, slot scheduler.Slot, file []byte, timeout time.Duration) (*Dispatch, error) {
	for {
		s, err := o.begin(ctx, row, slot, file, timeout)
		if !errors.Is(err, errAround) {
			return s, err
		}
		row.kin = nil
	}
}

// begin is Begin by what is known of the other versions: errAround if that is outdated.
func (o *Outbox) begin(ctx context.Context, row Row, slot scheduler.Slot, file []byte, timeout time.Duration) (*Dispatch, error) {
	f, err := o.around(ctx, row)
	if err != nil {
		return nil, err
	}
	row.kin = &f
	if why := unwanted(row.Item, f.head); why != "" {
		_, err := o.move(ctx, row, move{to: Withdrawn, edit: withdraw(why)})
		return nil, err
	}
	if f.openBefore(row.Version) {
		_, err := o.Postpone(ctx, row, o.Retry.First, Because(ReasonEarlier))
		return nil, err
	}
	sum := sha256.Sum256(file)
	now := o.now()
	at := Attempt{N: row.Sends + 1, Slot: fhir.InstantOf(slot.At).String(), Lease: slot.Lease.Name, Token: slot.Lease.Token,
		Holder: slot.Lease.Holder, Started: now, Deadline: o.in(timeout), SHA256: hex.EncodeToString(sum[:]), Bytes: len(file)}
	next, err := o.move(ctx, row, move{to: Sending, held: true, attempt: &at, records: o.body(row.Key(), at.N, Request, file), require: []store.Precondition{slot.Lease.Fence()}, edit: func(it *Item, _ head) {
		it.Sends, it.Lease, it.Token, it.Closed = at.N, at.Lease, at.Token, at.Deadline
		it.Due = at.Deadline // only its place in the index; Lost looks at all
	}})
	if err != nil {
		return nil, err
	}
	return &Dispatch{Row: next, attempt: at, raw: encode(at)}, nil
}

// Result is what an attempt brought, as far as it can be trusted.
type Result struct {
	// State is Accepted, Rejected, Unknown, or Queued when it is certain that nothing reached the other side.
	State       State
	MaGiaoDich  string // required for Accepted
	Reason      *Reason
	HTTPStatus  int
	MaKetQua    string
	ReplySHA256 string
	Text        string
	Reply       []byte
	Docs        []*resource.Document // the decision as FHIR, such as a ClaimResponse
}

// Finish records what an attempt brought. It also does so while the server stops. When the item has meanwhile been given up
// as unknown, the result is kept with the attempt as evidence, and the item is left to a status query. A receipt number that
// another file got proves nothing: the item is then unknown.
func (o *Outbox) Finish(ctx context.Context, s *Dispatch, r Result) (Row, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if r.State == Accepted && r.MaGiaoDich == "" {
		r.State = Unknown // acceptance without a receipt proves nothing
	}
	var known []store.Precondition
	var got []store.Record
	if r.State == Accepted {
		var other *receipt
		var err error
		if known, got, other, err = o.claimReceipt(ctx, r.MaGiaoDich, s.attempt.SHA256, s.Key()); err != nil {
			return s.Row, err
		}
		if other != nil {
			known, got = nil, nil
			r.State, r.Reason, r.Docs = Unknown, Because(ReasonOtherReceipt), nil
		}
	}
	at := s.attempt
	at.Ended, at.Outcome, at.HTTPStatus, at.MaKetQua = o.now(), r.State, r.HTTPStatus, r.MaKetQua
	at.MaGiaoDich, at.ReplySHA256, at.Text = r.MaGiaoDich, r.ReplySHA256, clip(r.Text)
	next, err := o.move(ctx, s.Row, move{to: r.State, attempt: &at, before: s.raw, require: known, records: append(got, o.body(s.Key(), at.N, Reply, r.Reply)...), docs: r.Docs, edit: func(it *Item, h head) {
		it.Closed, it.Due, it.Reason = at.Ended, 0, r.Reason
		switch r.State {
		case Accepted:
			it.MaGiaoDich, it.Due = r.MaGiaoDich, o.in(o.AskEvery)
			if h.Off != "" {
				it.Reason = Because(ReasonAfterwards)
			}
		case Unknown:
			it.Due = o.soon(it.Closed+fhir.Instant(o.Settle.Milliseconds()), 1)
			if it.Reason == nil {
				it.Reason = Because(ReasonNoReply)
			}
		case Queued:
			it.Due = o.in(o.Retry.wait(it.Sends))
			if it.Reason == nil {
				it.Reason = Because(ReasonNotSent)
			}
		}
	}})
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "delivery-moved" {
		return next, err
	}
	if err := o.late(ctx, s, at, r.Reply); err != nil || r.State != Accepted {
		return s.Row, err
	}
	_, err = o.Observe(ctx, s.Claim, []Taken{{PB: s.PB, MaGiaoDich: at.MaGiaoDich}})
	return s.Row, err
}

// late keeps an outcome that came after the item had been given up.
func (o *Outbox) late(ctx context.Context, s *Dispatch, at Attempt, reply []byte) error {
	key := attemptKey(s.Key(), at.N)
	for range 2 { // given up and completed at the same moment
		var stands Attempt
		raw, err := o.readRow(ctx, SpaceAttempts, key, &stands)
		if err != nil {
			return err
		}
		at.Late = true
		_, err = o.store.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: SpaceAttempts, Key: key, Value: raw}},
			Records: append(o.body(s.Key(), at.N, Reply, reply), store.Record{Space: SpaceAttempts, Key: key, Value: encode(at)}),
		})
		if !lease.Changed(err) {
			return err
		}
	}
	return fhir.Errorf(fhir.Conflict, "delivery-moved", "", "Claim/"+string(s.Claim), string(s.State))
}

// Lost makes unknown what was being sent by a process that is gone: the lease of the attempt is over, or the attempt is
// long past its deadline. It gives the number of items.
func (o *Outbox) Lost(ctx context.Context) (int, error) {
	rows, err := o.rows(ctx, string(InSend)+"/", string(InSend)+"0", 0)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, row := range rows {
		lives, err := lease.Lives(ctx, o.store, row.Lease, row.Token, o.Now())
		if err != nil {
			return n, err
		}
		if lives && o.now() < row.Closed+fhir.Instant(o.Settle.Milliseconds()) {
			continue
		}
		var at Attempt
		raw, err := o.readRow(ctx, SpaceAttempts, attemptKey(row.Key(), row.Sends), &at)
		if err != nil {
			return n, err
		}
		at.Ended, at.Outcome = o.now(), Unknown
		_, err = o.move(ctx, row, move{to: Unknown, attempt: &at, before: raw, edit: func(it *Item, _ head) {
			it.Due = o.soon(it.Closed+fhir.Instant(o.Settle.Milliseconds()), 1)
			it.Reason = Because(ReasonStopped)
		}})
		if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "delivery-moved" {
			continue // it ended after all
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// unwanted gives the reason why an item should not be sent any more, "" if it should.
func unwanted(it Item, h head) string {
	if h.Version != it.Version {
		return ReasonSuperseded
	}
	return h.Off
}

func withdraw(why string) func(*Item, head) {
	return func(it *Item, _ head) { it.Due, it.Reason = 0, Because(why) }
}

// clip bounds foreign text in our rows.
func clip(s string) string {
	if len(s) > 500 {
		return s[:500] + "…"
	}
	return s
}
