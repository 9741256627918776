package delivery

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Summary counts items, which are versions of claims, by their state.
type Summary map[State]int

// String gives the states that have any, in the order of a claim's life: "queued 3, accepted 12".
func (s Summary) String() string {
	var b strings.Builder
	for _, st := range States {
		if n := s[st]; n > 0 {
			if b.Len() > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %d", st, n)
		}
	}
	return b.String()
}

const (
	// summaryQuick is what a count may take to be made anew each time; one that took longer is told again for summaryShare times as long.
	summaryQuick = 200 * time.Millisecond
	summaryShare = 20
	// summaryLongest bounds a count, which goes on when who asked for it has given up: the next one has it then.
	summaryLongest = 10 * time.Minute
)

// Summary counts the items in the outbox. It reads all items unless nothing was committed since the last call, or that took long: over
// some hundred thousand items it may be minutes old.
func (o *Outbox) Summary(ctx context.Context) (Summary, error) {
	select {
	case o.counting <- struct{}{}:
		defer func() { <-o.counting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	at, err := o.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	began := o.Now()
	if s := o.summary; s.counts != nil && (s.at == at || s.took > summaryQuick && began.Sub(s.began) < summaryShare*s.took) {
		return maps.Clone(s.counts), nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), summaryLongest)
	defer cancel()
	counts := Summary{}
	for rec, err := range o.store.Records(ctx, SpaceItems, "", "") {
		if err != nil {
			return nil, err
		}
		counts[stateOf(rec.Value)]++
	}
	o.summary.at, o.summary.counts, o.summary.began, o.summary.took = at, counts, began, o.Now().Sub(began)
	return maps.Clone(counts), nil
}

// stateOf reads the state of an item's row without parsing the rest: it is the first member.
func stateOf(row []byte) State {
	rest, ok := bytes.CutPrefix(row, []byte(`{"state":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return ""
	}
	return State(rest[:end])
}

// Status is all that is known about the way of one claim: for an auditor, and for the one who has to decide.
type Status struct {
	Claim    fhir.ID
	Called   string // reason code why the claim is not wanted any more, "" if it is
	Versions []VersionStatus
}

// VersionStatus is one version of the claim with each attempt to send it, oldest first.
type VersionStatus struct {
	Item
	Attempts []Attempt
}

// Status tells the way of a claim, its versions oldest first. Kind NotFound, code "delivery-item-unknown", if it never
// was in the outbox.
func (o *Outbox) Status(ctx context.Context, claim fhir.ID) (Status, error) {
	st := Status{Claim: claim}
	for rec, err := range o.store.Records(ctx, SpaceItems, string(claim)+"/", string(claim)+"0") {
		if err != nil {
			return st, err
		}
		var v VersionStatus
		if err := decode(SpaceItems, rec.Key, rec.Value, &v.Item); err != nil {
			return st, err
		}
		if v.Attempts, err = o.attempts(ctx, v.Key()); err != nil {
			return st, err
		}
		st.Versions = append(st.Versions, v)
	}
	if len(st.Versions) == 0 {
		return st, fhir.Errorf(fhir.NotFound, "delivery-item-unknown", "", "Claim/"+string(claim), 0)
	}
	var h head
	if _, err := o.readRow(ctx, SpaceHeads, string(claim), &h); err != nil {
		return st, err
	}
	st.Called = h.Off
	return st, nil
}

// attempts gives the attempts of an item, oldest first.
func (o *Outbox) attempts(ctx context.Context, k Key) ([]Attempt, error) {
	var out []Attempt
	for rec, err := range o.store.Records(ctx, SpaceAttempts, k.String()+"/", k.String()+"0") {
		if err != nil {
			return nil, err
		}
		var a Attempt
		if err := decode(SpaceAttempts, rec.Key, rec.Value, &a); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
