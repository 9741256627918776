package delivery

import (
	"context"
	"net/url"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
)

// Enqueue is an interaction.Hook: it puts a Claim for the insurer into the outbox, in the commit that writes the Claim.
//
//   - A new version of a claim is a new item. The item before it is withdrawn if it has not been sent; if it has, the new
//     one goes out as a correction once the fate of the other is known.
//   - A claim that stops being one (cancelled, entered in error, deleted) is withdrawn if it has not been sent. If it has,
//     the Task says that the insurer must be told, for the assessment system has no call to take a claim back.
//   - A version of another episode is refused with Conflict "delivery-episode-fixed" while an earlier version has, or may
//     have, an effect under the episode it was sent with: the treatment would be billed twice.
//   - One episode belongs to one claim: a second claim of the same episode is refused with Conflict
//     "delivery-episode-taken", or "unique-taken" when both come at once, and where the sender may not see the first.
//   - The number of the version at the other side (PB) is that of the Claim, unless a claim before it, which was deleted,
//     had the same episode; PB goes on counting then, for ONCE is about episode and PB.
func (o *Outbox) Enqueue(ctx context.Context, w interaction.Write) (interaction.Additions, error) {
	var a interaction.Additions
	if w.Key.Type != "Claim" {
		return a, nil
	}
	var facility, ma string
	var wanted bool
	if w.Method != store.MethodDelete {
		facility, ma, wanted = o.Episode(w.Doc)
	}
	var h head
	headRaw, err := o.readRow(ctx, SpaceHeads, string(w.Key.ID), &h)
	if err != nil || headRaw == nil && !wanted {
		return a, err
	}
	var old *Row
	if headRaw != nil {
		row, err := o.Load(ctx, Key{w.Key.ID, h.Version})
		if err != nil {
			return a, err
		}
		old = &row
	}
	if wanted {
		a.Unique = append(a.Unique, store.UniqueKey("malk|"+facility+"|"+ma))
		return a, o.enqueueVersion(ctx, w, facility, ma, headRaw, old, &a)
	}
	off := ReasonCancelled
	switch {
	case w.Method == store.MethodDelete:
		off = ReasonDeleted
	case w.Doc.Get("status").Text() == "entered-in-error":
		off = ReasonInError
	}
	if h.Off == off {
		return a, nil
	}
	swap(&a, SpaceHeads, string(w.Key.ID), headRaw, head{Version: h.Version, Off: off})
	return a, o.callOff(ctx, *old, off, &a)
}

// Delivers says whether a claim was ever one for the insurer.
func (o *Outbox) Delivers(ctx context.Context, claim fhir.ID) (bool, error) {
	var h head
	raw, err := o.readRow(ctx, SpaceHeads, string(claim), &h)
	return raw != nil, err
}

// enqueueVersion adds a new item, and withdraws old if that waits.
func (o *Outbox) enqueueVersion(ctx context.Context, w interaction.Write, facility, ma string, headRaw []byte, old *Row, a *interaction.Additions) error {
	var e episode
	episodeKey := url.PathEscape(facility) + "/" + url.PathEscape(ma)
	episodeRaw, err := o.readRow(ctx, SpaceEpisodes, episodeKey, &e)
	if err != nil {
		return err
	}
	f, err := o.family(ctx, w.Key.ID)
	if err != nil {
		return err
	}
	for _, r := range f.rows {
		if (r.Facility != facility || r.Episode != ma) && r.mayHaveEffect() {
			return fhir.Errorf(fhir.Conflict, "delivery-episode-fixed", "Claim.identifier", "Claim/"+string(w.Key.ID), uint64(r.Version), r.Episode, string(r.State))
		}
	}
	if e.Claim != "" && e.Claim != w.Key.ID {
		if err := o.episodeFree(ctx, e.Claim, facility, ma); err != nil {
			return err
		}
	}
	now := o.now()
	it := Item{State: Queued, Claim: w.Key.ID, Version: w.Version, PB: max(uint64(w.Version), e.PB+1),
		Facility: facility, Episode: ma, Created: now, Since: now, Due: now, Sender: SenderAny}
	if o.Sender != nil {
		it.Sender = o.Sender(ctx)
	}
	if ref := fhir.ParseReference(w.Doc.Get("patient").Get("reference").Text()); ref.Key.Type == "Patient" && ref.Base == "" {
		it.Patient = ref.Key.String()
	}
	var changed []Row
	if old != nil {
		it.Resend = old.Resend || old.Sends > 0
		if waits(old.State) {
			superseded := old.Item
			superseded.State, superseded.Since, superseded.Due, superseded.Reason, superseded.Findings = Withdrawn, now, o.watch(old.Item), Because(ReasonSuperseded), nil
			superseded.Overdue = nil
			o.timed(&superseded)
			require(a, *old)
			gone := Row{Item: superseded, raw: encode(superseded)}
			f, changed = f.with(gone), append(changed, gone)
			a.Records = append(a.Records, itemRecords(&old.Item, gone)...)
		}
	}
	o.timed(&it)
	row := Row{Item: it, raw: encode(it)}
	a.Require = append(a.Require, store.RecordIs{Space: SpaceItems, Key: it.Key().String()})
	a.Records = append(a.Records, itemRecords(nil, row)...)
	swap(a, SpaceHeads, string(w.Key.ID), headRaw, head{Version: w.Version})
	swap(a, SpaceEpisodes, episodeKey, episodeRaw, episode{Claim: w.Key.ID, PB: it.PB})
	return o.putTask(f.with(row), a, append(changed, row)...)
}

