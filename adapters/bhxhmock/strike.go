package bhxhmock

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// struck is what strikes one request; the zero struck is nothing.
type struck struct {
	delay  time.Duration
	linger bool // the delay outlives the caller
	after  bool // the delay comes after the decision
	lag    time.Duration

	name       string // of the switch
	accept     bool   // the request is processed before name acts
	status     int
	retryAfter int
	over       time.Duration // of trickle
	other      string        // maGiaoDich of otherReply
}

// reply is what the ledger notes of a request that x strikes.
func (x struck) reply() Reply {
	switch x.name {
	case "", "tokenExpired", "twiceReply", "trickle":
		return ReplySent
	case "dropBeforeAccept", "dropAfterAccept", "reset":
		return ReplyDropped
	}
	return ReplyReplaced
}

// wait is the delay, if it belongs here; it ends early when the caller goes away, unless it lingers.
func (x struck) wait(r *http.Request, after bool) {
	if x.delay <= 0 || x.after != after {
		return
	}
	gone := r.Context().Done()
	if x.linger {
		gone = nil
	}
	pause(x.delay, gone)
}

// pause waits, and says whether it was not cut short.
func pause(d time.Duration, gone <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-gone:
		return false
	}
}

const htmlPage = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n"

// answer gives the reply, or what strikes in its place. It does not return where the connection is cut.
func (x struck) answer(w http.ResponseWriter, r *http.Request, reply any) {
	raw, err := json.Marshal(reply)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	page := func(status int) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, htmlPage)
	}
	switch x.name {
	case "dropBeforeAccept", "dropAfterAccept":
		panic(http.ErrAbortHandler) // net/http's way to cut the connection
	case "reset":
		reset(w)
	case "status":
		page(cmp.Or(x.status, http.StatusServiceUnavailable))
	case "rateLimit":
		w.Header().Set("Retry-After", strconv.Itoa(x.retryAfter))
		page(http.StatusTooManyRequests)
	case "html200":
		page(http.StatusOK)
	case "emptyBody":
		w.WriteHeader(http.StatusOK)
	case "wrongReply":
		write(w, wire.SendReply{MaKetQua: wire.Accepted})
	case "otherReply":
		write(w, wire.SendReply{MaKetQua: wire.Accepted, MaGiaoDich: x.other})
	case "twiceReply":
		twice(w, raw)
	case "truncate":
		w.Header().Set("Content-Type", wire.JSONType)
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		_, _ = w.Write(raw[:len(raw)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "trickle":
		trickle(w, r, raw, x.over)
	default:
		write(w, reply)
	}
}

// trickle sends a reply byte by byte.
func trickle(w http.ResponseWriter, r *http.Request, raw []byte, over time.Duration) {
	w.Header().Set("Content-Type", wire.JSONType)
	out := http.NewResponseController(w)
	for i := range raw {
		if !pause(over/time.Duration(len(raw)), r.Context().Done()) {
			return
		}
		if _, err := w.Write(raw[i : i+1]); err != nil {
			return
		}
		_ = out.Flush()
	}
}

// twice sends a reply, and again as the answer to whatever comes next on the connection, which nobody reads.
func twice(w http.ResponseWriter, raw []byte) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 has no such fault
	}
	defer conn.Close()
	reply := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", wire.JSONType, len(raw), raw)
	if _, err := conn.Write(reply); err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(keptOpen))
	if _, err := buffered.Peek(1); err == nil {
		_, _ = conn.Write(reply)
	}
}

// keptOpen is how long a connection waits for its second reply.
const keptOpen = 10 * time.Second

func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // what is not acknowledged is thrown away
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler)
}
