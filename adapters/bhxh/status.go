package bhxh

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/scheduler"
)

// Ask is the job that asks what became of unknown items, and fetches the results of accepted ones.
func (s *Sync) Ask(ctx context.Context, _ scheduler.Slot) error {
	if _, err := s.Outbox.Lost(ctx); err != nil {
		return err
	}
	return s.each(ctx, delivery.ToAsk, s.askFacility)
}

// askFacility asks about the due items of a facility in batches.
func (s *Sync) askFacility(ctx context.Context, facility string) error {
	client := s.client(facility)
	limit := min(s.Batch, wire.MaxMaLK)
	var last progress
	for ctx.Err() == nil {
		due, err := s.Outbox.Due(ctx, delivery.ToAsk, facility, limit)
		if err != nil || len(due) == 0 || last.stands(due) {
			return err
		}
		if client == nil {
			if err := s.postpone(ctx, due, delivery.ReasonNoAccount); err != nil {
				return err
			}
			continue
		}
		if err := s.askBatch(ctx, client, facility, due); err != nil {
			return err
		}
		if len(due) < limit {
			return nil
		}
	}
	return ctx.Err()
}

// askBatch asks about some items in one query and tells the outbox what it learned of each.
func (s *Sync) askBatch(ctx context.Context, client *gateway.Client, facility string, due []delivery.Row) error {
	q := gateway.Query{MaCSKCB: facility}
	seen := map[string]bool{}
	for _, row := range due {
		if !seen[row.Episode] { // several versions of one episode may be open
			seen[row.Episode] = true
			q.MaLK = append(q.MaLK, row.Episode)
		}
	}
	var asked fhir.Instant
	records, err := call(ctx, s, client, func() ([]wire.HoSo, error) {
		asked = fhir.InstantOf(s.Now()) // of the query that is answered: an earlier one proves less
		return client.Status(ctx, q)
	})
	if rests(err) {
		return err // nobody was asked
	}
	if err != nil {
		for _, row := range due {
			if _, e := s.Outbox.Unanswered(ctx, row); moved(e) != nil {
				return errors.Join(err, e)
			}
		}
		if loginWaits(err) {
			return nil // told when it was refused
		}
		return err
	}
	of := map[string][]wire.HoSo{}
	for _, r := range records {
		of[r.MaLK] = append(of[r.MaLK], r)
	}
	// Each item is a commit: together they share a sync.
	return together(4*s.concurrency(facility), func(rows []delivery.Row) error {
		for _, row := range rows {
			next, err := s.learn(ctx, row, of[row.Episode], asked)
			if moved(err) != nil {
				return err
			}
			if err := s.observe(ctx, next, of[row.Episode]); moved(err) != nil {
				return err
			}
		}
		return nil
	}, byClaim(due)...)
}

// byClaim keeps the versions of a claim together: their moves look at one another.
func byClaim(rows []delivery.Row) [][]delivery.Row {
	m := map[fhir.ID][]delivery.Row{}
	for _, row := range rows {
		m[row.Claim] = append(m[row.Claim], row)
	}
	return slices.Collect(maps.Values(m))
}

// observe holds all that the portal has of an episode against all versions of the claim. A receipt too many is an event for
// the operator each time a new one is seen.
func (s *Sync) observe(ctx context.Context, row delivery.Row, records []wire.HoSo) error {
	var taken []delivery.Taken
	for _, r := range records {
		if r.TiepNhan && (r.PhienBan != row.PB || r.MaGiaoDich != row.MaGiaoDich) {
			taken = append(taken, delivery.Taken{PB: r.PhienBan, MaGiaoDich: r.MaGiaoDich})
		}
	}
	if len(taken) == 0 {
		return nil // but what the item has itself
	}
	marked, err := s.Outbox.Observe(ctx, row.Claim, taken)
	for _, m := range marked {
		s.Log.ErrorContext(ctx, "the portal has more than one effect of a claim version", "item", m.Key().String(), "state", m.State,
			"reason", m.Reason.Code, "maGiaoDich", m.MaGiaoDich, "others", m.Others)
	}
	return err
}

// turnedUp asks about an item that is to be sent again, since it was said not to be received: what is there after all is
// not sent again, it becomes unknown and is asked about as such.
func (s *Sync) turnedUp(ctx context.Context, client *gateway.Client, row delivery.Row) (bool, error) {
	records, err := call(ctx, s, client, func() ([]wire.HoSo, error) {
		return client.Status(ctx, gateway.Query{MaCSKCB: row.Facility, MaLK: []string{row.Episode}})
	})
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if r.TiepNhan && r.PhienBan == row.PB {
			_, err := s.Outbox.Reopen(ctx, row)
			return true, err
		}
	}
	return false, nil
}

// learn tells the outbox what the records of an episode say about one of its versions, and gives the item as it is then.
func (s *Sync) learn(ctx context.Context, row delivery.Row, records []wire.HoSo, asked fhir.Instant) (delivery.Row, error) {
	if len(records) == 0 { // silence about an episode is no answer
		return s.Outbox.Unanswered(ctx, row)
	}
	a := delivery.Answer{Asked: asked}
	for _, r := range records {
		if !r.TiepNhan || r.PhienBan != row.PB {
			continue
		}
		a.Received, a.MaGiaoDich, a.SHA256, a.Verdict = true, r.MaGiaoDich, r.SHA256, delivery.Pending
		a.Checked = r.TrangThai != wire.DaTiepNhan
		switch r.TrangThai {
		case wire.LoiDinhDang:
			a.Verdict, a.Reason = delivery.Refused, formatErrors(r.Loi)
		case wire.DaGiamDinh:
			a.Verdict, a.Assessment = delivery.Decided, Granted(r)
		}
		if row.State == delivery.Unknown || row.State == delivery.Accepted && a.Verdict != delivery.Pending {
			claim, err := s.claimed(ctx, row.Item)
			if err != nil {
				return row, err
			}
			if a.Docs, err = parsed(mapping.ClaimResponse(s.assessment(claim, row.Item, r))); err != nil {
				return row, err
			}
		}
	}
	next, err := s.Outbox.Learn(ctx, row, a)
	if err == nil && next.State != row.State {
		s.Log.InfoContext(ctx, "claim followed up", "item", row.Key().String(), "from", row.State, "state", next.State)
	}
	return next, err
}

// formatErrors is the first of the portal's format errors, with the number of the others.
func formatErrors(l []wire.Loi) *delivery.Reason {
	r := &delivery.Reason{Code: string(wire.LoiDinhDang), VI: "Cổng giám định báo lỗi định dạng", EN: "The assessment system reports a format error"}
	if len(l) > 0 {
		r.VI += ": " + l[0].Ma + " " + l[0].NoiDung
	}
	return r
}