// episodeFree refuses an episode that another claim holds, in the words of this room. It only looks: what decides is the
// unique key in the commit.
func (o *Outbox) episodeFree(ctx context.Context, claim fhir.ID, facility, ma string) error {
	f, err := o.family(ctx, claim)
	if err != nil {
		return err
	}
	if it := f.of(f.head.Version); f.head.Off == "" && it.Facility == facility && it.Episode == ma {
		if o.Sees != nil {
			if sees, err := o.Sees(ctx, fhir.Key{Type: "Claim", ID: claim}); err != nil || !sees {
				return err
			}
		}
		return fhir.Errorf(fhir.Conflict, "delivery-episode-taken", "Claim.identifier", ma, "Claim/"+string(claim))
	}
	return nil
}

// putTask adds the claim's Task, and demands that the versions it tells of, but for those that a changes, stay as they are.
func (o *Outbox) putTask(f family, a *interaction.Additions, changed ...Row) error {
	task, err := o.task(f)
	if err != nil {
		return err
	}
	a.Puts = append(a.Puts, task)
	for _, r := range f.told() {
		if !slices.ContainsFunc(changed, func(c Row) bool { return c.Version == r.Version }) {
			require(a, r)
		}
	}
	return nil
}

// callOff withdraws an item that waits, and marks one that is out of the house. Items in sending are left to the one who
// sends, and unknown ones to the one who asks: both look at the head.
func (o *Outbox) callOff(ctx context.Context, old Row, off string, a *interaction.Additions) error {
	it := old.Item
	switch {
	case waits(it.State):
		it.State, it.Since, it.Due, it.Reason, it.Findings = Withdrawn, o.now(), o.watch(it), Because(off), nil
	case it.State == Accepted || it.State == Assessed || it.State == Settled:
		it.Reason = Because(ReasonAfterwards)
	default:
		return nil
	}
	f, err := o.family(ctx, it.Claim)
	if err != nil {
		return err
	}
	if it.State != old.State {
		it.Overdue = nil
	}
	o.timed(&it)
	require(a, old)
	row := Row{Item: it, raw: encode(it)}
	a.Records = append(a.Records, itemRecords(&old.Item, row)...)
	return o.putTask(f.with(row), a, row)
}

// waits says whether an item in this state has no effect at the other side and is still meant to have one.
func waits(s State) bool { return s == Queued || s == Held }

// require demands that an item is as it was read.
func require(a *interaction.Additions, row Row) {
	a.Require = append(a.Require, store.RecordIs{Space: SpaceItems, Key: row.Key().String(), Value: row.raw})
}

// swap is a compare-and-set of a row.
func swap(a *interaction.Additions, space store.Space, key string, old []byte, v any) {
	a.Require = append(a.Require, store.RecordIs{Space: space, Key: key, Value: old})
	a.Records = append(a.Records, store.Record{Space: space, Key: key, Value: encode(v)})
}
