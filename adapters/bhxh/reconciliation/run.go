package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler"
)

// Job is the name of the job.
const Job = "bhxh-reconcile"

const (
	// DefaultSchedule is in the night, when hospitals do not send.
	DefaultSchedule = "30 2 * * *"
	// DefaultMonths is how far back a scheduled run looks: a quarter is settled after its end, and corrected afterwards.
	DefaultMonths = 6
	// MaxMonths bounds what is asked for at once.
	MaxMonths = 36
)

// Config is what a Reconciler needs; Store, Outbox, Interactions and Client are required.
type Config struct {
	Store        store.Store
	Outbox       *delivery.Outbox
	Interactions *interaction.Service
	Systems      mapping.Systems
	Client       func(facility string) *gateway.Client // nil = no account speaks for it
	// Calling lets a call to the portal about a facility be made when it may; nil = at once.
	Calling func(ctx context.Context, facility string, do func() error) error
	// Before makes the status queries that are due; nil = none are made.
	Before func(context.Context) error
	// Grace is how long a version may be accepted here and not yet be told there; 0 is the outbox's settle time.
	Grace time.Duration

	Schedule string // "" is DefaultSchedule
	Zone     string
	Months   int // 0 is DefaultMonths
	Lease    time.Duration
	Now      func() time.Time // nil is time.Now
	Log      *slog.Logger     // nil is slog.Default
}

// Reconciler holds ours against theirs. It keeps nothing but what is in the store; runs may overlap.
type Reconciler struct{ Config }

