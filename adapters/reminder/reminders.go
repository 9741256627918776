package reminder

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler"
)

// Space holds the rows of this room; see the package comment.
const Space store.Space = "reminders"

// Media by which somebody can be reached, as codes of v3-ParticipationMode.
const (
	Email = "EMAILWRIT"
	Text  = "SMSWRIT"
)

// Config is what Reminders are made of.
type Config struct {
	Store        store.Store
	Interactions *interaction.Service
	Registry     *registry.Registry
	Policies     *access.Policies
	Schedules    *immunization.Set
	Senders      map[string]Sender // by medium
	OptOut       bool              // remind whoever has not denied it, instead of who has agreed
	Schedule     string            // when it is looked who is due, and what waits is sent
	Now          func() time.Time  // nil = time.Now
	Log          *slog.Logger      // nil = slog.Default()
}

// Reminders plans and delivers. One run is made at a time, which the scheduler sees to.
type Reminders struct{ Config }

// New makes Reminders.
func New(c Config) *Reminders {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Reminders{c}
}

// Job is the scheduled work: to look who is due, then to send what waits.
func (r *Reminders) Job() scheduler.Job {
	return scheduler.Job{Name: "immunization-reminders", Schedule: r.Schedule, Run: func(ctx context.Context, s scheduler.Slot) error {
		if err := r.Plan(ctx, s.Lease.Fence()); err != nil {
			return err
		}
		return r.Deliver(ctx, s.Lease.Fence())
	}}
}

const separator = "\x1f"

func key(parts ...string) string { return strings.Join(parts, separator) }

// item is a row of the outbox.
type item struct {
	State     string       `json:"state"` // waiting, sending
	Patient   fhir.ID      `json:"patient"`
	Medium    string       `json:"medium"`
	Clinic    fhir.ID      `json:"clinic,omitempty"`
	Occasions []string     `json:"occasions"`
	Tries     int          `json:"tries,omitempty"`
	Next      fhir.Instant `json:"next,omitempty"`
}

// Bounds of trying again.
const (
	mostTries = 5
	firstWait = 10 * time.Minute
)

// Plan makes a CommunicationRequest for each person with an occasion of which there is none yet. fence is among the demands
// of each commit.
func (r *Reminders) Plan(ctx context.Context, fence ...store.Precondition) error {
	if err := r.Registry.CatchUp(ctx); err != nil {
		return err
	}
	made := 0
	err := r.Registry.EachWaiting(ctx, func(w registry.Waiting) error {
		ok, err := r.plan(ctx, w, fence)
		if ok {
			made++
		}
		return err
	})
	if made > 0 {
		r.Log.InfoContext(ctx, "vaccination reminders planned", "count", made)
	}
	return err
}

func (r *Reminders) plan(ctx context.Context, w registry.Waiting, fence []store.Precondition) (bool, error) {
	var fresh []registry.WaitingDose
	for _, d := range w.Doses {
		had := false
		for _, m := range w.Members {
			_, found, err := r.Store.Record(ctx, Space, occasion(m, d))
			if err != nil {
				return false, err
			}
			had = had || found
		}
		if !had {
			fresh = append(fresh, d)
		}
	}
	if fresh == nil {
		return false, nil
	}
	fresh, err := r.Registry.Advisable(ctx, &w, fresh)
	if err != nil || len(fresh) == 0 {
		return false, err
	}
	to, err := r.reach(ctx, w)
	if err != nil || to == nil {
		return false, err
	}
	id := uuid.NewString()
	it := item{State: "waiting", Patient: w.Lead, Medium: to.medium, Clinic: to.clinic}
	set := interaction.WriteSet{Require: slices.Clone(fence)}
	for _, d := range fresh {
		k := occasion(w.Members[0], d)
		it.Occasions = append(it.Occasions, k)
		set.Require = append(set.Require, store.RecordIs{Space: Space, Key: k})
		set.Records = append(set.Records, store.Record{Space: Space, Key: k, Value: []byte(id)})
	}
	doc, err := resource.New(resource.AppendJSON(nil, r.request(id, &it, to, fresh)))
	if err != nil {
		return false, err
	}
	set.Docs = []*resource.Document{doc}
	set.IfVersion = map[fhir.Key]fhir.Version{{Type: "CommunicationRequest", ID: fhir.ID(id)}: 0}
	set.Records = append(set.Records, store.Record{Space: Space, Key: key("q", id), Value: it.encode()})
	_, err = r.Interactions.Apply(ctx, set)
	return err == nil, err
}

