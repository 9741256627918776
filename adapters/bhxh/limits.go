package bhxh

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// SpaceLimits holds what servers that share a log agree on about the portal, in one row that is changed by compare-and-set:
//
//	gateway-limits|portal -> {"next":1772323230000,"rests":0,"servers":{"s-3f2a":{"seats":8,"until":1772323260000}}}
const SpaceLimits store.Space = "gateway-limits"

const limitsKey = "portal"

const (
	// limitsBeat is how often a server that makes calls looks at the row, and says that it is there.
	limitsBeat = time.Second
	// limitsLife is how long what a server has is kept for it. Clocks of servers must differ by less.
	limitsLife = 30 * time.Second
	// turnsFor is how much time the turns cover that a server takes at once, so that not each file costs a commit.
	turnsFor = 250 * time.Millisecond
)

// limitsRow is the row.
type limitsRow struct {
	Next    int64                  `json:"next,omitempty"`  // µs since 1970: the first turn that nobody has
	Rests   int64                  `json:"rests,omitempty"` // ms since 1970: until then the portal is left alone
	Servers map[string]limitsShare `json:"servers,omitempty"`
}

// limitsShare is what a server has of the calls under way; ms since 1970.
type limitsShare struct {
	Seats int   `json:"seats"`
	Until int64 `json:"until"`
}

// limits are the bounds of the portal where several servers make calls to it. Each takes of what is left, so that together they stay
// within them: seats, shared evenly among those that make calls, and turns to send a file. A server that joins gets seats as
// the others give them up, which they do at their next look.
type limits struct {
	store  store.Store
	now    func() time.Time
	server string
	seats  int           // of all servers together; 0 = no bound
	gap    time.Duration // between files of all servers together; 0 = no bound

	lock chan struct{} // holds who has what follows; the store may be asked meanwhile
	seen time.Time     // the last look at the row
	has  limitsShare   // that it left for us
	may  int           // calls that may be under way here; below has.Seats while some are being given up
	rest time.Time     // until when the portal is left alone, as another server found
	turn time.Time     // our next turn
	left int           // turns that we have
}

// newLimits gives nil if s shares them with nobody, or has none.
func newLimits(s *Sync) *limits {
	if s.Server == "" || s.AtOnce <= 0 && s.PerSecond <= 0 && s.Breaker.Failures <= 0 {
		return nil
	}
	return &limits{store: s.Store, now: s.Now, server: s.Server, seats: s.AtOnce, gap: newPace(s.PerSecond).gap, lock: make(chan struct{}, 1)}
}

func (l *limits) hold(ctx context.Context) error {
	select {
	case l.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *limits) release() { <-l.lock }

// look gives how many calls may be under way here, of which used are, and until when the portal is left alone.
func (l *limits) look(ctx context.Context, used int) (may int, rest time.Time, err error) {
	if err := l.hold(ctx); err != nil {
		return 0, rest, err
	}
	defer l.release()
	now := l.now()
	if now.Sub(l.seen) < limitsBeat && now.Sub(l.seen) >= 0 && now.UnixMilli() < l.has.Until {
		return l.may, l.rest, nil
	}
	err = l.change(ctx, func(r *limitsRow) {
		others := 0
		for name, s := range r.Servers {
			if name == l.server || s.Until <= now.UnixMilli() {
				delete(r.Servers, name)
				continue
			}
			others += s.Seats
		}
		l.may = 0
		if l.seats > 0 {
			l.may = max(min(l.seats/(len(r.Servers)+1), l.seats-others), 0)
			if l.may == 0 && l.seats > others { // more servers than seats
				l.may = 1
			}
		}
		l.has = limitsShare{Seats: max(l.may, used), Until: now.Add(limitsLife).UnixMilli()}
		if r.Servers == nil {
			r.Servers = map[string]limitsShare{}
		}
		r.Servers[l.server] = l.has
		l.rest = time.UnixMilli(r.Rests)
	})
	if err != nil {
		l.has = limitsShare{} // nothing is taken for granted
		return 0, l.rest, err
	}
	l.seen = now
	return l.may, l.rest, nil
}

// reserve gives when the next file may be sent.
func (l *limits) reserve(ctx context.Context) (time.Time, error) {
	if err := l.hold(ctx); err != nil {
		return time.Time{}, err
	}
	defer l.release()
	now := l.now()
	for l.left > 0 && l.turn.Before(now) { // turns that went by are lost: they are not made up for
		l.turn, l.left = l.turn.Add(l.gap), l.left-1
	}
	if l.left == 0 {
		n := max(int(turnsFor/l.gap), 1)
		err := l.change(ctx, func(r *limitsRow) {
			first := max(r.Next, now.UnixMicro())
			r.Next = first + int64(n)*l.gap.Microseconds()
			l.turn, l.left = time.UnixMicro(first), n
		})
		if err != nil {
			l.left = 0
			return time.Time{}, err
		}
	}
	at := l.turn
	l.turn, l.left = at.Add(l.gap), l.left-1
	return at, nil
}

// leaveAlone tells the others that the portal is left alone until a moment.
func (l *limits) leaveAlone(ctx context.Context, until time.Time) error {
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.release()
	return l.change(ctx, func(r *limitsRow) { r.Rests = max(r.Rests, until.UnixMilli()) })
}

// change edits the row as it stands at the commit; edit may be called more than once.
func (l *limits) change(ctx context.Context, edit func(*limitsRow)) error {
	for {
		raw, _, err := l.store.Record(ctx, SpaceLimits, limitsKey)
		if err != nil {
			return err
		}
		var row limitsRow
		if raw != nil {
			if err := json.Unmarshal(raw, &row); err != nil {
				return fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(SpaceLimits), limitsKey)
			}
		}
		edit(&row)
		value, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, err = l.store.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: SpaceLimits, Key: limitsKey, Value: raw}},
			Records: []store.Record{{Space: SpaceLimits, Key: limitsKey, Value: value}},
		})
		if !lease.Changed(err) {
			return err
		}
	}
}

// wait returns when the turn of a file has come, or with an error.
func (l *limits) wait(ctx context.Context) error {
	at, err := l.reserve(ctx)
	if err != nil {
		return err
	}
	if !fhir.Pause(ctx, at.Sub(l.now())) {
		return ctx.Err()
	}
	return nil
}

// Calling makes a call that changes nothing through what bounds calls to the portal, for rooms that have calls of their own. An error of
// Kind Busy, code "bhxh-gateway-rests", says that none was made.
func (s *Sync) Calling(ctx context.Context, facility string, do func() error) error {
	client := s.client(facility)
	if client == nil {
		return do()
	}
	_, err := call(ctx, s, client, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// rest is how long a portal is left alone.
func (b Breaker) rest() time.Duration { return cmp.Or(max(b.Rest, 0), time.Minute) }