// New makes a Reconciler.
func New(c Config) *Reconciler {
	if c.Grace <= 0 {
		c.Grace = c.Outbox.Settle
	}
	if c.Schedule == "" {
		c.Schedule = DefaultSchedule
	}
	if c.Months <= 0 {
		c.Months = DefaultMonths
	}
	if c.Calling == nil {
		c.Calling = func(_ context.Context, _ string, do func() error) error { return do() }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Reconciler{c}
}

// Job is the job for the scheduler: all facilities, the last months.
func (r *Reconciler) Job() scheduler.Job {
	return scheduler.Job{Name: Job, Schedule: r.Schedule, Zone: r.Zone, Lease: r.Lease, Run: func(ctx context.Context, _ scheduler.Slot) error {
		facilities, err := r.Outbox.EpisodeFacilities(ctx)
		if err != nil {
			return err
		}
		var errs []error
		to := month(r.Now().In(wire.Zone))
		for _, f := range facilities {
			if r.Client(f) == nil {
				continue // told by the jobs that send
			}
			rep, err := r.Run(ctx, f, to.back(r.Months-1), to)
			if err != nil {
				errs = append(errs, fmt.Errorf("facility %s: %w", f, err))
				continue
			}
			r.Log.InfoContext(ctx, "claims reconciled", "facility", f, "records", rep.Records, "matched", rep.Matched, "settled", rep.Settled,
				"opened", rep.Opened, "closed", rep.Closed, "open", len(rep.Findings))
		}
		return errors.Join(errs...)
	}}
}

// Month is a month of the calendar: year*12 + month - 1.
type Month int

func month(t time.Time) Month { return Month(t.Year()*12 + int(t.Month()) - 1) }

// ParseMonth reads 2026-03.
func ParseMonth(s string) (Month, bool) {
	t, err := time.Parse("2006-01", s)
	return month(t), err == nil
}

// String gives 2026-03.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m/12, m%12+1) }

// Before gives the month n months before.
func (m Month) back(n int) Month { return m - Month(n) }

// first is the first moment of the month.
func (m Month) first() time.Time {
	return time.Date(int(m)/12, time.Month(m%12+1), 1, 0, 0, 0, 0, wire.Zone)
}

// ThisMonth is the month of now in Việt Nam.
func (r *Reconciler) ThisMonth() Month { return month(r.Now().In(wire.Zone)) }

// Report is what a run came to.
type Report struct {
	Facility    string    `json:"facility"`
	From        string    `json:"from"` // months, both included
	To          string    `json:"to"`
	Records     int       `json:"records"`     // that the portal's lists have
	Asked       int       `json:"asked"`       // of ours that no list has, asked about one by one
	Matched     int       `json:"matched"`     // versions on which both agree
	Settlements int       `json:"settlements"` // runs of the settlement
	Settled     int       `json:"settled"`     // versions that became settled, or whose payment was corrected
	Revised     int       `json:"revised"`     // decisions that the portal changed afterwards
	Opened      int       `json:"opened"`      // findings that are new
	Closed      int       `json:"closed"`      // findings that are gone
	Findings    []Finding `json:"findings"`    // all that are open of the facility now
}

// run is one run over one facility.
type run struct {
	*Reconciler
	client   *gateway.Client
	facility string
	from, to Month
	now      fhir.Instant
	found    map[string]Finding // by id
	seen     map[string]bool    // episodes that a list has
	report   Report
}

// Run reconciles a facility over the months from and to. It sees and changes everything, whatever the fence of ctx. Errors: Kind
// Invalid, code "reconciliation-months" or "reconciliation-account", and those of the gateway; what was found until then stands, and nothing is closed.
func (r *Reconciler) Run(ctx context.Context, facility string, from, to Month) (Report, error) {
	ctx = store.Ourselves(ctx)
	w := &run{Reconciler: r, client: r.Client(facility), facility: facility, from: from, to: to, now: fhir.InstantOf(r.Now()),
		found: map[string]Finding{}, seen: map[string]bool{}}
	w.report = Report{Facility: facility, From: from.String(), To: to.String(), Findings: []Finding{}}
	if from > to || to-from >= MaxMonths || from < 2000*12 || to > 9999*12 {
		return w.report, fhir.Errorf(fhir.Invalid, "reconciliation-months", "", from.String(), to.String(), MaxMonths)
	}
	if w.client == nil {
		return w.report, fhir.Errorf(fhir.Invalid, "reconciliation-account", "", facility)
	}
	err := w.all(ctx)
	return w.report, errors.Join(err, w.keep(ctx, err == nil))
}

func (w *run) all(ctx context.Context) error {
	if w.Before != nil {
		if err := w.Before(ctx); err != nil {
			return err
		}
	}
	for m := w.from; m <= w.to; m++ {
		if err := w.batches(ctx, m); err != nil {
			return err
		}
	}
	if err := w.ours(ctx); err != nil {
		return err
	}
	return w.settlements(ctx)
}

// batches goes through the records of a month.
func (w *run) batches(ctx context.Context, m Month) error {
	var batches []wire.Dot
	err := w.Calling(ctx, w.facility, func() (err error) {
		batches, err = w.client.Batches(ctx, w.facility, int(m)/12, int(m)%12+1)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range batches {
		for page, pages := 1, 1; page <= pages; page++ {
			var records []wire.HoSo
			err := w.Calling(ctx, w.facility, func() (err error) {
				records, pages, err = w.client.Batch(ctx, w.facility, b.MaDot, page)
				return err
			})
			if err != nil {
				return err
			}
			for _, h := range records {
				w.report.Records++
				w.seen[h.MaLK] = true
				if err := w.record(ctx, h, m.String()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ours asks about each version that we believe to be there and no list has.
func (w *run) ours(ctx context.Context) error {
	var asked []string
	claims := map[string]fhir.ID{}
	ask := func() error {
		if len(asked) == 0 {
			return nil
		}
		var records []wire.HoSo
		err := w.Calling(ctx, w.facility, func() (err error) {
			records, err = w.client.Status(ctx, gateway.Query{MaCSKCB: w.facility, MaLK: asked})
			return err
		})
		if err != nil {
			return err
		}
		told := map[string][]wire.HoSo{}
		for _, h := range records {
			told[h.MaLK] = append(told[h.MaLK], h)
		}
		for _, maLK := range asked {
			w.report.Asked++
			if err := w.answered(ctx, maLK, claims[maLK], told[maLK]); err != nil {
				return err
			}
		}
		asked = asked[:0]
		clear(claims)
		return nil
	}
	for e, err := range w.Outbox.EpisodesOf(ctx, w.facility) {
		if err != nil {
			return err
		}
		if w.seen[e.MaLK] {
			continue
		}
		st, err := w.Outbox.Status(ctx, e.Claim)
		if err != nil {
			return err
		}
		if it := believed(st); it == nil || it.State == delivery.Settled && it.Since.Time().Before(w.from.first()) {
			continue
		}
		asked = append(asked, e.MaLK)
		claims[e.MaLK] = e.Claim
		if len(asked) == wire.MaxMaLK {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}

// believed gives the newest version that we believe the portal to have, nil if there is none.
func believed(st delivery.Status) *delivery.VersionStatus {
	for i := len(st.Versions) - 1; i >= 0; i-- {
		switch v := &st.Versions[i]; v.State {
		case delivery.Accepted, delivery.Assessed, delivery.Settled:
			return v
		}
	}
	return nil
}

// answered judges what a status query told of an episode that no list has.
func (w *run) answered(ctx context.Context, maLK string, claim fhir.ID, records []wire.HoSo) error {
	st, err := w.Outbox.Status(ctx, claim)
	if err != nil {
		return err
	}
	it := believed(st)
	if it == nil {
		return nil
	}
	for _, h := range records {
		if h.TiepNhan && h.PhienBan == it.PB {
			return w.compare(ctx, st, it, h, "")
		}
	}
	if len(records) == 0 || w.fresh(it) {
		return nil // silence is no answer
	}
	w.find(Finding{Kind: MissingThere, MaLK: maLK, PB: it.PB, Claim: claim, Here: it.MaGiaoDich, There: "–"})
	return nil
}

// fresh says that a version was accepted so lately that the portal's lists may lag behind.
func (w *run) fresh(it *delivery.VersionStatus) bool {
	return it.State == delivery.Accepted && w.now.Time().Sub(it.Since.Time()) < w.Grace
}
