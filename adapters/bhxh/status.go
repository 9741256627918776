package bhxh

import (
	"context"
	"errors"

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
	for range maxRounds {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		due, err := s.Outbox.Due(ctx, delivery.ToAsk, facility, limit)
		if err != nil || len(due) == 0 {
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
	return nil
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
	records, err := repeat(ctx, s.RepeatAfter, func() ([]wire.HoSo, error) {
		asked = fhir.InstantOf(s.Now()) // of the query that is answered: an earlier one proves less
		return client.Status(ctx, q)
	})
	if err != nil {
		for _, row := range due {
			if _, e := s.Outbox.Unanswered(ctx, row); moved(e) != nil {
				return errors.Join(err, e)
			}
		}
		return err
	}
	of := map[string][]wire.HoSo{}
	for _, r := range records {
		of[r.MaLK] = append(of[r.MaLK], r)
	}
	for _, row := range due {
		if err := s.learn(ctx, row, of[row.Episode], asked); moved(err) != nil {
			return err
		}
	}
	return nil
}

// learn tells the outbox what the records of an episode say about one of its versions.
func (s *Sync) learn(ctx context.Context, row delivery.Row, records []wire.HoSo, asked fhir.Instant) error {
	if len(records) == 0 { // silence about an episode is no answer
		_, err := s.Outbox.Unanswered(ctx, row)
		return err
	}
	a := delivery.Answer{Asked: asked}
	for _, r := range records {
		if !r.TiepNhan || r.PhienBan != row.PB {
			continue
		}
		a.Received, a.MaGiaoDich, a.SHA256, a.Verdict = true, r.MaGiaoDich, r.SHA256, delivery.Pending
		switch r.TrangThai {
		case wire.LoiDinhDang:
			a.Verdict, a.Reason = delivery.Refused, formatErrors(r.Loi)
		case wire.DaGiamDinh:
			a.Verdict = delivery.Decided
		}
		if row.State == delivery.Unknown || a.Verdict != delivery.Pending {
			claim, err := s.claim(ctx, row.Item)
			if err != nil {
				return err
			}
			if a.Docs, err = parsed(mapping.ClaimResponse(s.assessment(claim, row.Item, r))); err != nil {
				return err
			}
		}
	}
	next, err := s.Outbox.Learn(ctx, row, a)
	if err == nil && next.State != row.State {
		s.Log.InfoContext(ctx, "claim followed up", "item", row.Key().String(), "from", row.State, "state", next.State)
	}
	return err
}

// formatErrors is the first of the portal's format errors, with the number of the others.
func formatErrors(l []wire.Loi) *delivery.Reason {
	r := &delivery.Reason{Code: string(wire.LoiDinhDang), VI: "Cổng giám định báo lỗi định dạng", EN: "The assessment system reports a format error"}
	if len(l) > 0 {
		r.VI += ": " + l[0].Ma + " " + l[0].NoiDung
	}
	return r
}
