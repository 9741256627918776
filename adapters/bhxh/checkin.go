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
	"github.com/lienthong/lienthong/adapters/delivery"
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
//	checkin-attempts|enc-17/0001                 -> {"n":1,"lease":"job/bhxh-checkin",…}     a delivery.Attempt
//	checkin-bodies|enc-17/0001/request           -> the file, as delivery packs it; the reply likewise
const (
	spaceCheckIns        store.Space = "checkins"
	spaceCheckInsDue     store.Space = "checkins-due"
	spaceCheckInAttempts store.Space = "checkin-attempts"
	spaceCheckInBodies   store.Space = "checkin-bodies"
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
	Sender     string       `json:"sender,omitempty"` // as whom it was sent, see delivery.Item; "" = not noted
	Created    fhir.Instant `json:"created"`
	Due        fhir.Instant `json:"due,omitempty"`
	Tries      int          `json:"tries,omitempty"`
	SHA256     string       `json:"sha256,omitempty"`
	MaKetQua   string       `json:"maKetQua,omitempty"`
	MaGiaoDich string       `json:"maGiaoDich,omitempty"`
	Text       string       `json:"text,omitempty"` // why it was refused, or what it lacks
	// Reason is why it waits though nobody was called: what the check found, or that its sender is not registered for the facility.
	Reason *delivery.Reason `json:"reason,omitempty"`
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
	// Sender is as whom a check-in is sent, see delivery.Config; nil = delivery.SenderAny.
	Sender func(context.Context) string
	Now    func() time.Time
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
	in := checkIn{State: "queued", Facility: facility, Episode: episode, Sender: delivery.SenderAny, Created: now, Due: now}
	if c.Sender != nil {
		in.Sender = c.Sender(ctx)
	}
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
	// record commits what became of the check-in, in place of its row as it was.
	record := func(more ...store.Record) error {
		is := in.records(id, key)
		_, err := s.Store.Commit(ctx, store.Changes{
			Require: []store.Precondition{slot.Lease.Fence(), store.RecordIs{Space: spaceCheckIns, Key: string(id), Value: raw}},
			Records: append(is, more...),
		})
		raw, key = is[0].Value, in.dueKey(id)
		return err
	}
	file, client, err := s.checkInFile(ctx, &in, id)
	if err != nil {
		return err
	}
	if file == nil {
		err = record()
	} else {
		err = s.sendCheckIn(ctx, slot, client, file, &in, id, record)
	}
	if err == nil && in.State != "queued" {
		s.Log.InfoContext(ctx, "check-in", "encounter", string(id), "facility", in.Facility, "state", in.State, "maKetQua", in.MaKetQua, "tries", in.Tries)
	}
	return err
}

// later puts a check-in off, longer each time.
func (c *checkIn) later(now time.Time, why string) {
	c.Text, c.Due = why, fhir.InstantOf(now.Add(min(time.Minute<<min(c.Tries, 6), time.Hour)))
}

// hold puts a check-in off without calling anybody.
func (c *checkIn) hold(now time.Time, why delivery.Reason) {
	c.Tries++
	c.later(now, why.Code+" "+why.Path)
	c.Reason = &why
}

func (c *checkIn) end(state string) { c.State, c.Due = state, 0 }

// checkInFile makes the file of a check-in; nil if there is none to send, and then in says what is next.
func (s *Sync) checkInFile(ctx context.Context, in *checkIn, id fhir.ID) ([]byte, *gateway.Client, error) {
	if s.Now().Sub(in.Created.Time()) > checkInLife {
		in.end("ended")
		return nil, nil, nil
	}
	f, err := s.Store.Read(ctx, fhir.Key{Type: "Encounter", ID: id}, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound) {
		in.end("ended")
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	doc, err := document(f)
	if err != nil {
		return nil, nil, err
	}
	if _, _, still := mapping.CheckInOf(doc.Root(), s.Systems); !still {
		in.end("ended")
		return nil, nil, nil
	}
	in.Reason = nil
	if s.Registered != nil {
		may, err := s.Registered(ctx, Sent{f.Key, in.Facility, in.Sender})
		if err != nil {
			return nil, nil, err
		}
		if !may {
			in.hold(s.Now(), foreign("XML0.MA_CSKCB", "Encounter.identifier"))
			return nil, nil, nil
		}
	}
	row, found, err := mapping.CheckInFromFHIR(ctx, Reader(s.Store, 0), doc.Root(), mapping.Options{Systems: s.Systems})
	if err != nil {
		return nil, nil, err
	}
	table := hoso.Table{Layout: row.Layout()}
	copy(table.Add().Values(), row.Values())
	file := table.AppendXML(nil)
	if checked, err := hoso.Decode(file, hoso.DefaultLimits()); err == nil {
		found = append(found, hoso.Check(checked, Clock(s.Now()))...)
	}
	if hoso.Held(found) {
		for _, x := range found {
			if x.Severity == fhir.SeverityError || x.Severity == fhir.SeverityFatal {
				in.hold(s.Now(), reasonOf(x))
				break
			}
		}
		return nil, nil, nil
	}
	client := s.client(in.Facility)
	if client == nil {
		in.later(s.Now(), "no account")
		return nil, nil, nil
	}
	return file, client, nil
}

// sendCheckIn sends a check-in. The attempt is on record before the call, as that of a claim is; a process that dies meanwhile leaves it
// without an end, and the check-in is tried again.
func (s *Sync) sendCheckIn(ctx context.Context, slot scheduler.Slot, client *gateway.Client, file []byte, in *checkIn, id fhir.ID, record func(...store.Record) error) error {
	leave, err := s.gate.enter(ctx, client)
	if err != nil {
		return err // nobody was called
	}
	now := s.Now()
	in.Tries++
	in.SHA256 = wire.FileHash(file)
	in.later(now, "no answer yet")
	at := delivery.Attempt{N: in.Tries, Slot: fhir.InstantOf(slot.At).String(), Lease: slot.Lease.Name, Token: slot.Lease.Token, Holder: slot.Lease.Holder,
		Started: fhir.InstantOf(now), Deadline: fhir.InstantOf(now.Add(s.timeout(client))), SHA256: in.SHA256, Bytes: len(file)}
	if err := record(s.checkInAttempt(id, at, delivery.Request, file)...); err != nil {
		leave(errNoCall)
		return err
	}
	out := client.CheckIn(ctx, gateway.File{MaCSKCB: in.Facility, Raw: file})
	leave(fault(out))
	in.MaKetQua, in.MaGiaoDich = string(out.Code), out.MaGiaoDich
	at.Ended, at.Outcome, at.HTTPStatus, at.MaKetQua = fhir.InstantOf(s.Now()), delivery.Unknown, out.HTTPStatus, string(out.Code)
	at.MaGiaoDich, at.ReplySHA256, at.Text = out.MaGiaoDich, out.ReplySHA256, clipped(out.Text)
	switch out.State {
	case gateway.Accepted:
		in.Text, at.Outcome = "", delivery.Accepted
		in.end("accepted")
	case gateway.Refused:
		r := refusal(out.Code, out.Text)
		in.Text, at.Outcome = r.VI, delivery.Rejected
		in.end("rejected")
	case gateway.NotSent:
		at.Outcome = delivery.Queued
		in.later(s.Now(), out.State.String())
	default:
		in.later(s.Now(), out.State.String())
	}
	return record(s.checkInAttempt(id, at, delivery.Reply, out.Reply)...)
}
