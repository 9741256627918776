package bhxh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler"
)

// CheckInJob is the job that sends check-ins.
const CheckInJob = "bhxh-checkin"

// Spaces of check-ins:
//
//	checkins|enc-17                              -> {"state":"queued","facility":"51901","episode":"LK-0042","tries":1,…}
//	checkins-due|51901/1772323200000/enc-17      -> 1     to be sent at that time
const (
	spaceCheckIns    store.Space = "checkins"
	spaceCheckInsDue store.Space = "checkins-due"
)

const (
	checkInSchedule = "* * * * *"
	// checkInLife is how long a check-in is worth sending: the claim file tells all of it later.
	checkInLife  = 24 * time.Hour
	checkInBatch = 200
)

// checkIn is the row of a check-in. Its states: queued, accepted, rejected, ended (not sent: the patient has left, or it is a day old).
type checkIn struct {
	State      string       `json:"state"`
	Facility   string       `json:"facility"`
	Episode    string       `json:"episode"`
	Created    fhir.Instant `json:"created"`
	Due        fhir.Instant `json:"due,omitempty"`
	Tries      int          `json:"tries,omitempty"`
	SHA256     string       `json:"sha256,omitempty"`
	MaKetQua   string       `json:"maKetQua,omitempty"`
	MaGiaoDich string       `json:"maGiaoDich,omitempty"`
	Text       string       `json:"text,omitempty"` // why it was refused, or what it lacks
}

func (c checkIn) dueKey(id fhir.ID) string {
	if c.Due == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%013d/%s", url.PathEscape(c.Facility), int64(c.Due), id)
}

// CheckIns puts the Encounters of patients who came in into the queue of check-ins.
type CheckIns struct {
	Store   store.Store
	Systems mapping.Systems
	Now     func() time.Time
}

// Hook is an interaction.Hook: an Encounter in progress with an MA_LK is queued once, in the commit that writes it.
func (c CheckIns) Hook(ctx context.Context, w interaction.Write) (a interaction.Additions, err error) {
	if w.Key.Type != "Encounter" || w.Method == store.MethodDelete {
		return a, nil
	}
	facility, episode, ok := mapping.CheckInOf(w.Doc, c.Systems)
	if !ok {
		return a, nil
	}
	if _, known, err := c.Store.Record(ctx, spaceCheckIns, string(w.Key.ID)); known || err != nil {
		return a, err
	}
	now := fhir.InstantOf(c.Now())
	in := checkIn{State: "queued", Facility: facility, Episode: episode, Created: now, Due: now}
	a.Require = append(a.Require, store.RecordIs{Space: spaceCheckIns, Key: string(w.Key.ID)})
	a.Records = in.records(w.Key.ID, "")
	return a, nil
}

// records are the rows of a check-in; was is its key among the due ones before.
func (c checkIn) records(id fhir.ID, was string) []store.Record {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("bhxh: a row of numbers and text cannot fail to encode: " + err.Error())
	}
	out := []store.Record{{Space: spaceCheckIns, Key: string(id), Value: raw}}
	is := c.dueKey(id)
	if was != "" && was != is {
		out = append(out, store.Record{Space: spaceCheckInsDue, Key: was})
	}
	if is != "" && was != is {
		out = append(out, store.Record{Space: spaceCheckInsDue, Key: is, Value: []byte{'1'}})
	}
	return out
}

