package lease

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Space is where leases lie; keys and values are shown in the package comment.
const Space store.Space = "leases"

// Held is a lease that this process took. It is immutable: Renew gives a new one with the same token.
type Held struct {
	Name   string
	Holder string
	Token  uint64
	Until  time.Time // after this instant another may take it

	owner, until []byte // the rows as committed
}

// ownerRow and untilRow are the two rows of a lease.
type ownerRow struct {
	Token  uint64 `json:"token"`
	Holder string `json:"holder,omitempty"` // "" after a release
}

type untilRow struct {
	Token uint64 `json:"token"`
	Until int64  `json:"until"` // ms since 1970
}

func untilKey(name string) string { return name + "/until" }

// Take prepares the commit that takes the lease until now + life; add it to what else the holder wants to be true from
// that moment on, and commit it. While another holds the lease the error has Kind Conflict and code "lease-held". If two
// prepare at once the commit of one of them fails with "record-changed".
func Take(ctx context.Context, s store.Store, name, holder string, now time.Time, life time.Duration) (Held, store.Changes, error) {
	oldOwner, owner, err := read[ownerRow](ctx, s, name)
	if err != nil {
		return Held{}, store.Changes{}, err
	}
	oldUntil, until, err := read[untilRow](ctx, s, untilKey(name))
	if err != nil {
		return Held{}, store.Changes{}, err
	}
	if owner.Holder != "" && now.UnixMilli() < until.Until {
		return Held{}, store.Changes{}, fhir.Errorf(fhir.Conflict, "lease-held", "", name)
	}
	h := Held{Name: name, Holder: holder, Token: owner.Token + 1, Until: now.Add(life)}
	h.owner = encode(ownerRow{h.Token, holder})
	h.until = encode(untilRow{h.Token, h.Until.UnixMilli()})
	return h, store.Changes{
		Require: []store.Precondition{
			store.RecordIs{Space: Space, Key: name, Value: oldOwner},
			store.RecordIs{Space: Space, Key: untilKey(name), Value: oldUntil},
		},
		Records: []store.Record{
			{Space: Space, Key: name, Value: h.owner},
			{Space: Space, Key: untilKey(name), Value: h.until},
		},
	}, nil
}

// Fence is the demand that the lease has not changed hands; put it among the preconditions of each commit made under it.
func (h Held) Fence() store.Precondition {
	return store.RecordIs{Space: Space, Key: h.Name, Value: h.owner}
}

// Renew moves the end to now + life. Code "lease-lost" (Kind Conflict) says that another has taken it.
func (h Held) Renew(ctx context.Context, s store.Store, now time.Time, life time.Duration) (Held, error) {
	n := h
	n.Until = now.Add(life)
	n.until = encode(untilRow{h.Token, n.Until.UnixMilli()})
	_, err := s.Commit(ctx, store.Changes{
		Require: []store.Precondition{h.Fence(), store.RecordIs{Space: Space, Key: untilKey(h.Name), Value: h.until}},
		Records: []store.Record{{Space: Space, Key: untilKey(h.Name), Value: n.until}},
	})
	if Changed(err) {
		return h, fhir.Wrap(fhir.Conflict, "lease-lost", err, h.Name)
	}
	if err != nil {
		return h, err
	}
	return n, nil
}

// Release prepares the commit that gives the lease back, with the result of what was done under it.
func (h Held) Release() store.Changes {
	return store.Changes{
		Require: []store.Precondition{h.Fence()},
		Records: []store.Record{{Space: Space, Key: h.Name, Value: encode(ownerRow{Token: h.Token})}},
	}
}

// Lives says whether the lease was taken with this token, is not given back, and is not over at now. A false answer is
// final: tokens only grow, and a holder whose lease is over may only renew it while nobody has acted on this answer in a
// commit that changes what the holder's own commits demand.
func Lives(ctx context.Context, s store.Store, name string, token uint64, now time.Time) (bool, error) {
	_, owner, err := read[ownerRow](ctx, s, name)
	if err != nil || owner.Token != token || owner.Holder == "" {
		return false, err
	}
	_, until, err := read[untilRow](ctx, s, untilKey(name))
	return err == nil && now.UnixMilli() < until.Until, err
}

// Changed says whether err is the store's word that a compare-and-set lost its race (code "record-changed").
func Changed(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == "record-changed"
}

// read gives the bytes of a row, nil if there is none, and what they say.
func read[T any](ctx context.Context, s store.Store, key string) (raw []byte, row T, err error) {
	raw, found, err := s.Record(ctx, Space, key)
	if err != nil || !found {
		return nil, row, err
	}
	if err := json.Unmarshal(raw, &row); err != nil {
		return nil, row, fhir.Wrap(fhir.Internal, "lease-unreadable", err, key)
	}
	return raw, row, nil
}

func encode(row any) []byte {
	b, err := json.Marshal(row)
	if err != nil {
		panic("lease: a row of numbers and text cannot fail to encode: " + err.Error())
	}
	return b
}
