package bhxh

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

func checkInAttemptKey(id fhir.ID, n int) string { return fmt.Sprintf("%s/%04d", id, n) }

// checkInAttempt gives the rows of an attempt and of one of its bodies.
func (s *Sync) checkInAttempt(id fhir.ID, at delivery.Attempt, p delivery.Part, body []byte) []store.Record {
	raw, err := json.Marshal(at)
	if err != nil {
		panic("bhxh: a row of numbers and text cannot fail to encode: " + err.Error())
	}
	key := checkInAttemptKey(id, at.N)
	out := []store.Record{{Space: spaceCheckInAttempts, Key: key, Value: raw}}
	if !s.Outbox.HashesOnly && len(body) > 0 {
		out = append(out, store.Record{Space: spaceCheckInBodies, Key: key + "/" + string(p), Value: delivery.Pack(body)})
	}
	return out
}

// clipped bounds foreign text in our rows.
func clipped(s string) string {
	if r := []rune(s); len(r) > maxReason {
		return string(r[:maxReason]) + "…"
	}
	return s
}

// CheckInStatus is what is known about the check-in of an Encounter, as Parameters, with each attempt to send it. Kind NotFound, code
// "checkin-unknown", if it never was one.
func CheckInStatus(ctx context.Context, st store.Store, encounter fhir.ID) ([]byte, error) {
	raw, found, err := st.Record(ctx, spaceCheckIns, string(encounter))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fhir.Errorf(fhir.NotFound, "checkin-unknown", "", string(encounter))
	}
	var in checkIn
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(spaceCheckIns), string(encounter))
	}
	var attempts []delivery.Attempt
	for rec, err := range st.Records(ctx, spaceCheckInAttempts, string(encounter)+"/", string(encounter)+"0") {
		if err != nil {
			return nil, err
		}
		var at delivery.Attempt
		if err := json.Unmarshal(rec.Value, &at); err != nil {
			return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(spaceCheckInAttempts), rec.Key)
		}
		attempts = append(attempts, at)
	}
	return delivery.AttemptParameters("Encounter/"+string(encounter), in.Facility, in.Episode, in.State, in.Reason, attempts), nil
}

// CheckInBody gives a body of the nth attempt to send the check-in of an Encounter. Kind NotFound, code "checkin-body-unknown", if it was
// not kept. Who may see it is for the caller to decide.
func CheckInBody(ctx context.Context, st store.Store, encounter fhir.ID, n int, p delivery.Part) ([]byte, error) {
	value, found, err := st.Record(ctx, spaceCheckInBodies, checkInAttemptKey(encounter, n)+"/"+string(p))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fhir.Errorf(fhir.NotFound, "checkin-body-unknown", "", string(p), n, "Encounter/"+string(encounter))
	}
	raw, err := delivery.Unpack(value)
	if err != nil {
		return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(spaceCheckInBodies), string(encounter))
	}
	return raw, nil
}
