package scheduler

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Spaces of this room; keys and values are shown in the package comment.
const (
	SpaceJobs  store.Space = "jobs"
	SpaceSlots store.Space = "slots"
)

// State is where a slot is.
type State string

const (
	Requested State = "requested"
	Running   State = "running"
	Finished  State = "finished"
	Failed    State = "failed"
	Lost      State = "lost"   // its server died and the policy is not to run it again
	Missed    State = "missed" // it went by
)

// jobRow is the row of a job.
type jobRow struct {
	Cursor   int64    `json:"cursor"`             // newest slot decided on, ms
	Current  string   `json:"current,omitempty"`  // key of the slot that runs
	Requests []string `json:"requests,omitempty"` // keys of manual slots, oldest first, at most maxRequests
	Paused   *Pause   `json:"paused,omitempty"`
}

// Pause says who stopped a job, when and why.
type Pause struct {
	By     string       `json:"by"`
	Reason string       `json:"reason"`
	At     fhir.Instant `json:"at"`
}

// SlotRecord is the durable row of a slot.
type SlotRecord struct {
	Key     string       `json:"-"`
	State   State        `json:"state"`
	At      fhir.Instant `json:"at"`
	Manual  bool         `json:"manual,omitempty"`
	By      string       `json:"by,omitempty"`     // who asked for it
	Try     int          `json:"try,omitempty"`    // how often it was begun
	Holder  string       `json:"holder,omitempty"` // server of the last try
	Token   uint64       `json:"token,omitempty"`  // its lease token
	Started fhir.Instant `json:"started,omitempty"`
	Ended   fhir.Instant `json:"ended,omitempty"`
	Message string       `json:"message,omitempty"` // why it failed or was lost, for operators
	// Since is set when slots before this one went by with it: those after Since and before At. 0 = none.
	Since fhir.Instant `json:"since,omitempty"`
}

func leaseName(job string) string { return "job/" + job }

// slotKey gives the key of a slot's row; keys of a job sort by time.
func slotKey(job string, at time.Time, manual bool) string {
	k := job + "/" + fhir.InstantOf(at).String()
	if manual {
		k += "/manual"
	}
	return k
}

// readRow gives a row's bytes (nil if there is none) and fills row from them.
func readRow(ctx context.Context, s store.Store, space store.Space, key string, row any) ([]byte, error) {
	raw, found, err := s.Record(ctx, space, key)
	if err != nil || !found {
		return nil, err
	}
	if err := json.Unmarshal(raw, row); err != nil {
		return nil, fhir.Wrap(fhir.Internal, "scheduler-record-unreadable", err, string(space), key)
	}
	return raw, nil
}

func encodeRow(row any) []byte {
	b, err := json.Marshal(row)
	if err != nil {
		panic("scheduler: a row of numbers and text cannot fail to encode: " + err.Error())
	}
	return b
}

// swap is a compare-and-set of one row: old nil demands that there is none.
type swap struct {
	space store.Space
	key   string
	old   []byte
	new   any
}

func (w swap) addTo(c *store.Changes) {
	c.Require = append(c.Require, store.RecordIs{Space: w.space, Key: w.key, Value: w.old})
	c.Records = append(c.Records, store.Record{Space: w.space, Key: w.key, Value: encodeRow(w.new)})
}
