package certificate

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

const (
	revokedPrefix = "revoked|"
	revokedEnd    = "revoked}" // the first key beyond the prefix
	countKey      = "ctr"
)

// revocation is the row of a rid.
type revocation struct {
	Before int64  `json:"before"` // seconds: cards signed before it do not count
	Reason string `json:"reason"`
}

// maxReason bounds the reason, in bytes.
const maxReason = 1000

// Revoke makes all certificates of a patient invalid that were issued up to now. The reason stays in the store and is not
// published. It gives the moment before which cards were signed that count no more: the next full second, since a
// signature's time is in seconds.
func (s *Service) Revoke(ctx context.Context, patient fhir.ID, reason string) (time.Time, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return time.Time{}, fhir.Errorf(fhir.Invalid, "certificate-reason", "Parameters.parameter", maxReason)
	}
	if _, err := s.Interactions.Read(ctx, fhir.Key{Type: "Patient", ID: patient}); err != nil {
		return time.Time{}, err
	}
	// Who may correct a person's vaccinations may call back what was said of them.
	if store.FenceOf(ctx).Grant("Immunization", store.ActionUpdate).None() {
		return time.Time{}, fhir.Errorf(fhir.Denied, "operation-denied", "", "health-cards-revoke")
	}
	ctx = own(ctx)
	before := s.Now().UTC().Truncate(time.Second).Add(time.Second)
	row, err := json.Marshal(revocation{before.Unix(), reason})
	if err != nil {
		return time.Time{}, err
	}
	for range 10 {
		have, found, err := s.store.Record(ctx, space, countKey)
		if err != nil {
			return time.Time{}, err
		}
		n := 0
		if found {
			if n, err = strconv.Atoi(string(have)); err != nil {
				return time.Time{}, err
			}
		}
		_, err = s.store.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: space, Key: countKey, Value: have}},
			Records: []store.Record{
				{Space: space, Key: countKey, Value: []byte(strconv.Itoa(n + 1))},
				{Space: space, Key: revokedPrefix + s.RID(patient), Value: row},
			},
		})
		if err == nil || !changed(err) {
			return before, err
		}
	}
	return time.Time{}, fhir.Errorf(fhir.Busy, "certificate-busy", "")
}

// RevokedBefore tells before which moment cards of a rid were revoked; the zero time = never.
func (s *Service) RevokedBefore(ctx context.Context, rid string) (time.Time, error) {
	raw, found, err := s.store.Record(own(ctx), space, revokedPrefix+rid)
	if err != nil || !found {
		return time.Time{}, err
	}
	var r revocation
	if err := json.Unmarshal(raw, &r); err != nil {
		return time.Time{}, fmt.Errorf("revocation: %w", err)
	}
	return time.Unix(r.Before, 0).UTC(), nil
}

// RevocationList is the list of one key: each rid with the second before which cards of it count no more. A person's
// cards are revoked whatever key signed them, so all keys have the same list.
// Source: https://spec.smarthealth.cards, "Revocation"
func (s *Service) RevocationList(ctx context.Context, keyID string) ([]byte, error) {
	if !s.Keys.Has(keyID) {
		return nil, fhir.Errorf(fhir.NotFound, "certificate-key-unknown", "")
	}
	ctx = own(ctx)
	ctr := "0"
	if have, found, err := s.store.Record(ctx, space, countKey); err != nil {
		return nil, err
	} else if found {
		ctr = string(have)
	}
	rids := resource.ListOf{}
	for r, err := range s.store.Records(ctx, space, revokedPrefix, revokedEnd) {
		if err != nil {
			return nil, err
		}
		var one revocation
		if err := json.Unmarshal(r.Value, &one); err != nil {
			return nil, fmt.Errorf("revocation: %w", err)
		}
		rids = append(rids, strings.TrimPrefix(r.Key, revokedPrefix)+"."+strconv.FormatInt(one.Before, 10))
	}
	b := resource.AppendJSON(nil, resource.ObjectOf{"kid", keyID, "method", "rid", "ctr", resource.Literal(ctr)})
	b = append(b[:len(b)-1], `,"rids":`...)
	return append(resource.AppendJSON(b, rids), '}'), nil
}

// Revocations are published lists as a verifier without a network has them: by key, before when cards of a rid count no
// more.
type Revocations map[string]map[string]time.Time

// Add reads one list.
func (r Revocations) Add(raw []byte) error {
	var list struct {
		KeyID  string   `json:"kid"`
		Method string   `json:"method"`
		RIDs   []string `json:"rids"`
	}
	if err := json.Unmarshal(raw, &list); err != nil || list.KeyID == "" || list.Method != "rid" {
		return fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, "crl")
	}
	of := r[list.KeyID]
	if of == nil {
		of = map[string]time.Time{}
		r[list.KeyID] = of
	}
	for _, one := range list.RIDs {
		rid, at, timed := strings.Cut(one, ".")
		before := time.Unix(1<<40, 0) // without a time all cards of the rid are revoked
		if timed {
			n, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				return unreadable("crl", err)
			}
			before = time.Unix(n, 0)
		}
		if before.After(of[rid]) {
			of[rid] = before
		}
	}
	return nil
}

// Before is Verifier.Revoked.
func (r Revocations) Before(_ context.Context, keyID, rid string) (time.Time, error) {
	return r[keyID][rid].UTC(), nil
}
