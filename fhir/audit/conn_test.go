package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// answering is a server behind the audit handler whose connections hold answers back: GET /fhir/Patient/p?size=n gives n bytes.
type answering struct {
	*ward
	server *httptest.Server
}

func newAnswering(t *testing.T, secure bool) *answering {
	t.Helper()
	a := &answering{ward: newWard(t)}
	a.handler.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("size"))
		w.Header().Set("X-Asked", r.Header.Get("X-Request-Id"))
		for n > 0 { // in pieces, some of which fill the connection's memory and some pass it by
			piece := min(n, 5000)
			if _, err := w.Write(bytes.Repeat([]byte{'x'}, piece)); err != nil {
				return
			}
			n -= piece
		}
	})
	a.server = httptest.NewUnstartedServer(a.handler)
	a.server.Listener = Hold(a.server.Listener)
	a.server.Config.ConnContext = ConnContext
	if secure {
		a.server.StartTLS()
	} else {
		a.server.Start()
	}
	t.Cleanup(a.server.Close)
	return a
}

func (a *answering) dial(t *testing.T) net.Conn {
	t.Helper()
	d := &net.Dialer{Timeout: fhirtest.Patience}
	address := a.server.Listener.Addr().String()
	if a.server.TLS == nil {
		c, err := d.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c, err := tls.DialWithDialer(d, "tcp", address, &tls.Config{InsecureSkipVerify: true}) // its own certificate, of this test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// has says whether the journal's files tell of a request.
func (w *ward) has(t *testing.T, request string) bool {
	t.Helper()
	files, err := segments(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range files {
		raw, err := os.ReadFile(segmentPath(w.dir, first))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(`"`+request+`"`)) {
			return true
		}
	}
	return false
}

func ask(method string, size int, request string, more ...string) string {
	return fmt.Sprintf("%s /fhir/Patient/p1?size=%d HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n%s\r\n", method, size, request, strings.Join(more, ""))
}

// receive reads one answer whole and holds it to what was asked.
func receive(t *testing.T, r *bufio.Reader, method string, size int, request string) {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("X-Asked") != request {
		t.Fatalf("%s: %v %d %q", request, err, resp.StatusCode, resp.Header.Get("X-Asked"))
	}
	if want := size; method != http.MethodHead && len(body) != want {
		t.Fatalf("%s: %d bytes instead of %d", request, len(body), want)
	}
}

// TRACED: whoever has an answer finds its entry in the journal's file, whole answers come in the order of the questions, whatever
// their sizes and however many were asked at once, with TLS and without.
func TestAnswersThatTheirConnectionHolds(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			a := newAnswering(t, secure)
			sizes := []int{0, 1, 700, 3000, 9000, 40_000, 200_000}
			methods := []string{"GET", "GET", "GET", "HEAD", "POST"}
			var wg sync.WaitGroup
			for client := range 8 {
				c := a.dial(t)
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(client), 7))
					r := bufio.NewReader(c)
					for round := range 25 {
						type question struct {
							method, id string
							size       int
						}
						var all []question
						var text strings.Builder
						for i := range 1 + rnd.IntN(4) {
							q := question{methods[rnd.IntN(len(methods))], fmt.Sprintf("c%d-%d-%d", client, round, i), sizes[rnd.IntN(len(sizes))]}
							all = append(all, q)
							more := ""
							if q.method == "POST" {
								more = "Content-Length: 0\r\n"
							}
							text.WriteString(ask(q.method, q.size, q.id, more))
						}
						sent := make(chan error, 1)
						go func() { _, err := io.WriteString(c, text.String()); sent <- err }()
						for _, q := range all {
							receive(t, r, q.method, q.size, q.id)
							if !a.has(t, q.id) {
								t.Errorf("the answer to %s %s of %d bytes is here, its entry is not", q.method, q.id, q.size)
								return
							}
						}
						if err := <-sent; err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// One client that asks and never reads keeps nobody else from his answer, and gets all of his own once he reads.
func TestASlowClientHoldsNobodyUp(t *testing.T) {
	a := newAnswering(t, false)
	slow := a.dial(t)
	const many = 1500
	asked := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < many && err == nil; i++ {
			_, err = io.WriteString(slow, ask("GET", 9000, fmt.Sprintf("slow-%d", i)))
		}
		asked <- err
	}()
	// The answers fill what the two systems take; from then on the server stands before this client.
	stuck := false
	for last, same, others := uint64(0), 0, uint64(0); !stuck; {
		other := a.dial(t)
		if _, err := io.WriteString(other, ask("GET", 700, "other", "Connection: close\r\n")); err != nil {
			t.Fatal(err)
		}
		receive(t, bufio.NewReader(other), "GET", 700, "other")
		_ = other.Close()
		others++
		switch now := a.journal.Size() - 1; { // without this one
		case now == last+1:
			same++
			last = now
			stuck = same > 20
		default:
			same, last = 0, now
		}
		if a.journal.Size()-others >= many {
			t.Fatal("the slow client's answers all went somewhere")
		}
	}
	r := bufio.NewReader(slow)
	for i := range many {
		receive(t, r, "GET", 9000, fmt.Sprintf("slow-%d", i))
	}
	if err := <-asked; err != nil {
		t.Error(err)
	}
}

// The last answer of a connection leaves whole before the connection ends, and before the server does.
func TestConnectionsEndBehindWhatTheyHold(t *testing.T) {
	for _, size := range []int{0, 700, 15_000, 100_000} {
		a := newAnswering(t, false)
		c := a.dial(t)
		if _, err := io.WriteString(c, ask("GET", size, "last", "Connection: close\r\n")); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		receive(t, r, "GET", size, "last")
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("%d bytes: after the answer: %v", size, err)
		}
		c = a.dial(t)
		if _, err := io.WriteString(c, ask("GET", size, "down")); err != nil {
			t.Fatal(err)
		}
		for !a.has(t, "down") { // its answer is made; it may still be held
		}
		ended := make(chan error, 1)
		go func() { ended <- a.server.Config.Shutdown(context.WithoutCancel(t.Context())) }()
		receive(t, bufio.NewReader(c), "GET", size, "down")
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TRACED: when the journal cannot be written, not one byte of what waits for it leaves, and who asks then is told so in words.
func TestAnswersOfAJournalThatFails(t *testing.T) {
	a := newAnswering(t, false)
	c := a.dial(t)
	r := bufio.NewReader(c)
	if err := os.RemoveAll(a.dir); err != nil { // the next file of lines cannot be made
		t.Fatal(err)
	}
	told := 0
	for i := range 1000 {
		id := fmt.Sprintf("r%d", i)
		if _, err := io.WriteString(c, ask("GET", 700, id)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if told == 0 {
				t.Fatal("nothing was ever answered: the test shows nothing")
			}
			if left, _ := io.ReadAll(r); len(left) > 0 {
				t.Fatalf("of an answer that is in no journal came %q", left)
			}
			break
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if told++; a.journal.Size() < uint64(told) {
			t.Fatalf("%d answers (the last: %d), and the journal has %d lines", told, resp.StatusCode, a.journal.Size())
		}
	}
	resp, err := http.Get(a.server.URL + "/fhir/Patient/p1?size=700")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "audit-halted") {
		t.Errorf("afterwards: %d %s", resp.StatusCode, body)
	}
}

// While the disk is full each answer but those of the first group says so; when there is room again, the same clients are answered.
func TestAnswersWhileTheDiskIsFull(t *testing.T) {
	a := newAnswering(t, false)
	disk := &smallDisk{left: 1 << 40}
	s, _ := newSigner(t)
	j, err := Open(t.TempDir(), Options{Signer: s, SegmentBytes: 4 << 10, open: disk.open})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	a.handler.Journal = j
	status := func() (int, string) {
		resp, err := http.Get(a.server.URL + "/fhir/Patient/p1?size=700")
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if code, body := status(); code != http.StatusOK {
		t.Fatal(code, body)
	}
	disk.set(0)
	answered := 0
	for code, _ := status(); code == http.StatusOK; code, _ = status() { // what was reserved is still written
		if answered++; answered > 1000 {
			t.Fatal("a full disk takes everything")
		}
	}
	for range 3 {
		if code, body := status(); code != http.StatusServiceUnavailable || !strings.Contains(body, "audit-unavailable") {
			t.Errorf("the disk is full: %d %s", code, body)
		}
	}
	disk.set(1 << 40)
	for range 3 {
		if code, body := status(); code != http.StatusOK {
			t.Errorf("there is room again: %d %s", code, body)
		}
	}
}

// TRACED: of several answers that wait on one connection none leaves when the entry of one of them could not be kept, though the
// journal went on after it.
func TestAnAnswerBehindOneThatIsLost(t *testing.T) {
	for lost := range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.SetReadDeadline(time.Now().Add(fhirtest.Patience)); err != nil {
			t.Fatal(err)
		}
		accepted, err := Hold(l).Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := accepted.(*heldConn)
		var groups []*group
		for i := range 3 {
			g := newGroup(nil)
			groups = append(groups, g)
			c.hold(g)
			c.hold(g) // two requests of one group
			if _, err := fmt.Fprint(c, "answer ", i); err != nil {
				t.Fatal(err)
			}
		}
		for i, g := range groups {
			if i == lost {
				g.err = errFull
			}
			close(g.done)
		}
		for i := range groups {
			c.release(groups[len(groups)-1-i]) // as late as may be
		}
		if left, err := io.ReadAll(client); err != nil || len(left) > 0 {
			t.Errorf("the entry of answer %d is lost: %q, %v", lost, left, err)
		}
		if _, err := c.Write([]byte("more")); err == nil {
			t.Error("a connection whose answer is lost goes on")
		}
	}
}
