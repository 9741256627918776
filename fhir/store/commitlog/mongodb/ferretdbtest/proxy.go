package ferretdbtest

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Proxy stands between the driver and a server and harms what passes, message by message.
type Proxy struct {
	URI string // of the server, through the proxy

	ln net.Listener
	wg sync.WaitGroup

	mu     sync.Mutex // guards what follows
	target string
	harm   Harm
	rng    *rand.Rand
	change func(request, answer []byte) []byte
	conns  map[net.Conn]struct{}
	done   bool
}

// Harm is what a Proxy does, each with a probability for one message.
type Harm struct {
	Down      bool          // nobody gets through, and connections are cut
	CutBefore float64       // the request is lost: the connection ends before the server has it
	Half      float64       // the server gets half of the request, then the connection ends
	CutAfter  float64       // the server has carried the request out, and its answer is lost
	Delay     time.Duration // longest wait before an answer is passed on
}

// NewProxy starts one that harms nothing.
func NewProxy(tb testing.TB, s Server, seed uint64) *Proxy {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{target: s.Direct, ln: ln, rng: rand.New(rand.NewPCG(seed, 1)), conns: map[net.Conn]struct{}{}}
	name := s.URI[strings.LastIndex(s.URI, "/")+1:]
	p.URI = "mongodb://" + ln.Addr().String() + "/" + name + "?directConnection=true"
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		p.mu.Lock()
		p.done = true
		p.mu.Unlock()
		_ = ln.Close()
		p.Set(Harm{Down: true})
		p.wg.Wait()
	})
	return p
}

// Set changes what it does.
func (p *Proxy) Set(h Harm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.harm = h
	if h.Down {
		for c := range p.conns {
			_ = c.Close()
		}
	}
}

// Change has it pass on what change makes of the answer to each request, which the server has carried out; nil: the connection ends.
// Several connections call it at once.
func (p *Proxy) Change(change func(request, answer []byte) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// changed gives what is passed on in place of an answer.
func (p *Proxy) changed(request, answer []byte) []byte {
	p.mu.Lock()
	change := p.change
	p.mu.Unlock()
	if change == nil {
		return answer
	}
	return change(request, answer)
}

// To has it stand before another server from now on; those who are connected have to come again.
func (p *Proxy) To(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for c := range p.conns {
		_ = c.Close()
	}
}

// chance gives the harm of now and draws one number for each of its kinds.
func (p *Proxy) chance() (h Harm, draw [4]float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range draw {
		draw[i] = p.rng.Float64()
	}
	return p.harm, draw
}

func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.harm.Down || p.done {
		_ = c.Close()
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		if p.keep(c) {
			p.wg.Go(func() { p.serve(c) })
		}
	}
}

// serve passes requests on one after the other, and each one's answer.
func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	for {
		request, err := message(client)
		if err != nil {
			return
		}
		h, draw := p.chance()
		if draw[0] < h.CutBefore {
			return
		}
		if draw[1] < h.Half {
			_, _ = server.Write(request[:len(request)/2])
			return
		}
		if _, err := server.Write(request); err != nil {
			return
		}
		answer, err := message(server)
		if err != nil || draw[2] < h.CutAfter {
			return
		}
		if answer = p.changed(request, answer); answer == nil {
			return
		}
		if h.Delay > 0 {
			time.Sleep(time.Duration(draw[3] * float64(h.Delay)))
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// message reads one message of MongoDB's wire protocol: it begins with its length.
func message(c net.Conn) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < 16 || n > 64<<20 {
		return nil, errors.New("no message")
	}
	m := make([]byte, n)
	copy(m, head[:])
	_, err := io.ReadFull(c, m[4:])
	return m, err
}

const opMsg = 2013

// document gives what a message says, without the documents that an insert may have apart; nil for old forms of messages.
func document(message []byte) bson.Raw {
	if len(message) < 26 || binary.LittleEndian.Uint32(message[12:]) != opMsg || message[20] != 0 {
		return nil
	}
	doc := bson.Raw(message[21:])
	if n := binary.LittleEndian.Uint32(doc); int(n) <= len(doc) {
		return doc[:n]
	}
	return nil
}

// saying gives a message that says something else to the same question.
func saying(message []byte, doc bson.D) ([]byte, error) {
	raw, err := bson.Marshal(doc)
	if err != nil {
		return nil, err
	}
	m := append(append([]byte{}, message[:16]...), 0, 0, 0, 0, 0) // no flags, one document
	m = append(m, raw...)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	return m, nil
}
