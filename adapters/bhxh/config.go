package bhxh

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler"
)

// Names of the jobs.
const (
	SyncJob   = "bhxh-sync"
	StatusJob = "bhxh-status"
	ClockJob  = "bhxh-deadlines"
)

// Account is a log-in at the portal and the facilities that it may speak for.
type Account struct {
	Client     *gateway.Client
	Facilities []string // MA_CSKCB; empty = all that no other account names
}

// Config is what the jobs need; Store, Outbox and Accounts are required.
type Config struct {
	Store    store.Store
	Outbox   *delivery.Outbox
	Accounts []Account
	Systems  mapping.Systems

	Schedule       string           // of the sending; "" is every 5 minutes
	StatusSchedule string           // of the asking; "" is every 5 minutes
	Zone           string           // of both; "" is cron.DefaultZone
	CatchUp        scheduler.Policy // of sending slots that went by
	Jitter         time.Duration    // of sending slots
	Lease          time.Duration    // see scheduler.Job; 0 is its default
	Plans          map[string]Plan  // by MA_CSKCB: facilities with a job of their own

	Batch       int     // items of a facility read at once; 0 is 100
	Concurrency int     // files of a facility under way at once; 0 is 4
	Facilities  int     // facilities at work at once; 0 is 4
	PerSecond   float64 // files sent in a second, all facilities together; 0 is no bound
	CheckIns    bool    // send check-ins too, see CheckIns.Hook
	AtOnce      int     // calls under way at once, all facilities together; 0 is no bound
	Breaker     Breaker
	Server      string        // name of this server, where others share the log: PerSecond, AtOnce and Breaker are of all together; "" = it is alone
	Timeout     time.Duration // of sending one file; 0 is that of the client
	RepeatAfter time.Duration // first wait before a log-in or a query is repeated; 0 is 200 ms
	Reason      string        // LD of a corrected file; "" is DefaultReason
	Path        SendPath      // "" is ByDecision
	Signer      Signer        // of claim files; nil: they are sent without a signature

	// Registered says whether who sent a claim or a check-in may, as of now, send for its facility: else it is held. nil = everybody may.
	Registered func(context.Context, Sent) (bool, error)

	Now func() time.Time // nil is time.Now
	Log *slog.Logger     // nil is slog.Default
}

// Sent is what goes out of a facility: the Claim, or the Encounter of a check-in, and as whom it was sent, see delivery.Item.
type Sent struct {
	Key              fhir.Key
	Facility, Sender string
}

// Signer puts a facility's signature into a claim file (CHUKYDONVI). Safe for concurrent use. A file that cannot be
// signed is not sent; it is tried again later.
type Signer interface {
	Sign(ctx context.Context, maCSKCB string, file []byte) ([]byte, error)
}

// SendPath says on which of the portal's two paths claim files go.
type SendPath string

const (
	ByDecision SendPath = "auto"   // the one of the decision in force at discharge
	QD4750     SendPath = "qd4750" // always that of decision 4750
	QD3176     SendPath = "qd3176" // always that of decision 3176, which amends 4750
)

// DefaultReason is why a corrected file says it is sent again.
const DefaultReason = "Cơ sở khám bệnh, chữa bệnh điều chỉnh hồ sơ"

const (
	defaultSchedule = "*/5 * * * *"
	clockSchedule   = "*/5 * * * *"
	// stopGrace is how long a file that is under way may still take when the server stops.
	stopGrace = 5 * time.Second
)

// Sync holds the two jobs. Any number of servers may run them; the scheduler lets one work at a time.
type Sync struct {
	Config
	gate  *gate
	pace  *pace
	paces map[string]*pace // of facilities that have one

	remembered remembered
}

// NewSync checks c. Kind Invalid, code "bhxh-accounts", if no account is given or two claim the same facility.
func NewSync(c Config) (*Sync, error) {
	if len(c.Accounts) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-accounts", "")
	}
	seen := map[string]bool{}
	for _, a := range c.Accounts {
		names := a.Facilities
		if len(names) == 0 {
			names = []string{""}
		}
		for _, f := range names {
			if seen[f] || a.Client == nil {
				return nil, fhir.Errorf(fhir.Invalid, "bhxh-accounts", "")
			}
			seen[f] = true
		}
	}
	atLeast := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	atLeast(&c.Batch, 100)
	atLeast(&c.Concurrency, 4)
	atLeast(&c.Facilities, 4)
	if c.Schedule == "" {
		c.Schedule = defaultSchedule
	}
	if c.StatusSchedule == "" {
		c.StatusSchedule = defaultSchedule
	}
	if c.RepeatAfter <= 0 {
		c.RepeatAfter = 200 * time.Millisecond
	}
	if c.Reason == "" {
		c.Reason = DefaultReason
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Sync{Config: c, pace: newPace(c.PerSecond), paces: map[string]*pace{}}
	s.gate = newGate(s)
	for facility, p := range c.Plans {
		if p.PerSecond > 0 {
			s.paces[facility] = newPace(p.PerSecond)
		}
	}
	return s, nil
}

// client gives the client that speaks for a facility, nil if there is none.
func (s *Sync) client(facility string) *gateway.Client {
	var any *gateway.Client
	for _, a := range s.Accounts {
		if slices.Contains(a.Facilities, facility) {
			return a.Client
		}
		if len(a.Facilities) == 0 {
			any = a.Client
		}
	}
	return any
}
