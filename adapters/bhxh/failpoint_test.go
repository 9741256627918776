package bhxh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/store"
)

// step names a step of a delivery, and which time it is taken.
type step struct {
	name string // "before the write of sending"
	nth  int    // from 1
}

func (s step) String() string { return fmt.Sprintf("%s (%d)", s.name, s.nth) }

// steps are before and after each write and each network call of a delivery, with the times that they are struck.
func steps() (all []step) {
	for _, what := range []struct {
		name  string
		times int
	}{
		{"write of a slot", 6}, {"write of sending", 2}, {"write of accepted", 1}, {"write of unknown", 2}, {"write of queued", 1},
		{"write of assessed", 1}, {"call log-in", 2}, {"call claim", 2}, {"call status", 3},
	} {
		for n := range what.times {
			all = append(all, step{"before the " + what.name, n + 1}, step{"after the " + what.name, n + 1})
		}
	}
	return all
}

// trap strikes the server that takes a step, whichever it is, once. What it does there may kill the server, stop it for a
// while, or move its clock.
//
// mu guards what follows; it is never held while a server is struck.
type trap struct {
	mu     sync.Mutex
	at     step // that is struck; none while its name is ""
	strike func(*node)
	taken  map[string]int // steps since it was set
	struck bool
}

func (t *trap) set(at step, strike func(*node)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.strike, t.taken, t.struck = at, strike, map[string]int{}, false
}

// pass is a step of a server. Nothing that a dead one does has an effect.
func (t *trap) pass(s *node, name string) error {
	if s.dead.Load() {
		return errDead
	}
	t.mu.Lock()
	if t.taken == nil {
		t.taken = map[string]int{}
	}
	t.taken[name]++
	hit, strike := !t.struck && t.at == step{name, t.taken[name]}, t.strike
	t.struck = t.struck || hit
	t.mu.Unlock()
	if hit {
		strike(s)
	}
	if s.dead.Load() {
		return errDead
	}
	return nil
}

// failing is the store of a server, with a step before and after each write.
type failing struct {
	store.Store
	node  *node
	trap  *trap
	wrote func(store.Changes, func() error) error // the write itself, and a look at it
}

func (s failing) Commit(ctx context.Context, c store.Changes) (r store.Receipt, err error) {
	what := "of a slot"
	for _, rec := range c.Records {
		if rec.Space == delivery.SpaceItems {
			what = "of " + string(stateOf(rec.Value))
		}
	}
	if err := s.trap.pass(s.node, "before the write "+what); err != nil {
		return r, err
	}
	err = s.wrote(c, func() error {
		r, err = s.Store.Commit(ctx, c)
		return err
	})
	if dead := s.trap.pass(s.node, "after the write "+what); dead != nil {
		return store.Receipt{}, dead
	}
	return r, err
}

func stateOf(row []byte) delivery.State {
	var it delivery.Item
	if json.Unmarshal(row, &it) != nil {
		return ""
	}
	return it.State
}

// line is the network of a server, with a step before and after each call.
type line struct {
	node     *node
	trap     *trap
	next     http.RoundTripper
	answered *atomic.Int64 // status queries that were answered
}

func (l line) RoundTrip(r *http.Request) (*http.Response, error) {
	what := map[string]string{"take": "log-in", "KQGiamDinhHoSo": "status"}[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	if what == "" {
		what = "claim"
	}
	if err := l.trap.pass(l.node, "before the call "+what); err != nil {
		return nil, err
	}
	res, err := l.next.RoundTrip(r)
	if dead := l.trap.pass(l.node, "after the call "+what); dead != nil {
		if err == nil {
			res.Body.Close()
		}
		return nil, dead
	}
	if err == nil && what == "status" {
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		var reply wire.StatusReply
		if err == nil && json.Unmarshal(raw, &reply) == nil && reply.MaKetQua == wire.Accepted {
			l.answered.Add(1)
		}
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(raw), failed{err}))
	}
	return res, err
}

// failed is a body that ends with an error, or with its end.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// names is a dialer whose name server fails as often as it is told.
type names struct{ fails atomic.Int64 }

func (n *names) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n.fails.Load() > 0 && n.fails.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "server misbehaving", Name: "portal", IsTemporary: true}}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// late is a proxy that keeps a claim file after its sender has given up, and delivers it at its time.
type late struct {
	mu   sync.Mutex // guards both
	arm  bool
	kept []*http.Request
}

// keeps takes a request that is to be delivered later.
func (l *late) keeps(r *http.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.arm || !strings.Contains(r.URL.Path, "guiHoSoXml") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	l.arm = false
	kept := r.Clone(context.WithoutCancel(r.Context()))
	kept.Body = io.NopCloser(bytes.NewReader(body))
	l.kept = append(l.kept, kept)
	return true
}

func (l *late) take() (kept []*http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, l.kept, l.arm = l.kept, nil, false
	return kept
}

// expected says whether an error of a tick is what a struck server has.
func expected(err error) bool {
	return err == nil || errors.Is(err, errDead) || strings.Contains(fmt.Sprint(err), errDead.Error())
}
