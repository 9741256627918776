package bhxhmock

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Faults are the switches of PUT /faults; each one that is set is on. A PUT replaces all of them, {} switches all off.
//
//	{"seed": 7, "dropAfterAccept": {"count": 1}, "status": {"status": 503, "probability": 0.1}}
//	{"delay": {"for": "2s", "accept": true}, "tokenExpired": {"count": 1, "on": ["status"]}}
//	{"delay": {"for": "3m", "linger": true, "count": 1, "facilities": ["51901"]}}
//
// delay and lag act beside others; of the rest the first acts that strikes, in the order of the fields.
type Faults struct {
	Seed uint64 `json:"seed,omitempty"` // of the probabilities

	Delay            *Fault `json:"delay,omitempty"`
	Lag              *Fault `json:"lag,omitempty"`
	DropBeforeAccept *Fault `json:"dropBeforeAccept,omitempty"`
	TokenExpired     *Fault `json:"tokenExpired,omitempty"`
	Status           *Fault `json:"status,omitempty"`
	RateLimit        *Fault `json:"rateLimit,omitempty"`
	HTML200          *Fault `json:"html200,omitempty"`
	EmptyBody        *Fault `json:"emptyBody,omitempty"`
	WrongReply       *Fault `json:"wrongReply,omitempty"`
	OtherReply       *Fault `json:"otherReply,omitempty"`
	TwiceReply       *Fault `json:"twiceReply,omitempty"`
	Truncate         *Fault `json:"truncate,omitempty"`
	Trickle          *Fault `json:"trickle,omitempty"`
	Reset            *Fault `json:"reset,omitempty"`
	DropAfterAccept  *Fault `json:"dropAfterAccept,omitempty"`
}

// Fault is one switch. Without count and probability it acts each time until it is switched off.
type Fault struct {
	Count       int      `json:"count,omitempty"`       // acts so many times; counts down
	Skip        int      `json:"skip,omitempty"`        // lets so many pass first
	Probability float64  `json:"probability,omitempty"` // acts with this probability, 0 to 1
	Facilities  []string `json:"facilities,omitempty"`  // acts for these alone; none = all
	On          []string `json:"on,omitempty"`          // calls: claim, checkIn, status, batches, settlement, token, card, or *; none = claim
	For         Duration `json:"for,omitempty"`         // of delay, lag, trickle
	Status      int      `json:"status,omitempty"`      // of status; none = 503
	RetryAfter  int      `json:"retryAfter,omitempty"`  // of rateLimit: seconds; none = 1
	Linger      bool     `json:"linger,omitempty"`      // of delay: go on when the caller has hung up, as behind a proxy that keeps the request
	Accept      *bool    `json:"accept,omitempty"`      // the file is taken before the fault acts; where it is not set, see Switches
	Acted       int      `json:"acted,omitempty"`       // how often it did; GET /faults tells
	Passed      int      `json:"passed,omitempty"`      // how often it was skipped
}

// Switch describes one fault.
type Switch struct {
	Name   string
	Accept string // whether the file is taken: "yes", "no", "yes or accept", "no or accept"
	What   string
	at     func(*Faults) **Fault
}

const (
	acceptYes   = "yes"
	acceptNo    = "no"
	acceptTrue  = "yes, unless accept is false"
	acceptFalse = "no, unless accept is true"
)

// Switches are all faults, in the order in which they act.
var Switches = []Switch{
	{"delay", acceptFalse, "wait `for`: before the decision, with accept after it; with linger even when the caller has gone", func(f *Faults) **Fault { return &f.Delay }},
	{"lag", acceptYes, "what was received less than `for` ago is not told yet by a status query", func(f *Faults) **Fault { return &f.Lag }},
	{"dropBeforeAccept", acceptNo, "cut the connection, nothing is taken", func(f *Faults) **Fault { return &f.DropBeforeAccept }},
	{"tokenExpired", acceptNo, "the session is ended: maKetQua 401", func(f *Faults) **Fault { return &f.TokenExpired }},
	{"status", acceptFalse, "answer with the HTTP `status` and HTML", func(f *Faults) **Fault { return &f.Status }},
	{"rateLimit", acceptFalse, "answer 429 with Retry-After", func(f *Faults) **Fault { return &f.RateLimit }},
	{"html200", acceptTrue, "an HTML page with status 200", func(f *Faults) **Fault { return &f.HTML200 }},
	{"emptyBody", acceptTrue, "status 200 and nothing", func(f *Faults) **Fault { return &f.EmptyBody }},
	{"wrongReply", acceptTrue, "maKetQua 200 without maGiaoDich", func(f *Faults) **Fault { return &f.WrongReply }},
	{"otherReply", acceptFalse, "the reply that an earlier file of the facility got, as a confused proxy gives", func(f *Faults) **Fault { return &f.OtherReply }},
	{"twiceReply", acceptYes, "the reply, and again in answer to the next request on the connection, which is not read", func(f *Faults) **Fault { return &f.TwiceReply }},
	{"truncate", acceptTrue, "half of the reply, then the connection is cut", func(f *Faults) **Fault { return &f.Truncate }},
	{"trickle", acceptTrue, "the reply byte by byte, over `for`", func(f *Faults) **Fault { return &f.Trickle }},
	{"reset", acceptTrue, "reset the connection (RST)", func(f *Faults) **Fault { return &f.Reset }},
	{"dropAfterAccept", acceptYes, "take the file, then cut the connection", func(f *Faults) **Fault { return &f.DropAfterAccept }},
}