// CheckIn is the job that sends due check-ins. A check-in decides nothing that is paid, so what had no trustworthy answer is sent
// again, later each time; it ends when the patient has left or after a day.
func (s *Sync) CheckIn(ctx context.Context, slot scheduler.Slot) error {
	var keys []string
	for rec, err := range s.Store.Records(ctx, spaceCheckInsDue, "", "") {
		if err != nil {
			return err
		}
		var at int64
		if p := strings.SplitN(rec.Key, "/", 3); len(p) == 3 {
			_, _ = fmt.Sscanf(p[1], "%d", &at)
		}
		if fhir.Instant(at) <= fhir.InstantOf(s.Now()) {
			keys = append(keys, rec.Key)
		}
		if len(keys) == checkInBatch {
			break
		}
	}
	var errs []error
	for _, key := range keys {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := strings.SplitN(key, "/", 3)
		if err := s.checkIn(ctx, slot, fhir.ID(p[2]), key); err != nil {
			if errs = append(errs, err); rests(err) {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// checkIn takes one check-in a step further.
func (s *Sync) checkIn(ctx context.Context, slot scheduler.Slot, id fhir.ID, key string) error {
	raw, found, err := s.Store.Record(ctx, spaceCheckIns, string(id))
	if err != nil || !found {
		return err
	}
	raw = bytes.Clone(raw)
	var in checkIn
	if err := json.Unmarshal(raw, &in); err != nil {
		return fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(spaceCheckIns), string(id))
	}
	if in.dueKey(id) != key {
		return nil // it moved on
	}
	failed := s.attemptCheckIn(ctx, &in, id)
	if rests(failed) {
		return failed // nobody was called
	}
	_, err = s.Store.Commit(ctx, store.Changes{
		Require: []store.Precondition{slot.Lease.Fence(), store.RecordIs{Space: spaceCheckIns, Key: string(id), Value: raw}},
		Records: in.records(id, key),
	})
	if err == nil && in.State != "queued" {
		s.Log.InfoContext(ctx, "check-in", "encounter", string(id), "facility", in.Facility, "state", in.State, "maKetQua", in.MaKetQua, "tries", in.Tries)
	}
	return errors.Join(failed, err)
}

// attemptCheckIn sends a check-in and writes into it what came of that.
func (s *Sync) attemptCheckIn(ctx context.Context, in *checkIn, id fhir.ID) error {
	later := func(why string) {
		in.Text, in.Due = why, fhir.InstantOf(s.Now().Add(min(time.Minute<<min(in.Tries, 6), time.Hour)))
	}
	end := func(state string) { in.State, in.Due = state, 0 }
	if s.Now().Sub(in.Created.Time()) > checkInLife {
		end("ended")
		return nil
	}
	f, err := s.Store.Read(ctx, fhir.Key{Type: "Encounter", ID: id}, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound) {
		end("ended")
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := document(f)
	if err != nil {
		return err
	}
	if _, _, still := mapping.CheckInOf(doc.Root(), s.Systems); !still {
		end("ended")
		return nil
	}
	row, found, err := mapping.CheckInFromFHIR(ctx, Reader(s.Store, 0), doc.Root(), mapping.Options{Systems: s.Systems})
	if err != nil {
		return err
	}
	table := hoso.Table{Layout: row.Layout()}
	copy(table.Add().Values(), row.Values())
	file := table.AppendXML(nil)
	if checked, err := hoso.Decode(file, hoso.DefaultLimits()); err == nil {
		found = append(found, hoso.Check(checked, Clock(s.Now()))...)
	}
	if hoso.Held(found) {
		in.Tries++
		for _, x := range found {
			if x.Severity == fhir.SeverityError || x.Severity == fhir.SeverityFatal {
				later(x.Rule + " " + x.Path())
				break
			}
		}
		return nil
	}
	client := s.client(in.Facility)
	if client == nil {
		later("no account")
		return nil
	}
	leave, err := s.gate.enter(ctx, client)
	if err != nil {
		return err
	}
	out := client.CheckIn(ctx, gateway.File{MaCSKCB: in.Facility, Raw: file})
	leave(fault(out))
	in.Tries, in.SHA256, in.MaKetQua, in.MaGiaoDich = in.Tries+1, wire.FileHash(file), string(out.Code), out.MaGiaoDich
	switch out.State {
	case gateway.Accepted:
		in.Text = ""
		end("accepted")
	case gateway.Refused:
		r := refusal(out.Code, out.Text)
		in.Text = r.VI
		end("rejected")
	default:
		later(out.State.String())
	}
	return nil
}
