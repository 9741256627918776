package delivery

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	strict "github.com/go-json-experiment/json"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Spaces of this room; keys and values are shown in the package comment.
const (
	SpaceItems    store.Space = "outbox"
	SpaceHeads    store.Space = "outbox-heads"
	SpaceEpisodes store.Space = "outbox-episodes"
	SpaceDue      store.Space = "outbox-due"
	SpaceAttempts store.Space = "attempts"
	SpaceReceipts store.Space = "outbox-receipts"
)

// Key names an item: one version of one claim.
type Key struct {
	Claim   fhir.ID
	Version fhir.Version
}

// String gives the key of the item's row; the rows of a claim sort by version.
func (k Key) String() string { return string(k.append(make([]byte, 0, len(k.Claim)+11))) }

func (k Key) append(b []byte) []byte {
	return appendDigits(append(append(b, k.Claim...), '/'), uint64(k.Version), 10)
}

// appendDigits appends a number with leading zeros up to a width, so that keys sort by it. Keys are made too often for fmt.
func appendDigits(b []byte, n uint64, width int) []byte {
	var room [20]byte
	digits := strconv.AppendUint(room[:0], n, 10)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// appendTime appends a time as keys have it.
func appendTime(b []byte, at fhir.Instant) []byte { return appendDigits(b, uint64(at), 13) }

// ParseKey reads what String gives.
func ParseKey(s string) (Key, bool) { return parseKey(s) }

func parseKey(s string) (Key, bool) {
	id, v, ok := strings.Cut(s, "/")
	n, err := strconv.ParseUint(v, 10, 64)
	return Key{Claim: fhir.ID(id), Version: fhir.Version(n)}, ok && err == nil
}

// Item is one version of a claim on its way. State is the first member of its row, so that it can be counted unparsed.
type Item struct {
	State    State        `json:"state"`
	Claim    fhir.ID      `json:"claim"`
	Version  fhir.Version `json:"version"`
	PB       uint64       `json:"pb"`                // version as the other side sees it, see Enqueue; normally Version
	Facility string       `json:"facility"`          // MA_CSKCB
	Episode  string       `json:"episode"`           // MA_LK
	Patient  string       `json:"patient,omitempty"` // Patient/id
	// Sender is the organization as which this version was sent, SenderAny where it is not to be held against registrations; "" = not noted.
	Sender string `json:"sender,omitempty"`
	Resend bool   `json:"resend,omitempty"` // an earlier version has left the house

	Created fhir.Instant `json:"created"`
	Since   fhir.Instant `json:"since"`           // in this state
	Due     fhir.Instant `json:"due,omitempty"`   // when there is something to do next; 0 = nothing by itself
	Sends   int          `json:"sends,omitempty"` // attempts so far
	Asks    int          `json:"asks,omitempty"`  // status queries since it is in this state

	// Of the last attempt: its lease, and when for certain nothing of it can arrive any more (see Settled).
	Lease  string       `json:"lease,omitempty"`
	Token  uint64       `json:"token,omitempty"`
	Closed fhir.Instant `json:"closed,omitempty"`

	// Missing is when the query was begun that was first told, late enough, that the item was not received; 0 = not yet.
	Missing fhir.Instant `json:"missing,omitempty"`
	// Doubt says that it left unknown because it was said not to be received: if that was wrong, a file of it still comes to
	// effect. Such an item is asked about once more before it is sent again, and watched for a while (Config.Watch).
	Doubt bool `json:"doubt,omitempty"`

	Assessment Assessment `json:"assessment,omitempty"` // once it is assessed
	Payment    *Payment   `json:"payment,omitempty"`    // once it is settled

	// RunsOut is when its next Clock runs out, 0 if none runs; Overdue are those that did, in this state.
	RunsOut fhir.Instant `json:"runsOut,omitempty"`
	Overdue []Clock      `json:"overdue,omitempty"`
	Heard   fhir.Instant `json:"heard,omitempty"`   // of the newest status query that told of it while it is accepted
	Checked bool         `json:"checked,omitempty"` // the other side is past receiving it: it has looked at its form

	MaGiaoDich string   `json:"maGiaoDich,omitempty"` // receipt number of the other side
	Others     []string `json:"others,omitempty"`     // receipt numbers of further effects of this version, see Observe
	Response   string   `json:"response,omitempty"`   // ClaimResponse/id, once there is one
	Reason     *Reason  `json:"reason,omitempty"`
	Findings   []Reason `json:"findings,omitempty"` // of our own check while held, at most maxFindings
	Decided    *Ruling  `json:"decided,omitempty"`
}

// SenderAny is the Sender of what anybody may have sent: the server, or who may send for all facilities.
const SenderAny = "-"

// Ruling is what a person decided about an item, the last time one did.
type Ruling struct {
	By       string       `json:"by"`
	Decision Decision     `json:"decision"`
	Reason   string       `json:"reason"`
	At       fhir.Instant `json:"at"`
}

// Payment is what the other side paid for an item, as it said so.
type Payment struct {
	Settlement string       `json:"settlement"`       // of which settlement, such as 2026Q1
	Amount     string       `json:"amount,omitempty"` // VND, as decimal text; "" if the settlement does not tell it for each claim
	Date       string       `json:"date,omitempty"`   // yyyy-mm-dd
	At         fhir.Instant `json:"at"`               // when we learned of it
}

const maxFindings = 50

// Key gives the item's key.
func (i Item) Key() Key { return Key{Claim: i.Claim, Version: i.Version} }

// Row is an item with the bytes it was read from, which each change of it demands to be still there.
type Row struct {
	Item
	raw []byte
	kin *family // all versions of its claim as they were read with it; nil: not read yet
}

// dueKey gives the key of the item's row among the due ones, "" if it has none.
func (i Item) dueKey() string {
	if i.Due == 0 {
		return ""
	}
	var room [128]byte
	b := append(append(room[:0], i.work()...), '/')
	b = append(append(b, url.PathEscape(i.Facility)...), '/')
	return string(i.Key().append(append(appendTime(b, i.Due), '/')))
}

// Work is what there is to do with a due item.
type Work string

const (
	ToSend Work = "send" // queued: to be sent; held: to be checked again
	InSend Work = "sent" // sending: to be seen to if its process has died
	ToAsk  Work = "ask"  // unknown, accepted: ask the other side; what was sent again also later, see Config.Watch
)

func (i Item) work() Work {
	switch i.State {
	case Sending:
		return InSend
	case Unknown, Accepted, Assessed, Settled, Rejected, Withdrawn:
		return ToAsk
	default:
		return ToSend
	}
}

// head says which version of a claim counts.
type head struct {
	Version fhir.Version `json:"version"`       // newest item of the claim
	Off     string       `json:"off,omitempty"` // reason code why the claim is not wanted any more
}

// episode says which claim holds an episode and the highest PB given out for it.
type episode struct {
	Claim fhir.ID `json:"claim"`
	PB    uint64  `json:"pb"`
}

// Attempt is one sending of an item; its row is written before the first byte leaves and completed afterwards.
type Attempt struct {
	N        int          `json:"n"`
	Slot     string       `json:"slot,omitempty"` // slot of the scheduler, by its time
	Lease    string       `json:"lease"`
	Token    uint64       `json:"token"`
	Holder   string       `json:"holder,omitempty"` // server
	Started  fhir.Instant `json:"started"`
	Deadline fhir.Instant `json:"deadline"` // the sender gives up at this instant at the latest
	SHA256   string       `json:"sha256"`   // of the file, lower-case hex
	Bytes    int          `json:"bytes"`

	Ended       fhir.Instant `json:"ended,omitempty"`
	Outcome     State        `json:"outcome,omitempty"` // what the attempt made of the item; "" while it is open
	HTTPStatus  int          `json:"httpStatus,omitempty"`
	MaKetQua    string       `json:"maKetQua,omitempty"`
	MaGiaoDich  string       `json:"maGiaoDich,omitempty"`
	ReplySHA256 string       `json:"replySha256,omitempty"`
	Text        string       `json:"text,omitempty"` // thongDiep
	// Late is set when the outcome came after the item had been given up as unknown; it is evidence and changed no state.
	Late bool `json:"late,omitempty"`
}

func attemptKey(k Key, n int) string {
	return string(appendDigits(append(k.append(make([]byte, 0, len(k.Claim)+16)), '/'), uint64(n), 4))
}

// readRow gives a row's bytes (nil if there is none) and fills v from them.
func (o *Outbox) readRow(ctx context.Context, space store.Space, key string, v any) ([]byte, error) {
	raw, found, err := o.store.Record(ctx, space, key)
	if err != nil || !found {
		return nil, err
	}
	return raw, decode(space, key, raw, v)
}

func decode(space store.Space, key string, raw []byte, v any) error {
	if err := strict.Unmarshal(raw, v); err != nil { // of what encode made, in a third of the time
		return fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(space), key)
	}
	return nil
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("delivery: a row of numbers and text cannot fail to encode: " + err.Error())
	}
	return b
}