func occasion(patient fhir.ID, d registry.WaitingDose) string {
	return key("o", string(patient), d.Series, strconv.Itoa(d.Number), d.State)
}

func (i *item) encode() []byte {
	raw, err := json.Marshal(i)
	if err != nil {
		panic("reminder: a row cannot be written: " + err.Error()) // it has texts and numbers alone
	}
	return raw
}

// Deliver sends what waits. What an earlier run left as being sent is unknown from then on.
func (r *Reminders) Deliver(ctx context.Context, fence ...store.Precondition) error {
	if err := r.Registry.CatchUp(ctx); err != nil { // a dose that was given a moment ago is not asked for
		return err
	}
	for rec, err := range r.Store.Records(ctx, Space, key("q", ""), "q ") {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.deliver(ctx, rec, fence); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reminders) deliver(ctx context.Context, rec store.Record, fence []store.Precondition) error {
	var it item
	if err := json.Unmarshal(rec.Value, &it); err != nil {
		return fhir.Wrap(fhir.Internal, "reminder-unreadable", err)
	}
	id := fhir.ID(strings.TrimPrefix(rec.Key, key("q", "")))
	now := fhir.InstantOf(r.Now())
	switch {
	case it.State == "sending":
		return r.end(ctx, id, rec, "unknown", "interrupted", nil, fence)
	case it.Next > now:
		return nil
	}
	m, why, err := r.message(ctx, id, &it)
	if err != nil {
		return err
	}
	if why != "" {
		return r.end(ctx, id, rec, "revoked", why, nil, fence)
	}
	sending := it
	sending.State = "sending"
	next := store.Record{Space: Space, Key: rec.Key, Value: sending.encode()}
	if _, err := r.Store.Commit(ctx, store.Changes{
		Require: append(slices.Clone(fence), store.RecordIs{Space: Space, Key: rec.Key, Value: rec.Value}),
		Records: []store.Record{next},
	}); err != nil {
		return err
	}
	err = r.Senders[it.Medium].Send(ctx, m)
	whole := context.WithoutCancel(ctx) // what happened is written down, also when the server is asked to end
	var not *NotSent
	switch {
	case err == nil:
		return r.end(whole, id, next, "completed", "", &it, fence)
	case errors.As(err, &not) && !not.Final && it.Tries+1 < mostTries:
		it.Tries++
		it.Next = fhir.InstantOf(r.Now().Add(firstWait << (it.Tries - 1)))
		r.Log.WarnContext(ctx, "a vaccination reminder was not sent and is tried again", "try", it.Tries, "medium", it.Medium)
		_, err := r.Store.Commit(whole, store.Changes{
			Require: append(slices.Clone(fence), store.RecordIs{Space: Space, Key: rec.Key, Value: next.Value}),
			Records: []store.Record{{Space: Space, Key: rec.Key, Value: it.encode()}},
		})
		return err
	case errors.As(err, &not):
		return r.end(whole, id, next, "on-hold", "refused", nil, fence)
	default:
		return r.end(whole, id, next, "unknown", "no-answer", nil, fence)
	}
}

// end takes an item out of the outbox, with what became of it. sent is the item of a message that was taken.
func (r *Reminders) end(ctx context.Context, id fhir.ID, rec store.Record, status, why string, sent *item, fence []store.Precondition) error {
	r.Log.InfoContext(ctx, "vaccination reminder ended", "status", status, "why", why)
	set := interaction.WriteSet{
		Require: append(slices.Clone(fence), store.RecordIs{Space: Space, Key: rec.Key, Value: rec.Value}),
		Records: []store.Record{{Space: Space, Key: rec.Key}},
	}
	found, err := r.Store.Read(ctx, fhir.Key{Type: "CommunicationRequest", ID: id}, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound) {
		_, err := r.Interactions.Apply(ctx, set) // somebody deleted it
		return err
	} else if err != nil {
		return err
	}
	doc, err := resource.New(found.Stored.Body)
	if err != nil {
		return err
	}
	changed, err := withStatus(doc.Root(), status, why)
	if err != nil {
		return err
	}
	set.Docs = append(set.Docs, changed)
	if sent != nil {
		c, err := resource.New(resource.AppendJSON(nil, r.communication(id, doc.Root(), r.Now())))
		if err != nil {
			return err
		}
		set.Docs = append(set.Docs, c)
	}
	_, err = r.Interactions.Apply(ctx, set)
	return err
}
