package bhxhmock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Faults are the switches of PUT /faults; each one that is set is on. A PUT replaces all of them, {} switches all off.
//
//	{"seed": 7, "dropAfterAccept": {"count": 1}, "status": {"status": 503, "probability": 0.1}}
//	{"delay": {"for": "2s", "accept": true}, "tokenExpired": {"count": 1, "on": ["status"]}}
//	{"delay": {"for": "3m", "linger": true, "count": 1}}
//
// The order in which they act: delay, dropBeforeAccept, tokenExpired, then one of status, html200, emptyBody, wrongReply,
// dropAfterAccept.
type Faults struct {
	Seed uint64 `json:"seed,omitempty"` // of the probabilities

	Delay            *Fault `json:"delay,omitempty"`            // wait For; with accept: after the decision; with linger: even when the caller has gone
	Status           *Fault `json:"status,omitempty"`           // answer with HTTP Status (503) and HTML
	DropBeforeAccept *Fault `json:"dropBeforeAccept,omitempty"` // cut the connection, nothing is taken
	DropAfterAccept  *Fault `json:"dropAfterAccept,omitempty"`  // take the file, then cut the connection
	HTML200          *Fault `json:"html200,omitempty"`          // an HTML page with status 200
	EmptyBody        *Fault `json:"emptyBody,omitempty"`        // status 200 and nothing
	WrongReply       *Fault `json:"wrongReply,omitempty"`       // maKetQua 200 without maGiaoDich
	TokenExpired     *Fault `json:"tokenExpired,omitempty"`     // the session is ended: maKetQua 401
}

// Fault is one switch. Without count and probability it acts each time until it is switched off.
type Fault struct {
	Count       int      `json:"count,omitempty"`       // acts so many times; counts down
	Probability float64  `json:"probability,omitempty"` // acts with this probability, 0 to 1
	On          []string `json:"on,omitempty"`          // calls: claim, checkIn, status, batches, settlement, token, card, or *; none = claim
	For         Duration `json:"for,omitempty"`         // of delay
	Status      int      `json:"status,omitempty"`      // of status
	Linger      bool     `json:"linger,omitempty"`      // of delay: go on when the caller has hung up, as behind a proxy that keeps the request
	Accept      *bool    `json:"accept,omitempty"`      // the file is taken before the fault acts; default: not for status and delay, yes for html200, emptyBody, wrongReply
	Acted       int      `json:"acted,omitempty"`       // how often it did; GET /faults tells
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

// named gives the switches with their names, in the order in which they act.
func (f *Faults) named() []struct {
	name string
	at   **Fault
} {
	return []struct {
		name string
		at   **Fault
	}{
		{"delay", &f.Delay}, {"dropBeforeAccept", &f.DropBeforeAccept}, {"tokenExpired", &f.TokenExpired}, {"status", &f.Status},
		{"html200", &f.HTML200}, {"emptyBody", &f.EmptyBody}, {"wrongReply", &f.WrongReply}, {"dropAfterAccept", &f.DropAfterAccept},
	}
}

// switches hold the faults; mu guards both fields and is never held while a fault acts.
type switches struct {
	mu  sync.Mutex
	on  Faults
	rng *rand.Rand
}

var calls = []string{CallClaim, CallCheckIn, CallStatus, CallBatches, CallSettlement, CallToken, CallCard, "*"}

func (s *switches) set(f Faults) error {
	for _, n := range f.named() {
		if *n.at == nil {
			continue
		}
		c := **n.at // a copy: the caller keeps his
		if c.Count < 0 || c.Probability < 0 || c.Probability > 1 {
			return fmt.Errorf("%s: count must not be negative, probability 0 to 1", n.name)
		}
		if n.name != "delay" && (c.For != 0 || c.Linger) {
			return fmt.Errorf("%s: \"for\" and \"linger\" belong to delay", n.name)
		}
		if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
			return fmt.Errorf("%s: status must be 200 to 599", n.name)
		}
		for _, call := range c.On {
			if !slices.Contains(calls, call) {
				return fmt.Errorf("%s: there is no call %q", n.name, call)
			}
		}
		c.Acted = 0
		*n.at = &c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.rng = f, rand.New(rand.NewPCG(f.Seed, f.Seed))
	return nil
}

func (s *switches) get() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.on
	for _, n := range f.named() {
		if *n.at != nil {
			c := **n.at
			*n.at = &c
		}
	}
	return f
}

// struck is what strikes one request.
type struck struct {
	delay  time.Duration
	linger bool // the delay outlives the caller
	after  bool // the delay comes after the decision
	name   string
	status int
	accept bool // the request is processed before name acts
}

// pick decides what strikes a request of this call: the delay, and the first other switch that acts.
func (s *switches) pick(call string) struck {
	s.mu.Lock()
	defer s.mu.Unlock()
	var x struck
	for _, n := range s.on.named() {
		f := *n.at
		if f == nil || x.name != "" || !f.acts(call, s.rng) {
			continue
		}
		if n.name == "delay" {
			x.delay, x.after, x.linger = time.Duration(f.For), f.Accept != nil && *f.Accept, f.Linger
			continue
		}
		x.name, x.status = n.name, f.Status
		if x.status == 0 {
			x.status = http.StatusServiceUnavailable
		}
		switch n.name {
		case "dropBeforeAccept", "tokenExpired":
		case "dropAfterAccept":
			x.accept = true
		default:
			x.accept = n.name != "status"
			if f.Accept != nil {
				x.accept = *f.Accept
			}
		}
	}
	return x
}

func (f *Fault) acts(call string, rng *rand.Rand) bool {
	on := f.On
	if len(on) == 0 {
		on = []string{CallClaim}
	}
	if !slices.Contains(on, call) && !slices.Contains(on, "*") || f.Count > 0 && f.Acted >= f.Count {
		return false
	}
	if f.Probability > 0 && rng.Float64() >= f.Probability {
		return false
	}
	f.Acted++
	return true
}

// reply is what the ledger notes of a request that x strikes.
func (x struck) reply() Reply {
	switch x.name {
	case "":
		return ReplySent
	case "dropBeforeAccept", "dropAfterAccept":
		return ReplyDropped
	case "tokenExpired":
		return ReplySent
	}
	return ReplyReplaced
}

// wait is the delay, if it belongs here; it ends early when the caller goes away, unless it lingers.
func (x struck) wait(r *http.Request, after bool) {
	if x.delay <= 0 || x.after != after {
		return
	}
	t := time.NewTimer(x.delay)
	defer t.Stop()
	gone := r.Context().Done()
	if x.linger {
		gone = nil
	}
	select {
	case <-t.C:
	case <-gone:
	}
}

const htmlPage = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n"

// strike answers in place of the true reply; false if nothing strikes.
func (x struck) strike(w http.ResponseWriter) bool {
	switch x.name {
	case "dropBeforeAccept", "dropAfterAccept":
		panic(http.ErrAbortHandler) // net/http's way to cut the connection
	case "status":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, htmlPage)
	case "html200":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, htmlPage)
	case "emptyBody":
		w.WriteHeader(http.StatusOK)
	case "wrongReply":
		write(w, wire.SendReply{MaKetQua: wire.Accepted})
	default:
		return false
	}
	return true
}

func (m *Mock) getFaults(w http.ResponseWriter, _ *http.Request) { write(w, m.faults.get()) }

func (m *Mock) putFaults(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	var f Faults
	err := d.Decode(&f)
	if err == nil {
		err = m.faults.set(f)
	}
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, err)
		return
	}
	write(w, m.faults.get())
}
