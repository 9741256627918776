package bhxh

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/scheduler"
)

// Send is the job that sends what is due, facility by facility, but for facilities with a job of their own. Its error names
// what kept facilities from being served; their items stay queued.
func (s *Sync) Send(ctx context.Context, slot scheduler.Slot) error {
	if _, err := s.Outbox.Lost(ctx); err != nil {
		return err
	}
	return s.each(ctx, delivery.ToSend, func(ctx context.Context, facility string) error {
		if _, planned := s.Plans[facility]; planned {
			return nil
		}
		return s.sendFacility(ctx, slot, facility)
	})
}

// sendOne is the job of a facility with a plan.
func (s *Sync) sendOne(ctx context.Context, slot scheduler.Slot, facility string) error {
	if _, err := s.Outbox.Lost(ctx); err != nil {
		return err
	}
	return s.sendFacility(ctx, slot, facility)
}

// each does work for all facilities that have it due, some at a time. One facility's trouble does not stop the others.
func (s *Sync) each(ctx context.Context, w delivery.Work, do func(context.Context, string) error) error {
	facilities, err := s.Outbox.Facilities(ctx, w)
	if err != nil {
		return err
	}
	errs := make([]error, len(facilities))
	var g errgroup.Group
	g.SetLimit(s.Facilities)
	for i, f := range facilities {
		g.Go(func() error {
			if err := do(ctx, f); err != nil {
				errs[i] = fmt.Errorf("facility %s: %w", f, err)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return none
	return errors.Join(errs...)
}

// sendFacility sends the due items of a facility in batches, until none is due or the portal cannot be reached.
func (s *Sync) sendFacility(ctx context.Context, slot scheduler.Slot, facility string) error {
	client := s.client(facility)
	var refused error // the log-in; it is told once for each time that it was tried
	var last progress
	for ctx.Err() == nil {
		due, err := s.Outbox.Due(ctx, delivery.ToSend, facility, s.Batch)
		if err != nil || len(due) == 0 || last.stands(due) {
			return errors.Join(refused, err)
		}
		if client == nil {
			if err := s.postpone(ctx, due, delivery.ReasonNoAccount); err != nil {
				return err
			}
			continue
		}
		if _, err := call(ctx, s, client, func() (struct{}, error) { return struct{}{}, client.Login(ctx) }); err != nil {
			if !loginRefused(err) {
				return err
			}
			if !loginWaits(err) {
				refused = err
			}
			until := max(client.NotBefore().Sub(s.Now()), time.Second)
			if err := s.postponeBy(ctx, due, until, delivery.ReasonLoginRefused); err != nil {
				return err
			}
			continue
		}
		if err := s.sendBatch(ctx, slot, client, due); err != nil {
			return err
		}
		if len(due) < s.Batch {
			return nil
		}
	}
	return errors.Join(refused, ctx.Err())
}

// progress ends a facility's rounds when the same items come again: what is done about an item moves it, or its time.
type progress struct {
	key delivery.Key
	due fhir.Instant
}

func (p *progress) stands(due []delivery.Row) bool {
	was := *p
	*p = progress{due[0].Key(), due[0].Due}
	return *p == was
}

// loginRefused says whether the portal does not accept the account; loginWaits, whether it was not even asked again.
func loginRefused(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Code == "bhxh-login-refused" || e.Code == "bhxh-login-waits")
}

func loginWaits(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == "bhxh-login-waits"
}

// sendBatch sends items of one facility, some at a time. After the first that could not leave the house the others wait.
func (s *Sync) sendBatch(ctx context.Context, slot scheduler.Slot, client *gateway.Client, due []delivery.Row) error {
	t, err := s.Store.Head(ctx)
	if err != nil {
		return err
	}
	records := &shared{asOf: asOf{s.Store, t}}
	var unreachable atomic.Bool
	err = together(s.concurrency(due[0].Facility), func(row delivery.Row) error {
		if ctx.Err() != nil || unreachable.Load() {
			return nil
		}
		left, err := s.send(ctx, slot, client, row, records)
		if !left {
			unreachable.Store(true)
		}
		return err
	}, due...)
	if err == nil && unreachable.Load() {
		err = fhir.Errorf(fhir.Unavailable, "bhxh-gateway-unreachable", "")
	}
	return err
}

// send takes one item as far as it goes; left is false if it was to be sent and could not leave the house.
func (s *Sync) send(ctx context.Context, slot scheduler.Slot, client *gateway.Client, row delivery.Row, records mapping.Reader) (left bool, err error) {
	p, err := s.prepare(ctx, row.Item, records)
	if err != nil {
		s.Log.ErrorContext(ctx, "claim not mapped", "item", row.Key().String(), "error", err)
		return true, s.postpone(ctx, []delivery.Row{row}, delivery.ReasonUnreadable)
	}
	if p.held != nil {
		_, err := s.Outbox.Hold(ctx, row, p.held)
		return true, moved(err)
	}
	if row.State == delivery.Held {
		if row, err = s.Outbox.Release(ctx, row); err != nil {
			return true, moved(err)
		}
	}
	if err := s.paced(ctx, row.Facility); err != nil {
		return true, err
	}
	if row.Doubt {
		if there, err := s.turnedUp(ctx, client, row); there || err != nil {
			return !rests(err), moved(err)
		}
	}
	leave, err := s.gate.enter(ctx, client)
	if err != nil {
		return false, err
	}
	d, err := s.Outbox.Begin(ctx, row, slot, p.file.Raw, s.timeout(client))
	if err != nil || d == nil {
		leave(errNoCall)
		return true, moved(err)
	}
	out := s.dispatch(ctx, client, d, p.file)
	leave(fault(out))
	r := result(out)
	if r.Docs, err = s.decision(p.claimed, row.Item, out); err != nil {
		return true, err // the item stays in sending and becomes unknown: what happened is not lost, only late
	}
	if _, err := s.Outbox.Finish(ctx, d, r); err != nil {
		return true, err
	}
	if r.State == delivery.Accepted {
		s.remembered.keep(row.Key(), p.claimed)
	}
	if out.Err != nil {
		s.Log.WarnContext(ctx, "claim sent without a result", "item", row.Key().String(), "state", r.State, "error", out.Err)
	} else {
		s.Log.InfoContext(ctx, "claim sent", "item", row.Key().String(), "state", r.State, "took", out.EndedAt.Sub(out.SentAt))
	}
	return r.State != delivery.Queued, nil
}

// dispatch sends the file, at the latest until the deadline that is on record. When the server stops, a file that is under
// way gets a little time to be answered; without an answer it is unknown.
func (s *Sync) dispatch(ctx context.Context, client *gateway.Client, d *delivery.Dispatch, f gateway.File) gateway.Outcome {
	left := d.Deadline().Sub(s.Now())
	if left <= 0 || ctx.Err() != nil {
		now := s.Now()
		return gateway.Outcome{State: gateway.NotSent, SentAt: now, EndedAt: now, Err: context.DeadlineExceeded}
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		grace := time.AfterFunc(stopGrace, cancel)
		context.AfterFunc(sending, func() { grace.Stop() })
	})
	defer stop()
	f.Until = d.Deadline()
	return client.Send(sending, f)
}

// result says what the outcome of a call means for the item.
func result(out gateway.Outcome) delivery.Result {
	r := delivery.Result{State: delivery.Unknown, MaGiaoDich: out.MaGiaoDich, HTTPStatus: out.HTTPStatus,
		MaKetQua: string(out.Code), ReplySHA256: out.ReplySHA256, Reply: out.Reply, Text: out.Text}
	switch out.State {
	case gateway.Accepted:
		r.State = delivery.Accepted
	case gateway.Refused:
		r.State, r.Reason = delivery.Rejected, refusal(out.Code, out.Text)
	case gateway.NotSent:
		r.State = delivery.Queued
		switch {
		case out.Code == wire.NotLoggedIn:
			r.Reason = delivery.Because(delivery.ReasonNotLoggedIn)
		case loginRefused(out.Err):
			r.Reason = delivery.Because(delivery.ReasonLoginRefused)
		}
	}
	return r
}

// refusal is the portal's reason: its own words, else the published meaning of its code.
func refusal(code wire.MaKetQua, text string) *delivery.Reason {
	vi, en := code.Meaning()
	if text != "" {
		vi = text
	}
	return &delivery.Reason{Code: string(code), VI: vi, EN: en}
}

func (s *Sync) timeout(c *gateway.Client) time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return c.Timeout()
}

// postpone leaves items in their state for a while, with a reason.
func (s *Sync) postpone(ctx context.Context, rows []delivery.Row, reason string) error {
	return s.postponeBy(ctx, rows, s.Outbox.Retry.Max, reason)
}

func (s *Sync) postponeBy(ctx context.Context, rows []delivery.Row, by time.Duration, reason string) error {
	for _, row := range rows {
		if _, err := s.Outbox.Postpone(ctx, row, by, delivery.Because(reason)); moved(err) != nil {
			return err
		}
	}
	return nil
}

// moved drops the error that says an item went on without us, such as by a new version of its claim.
func moved(err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "delivery-moved" {
		return nil
	}
	return err
}