// accepts says whether the file is taken when a switch acts.
func (s Switch) accepts(f *Fault) bool {
	switch s.Accept {
	case acceptYes:
		return true
	case acceptNo:
		return false
	}
	if f.Accept != nil {
		return *f.Accept
	}
	return s.Accept == acceptTrue
}

// Duration is a time.Duration that reads and prints as "500ms".
type Duration time.Duration

// MarshalText prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = errors.New("a delay cannot be negative")
	}
	*d = Duration(v)
	return err
}

// switches hold the faults; mu guards both fields and is never held while a fault acts.
type switches struct {
	mu  sync.Mutex
	on  Faults
	rng *rand.Rand
}

var calls = []string{CallClaim, CallCheckIn, CallStatus, CallBatches, CallSettlement, CallToken, CallCard, "*"}

func (s *switches) set(f Faults) error {
	for _, w := range Switches {
		at := w.at(&f)
		if *at == nil {
			continue
		}
		c := **at // a copy: the caller keeps his
		if err := w.check(&c); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		c.Acted, c.Passed = 0, 0
		*at = &c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.rng = f, rand.New(rand.NewPCG(f.Seed, f.Seed))
	return nil
}

func (s Switch) check(f *Fault) error {
	lasts := s.Name == "delay" || s.Name == "lag" || s.Name == "trickle"
	switch {
	case f.Count < 0 || f.Skip < 0 || f.Probability < 0 || f.Probability > 1:
		return errors.New("count and skip must not be negative, probability 0 to 1")
	case f.For != 0 && !lasts:
		return errors.New("\"for\" belongs to delay, lag and trickle")
	case f.Linger && s.Name != "delay":
		return errors.New("\"linger\" belongs to delay")
	case f.Status != 0 && (s.Name != "status" || f.Status < 200 || f.Status > 599):
		return errors.New("\"status\" belongs to status and is 200 to 599")
	case f.RetryAfter != 0 && (s.Name != "rateLimit" || f.RetryAfter < 0):
		return errors.New("\"retryAfter\" belongs to rateLimit and is a number of seconds")
	}
	for _, call := range f.On {
		if !slices.Contains(calls, call) {
			return fmt.Errorf("there is no call %q", call)
		}
	}
	return nil
}

func (s *switches) get() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.on
	for _, w := range Switches {
		if at := w.at(&f); *at != nil {
			c := **at
			*at = &c
		}
	}
	return f
}

// pick decides what strikes a request of this call: the delay, the lag, and the first other switch that acts.
func (s *switches) pick(call string, facilities ...string) struck {
	s.mu.Lock()
	defer s.mu.Unlock()
	var x struck
	for _, w := range Switches {
		f := *w.at(&s.on)
		beside := w.Name == "delay" || w.Name == "lag"
		if f == nil || x.name != "" && !beside || !f.acts(w, call, facilities, s.rng) {
			continue
		}
		switch w.Name {
		case "delay":
			x.delay, x.after, x.linger = time.Duration(f.For), w.accepts(f), f.Linger
		case "lag":
			x.lag = time.Duration(f.For)
		default:
			x.name, x.accept, x.status, x.retryAfter, x.over = w.Name, w.accepts(f), f.Status, max(f.RetryAfter, 1), time.Duration(f.For)
		}
	}
	return x
}

func (f *Fault) acts(w Switch, call string, facilities []string, rng *rand.Rand) bool {
	on := f.On
	if len(on) == 0 {
		on = []string{CallClaim}
		if w.Name == "lag" {
			on = []string{CallStatus}
		}
	}
	if !slices.Contains(on, call) && !slices.Contains(on, "*") || f.Count > 0 && f.Acted >= f.Count {
		return false
	}
	if len(f.Facilities) > 0 && !slices.ContainsFunc(facilities, func(one string) bool { return slices.Contains(f.Facilities, one) }) {
		return false
	}
	if f.Probability > 0 && rng.Float64() >= f.Probability {
		return false
	}
	if f.Passed < f.Skip {
		f.Passed++
		return false
	}
	f.Acted++
	return true
}
