package precheck

import (
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
)

// maxPast bounds what is remembered, at about 100 bytes each.
const maxPast = 2_000_000

// Past is what the episodes before tell: the same version of an episode twice in one file (DUP-02), and stays of one
// person at two facilities, over all files (DUP-03). The zero value is a past without anything in it. It is a hoso.Known,
// and for one at a time.
type Past struct {
	sent  map[[16]byte]struct{}
	stays map[[16]byte][]stay
	n     int
}

type stay struct{ maCSKCB, from, to string }

// Full says that no more was remembered, so that DUP-03 may have missed something.
func (p *Past) Full() bool { return p.n >= maxPast }

// Accepted implements hoso.Known: in a file that is not sent yet, what stands in it before counts.
func (p *Past) Accepted(maCSKCB, maLK string, version uint64) bool {
	_, ok := p.sent[hashed(maCSKCB, maLK, strconv.FormatUint(version, 10))]
	return ok
}

// StayedElsewhere implements hoso.Known. Leaving one facility and entering the other in the same minute is a transfer.
func (p *Past) StayedElsewhere(soCCCD, maCSKCB, from, to string) bool {
	for _, s := range p.stays[hashed(soCCCD)] {
		if s.maCSKCB != maCSKCB && s.from < to && from < s.to {
			return true
		}
	}
	return false
}

// begin starts a new file.
func (p *Past) begin() {
	p.n -= len(p.sent)
	p.sent = map[[16]byte]struct{}{}
	if p.stays == nil {
		p.stays = map[[16]byte][]stay{}
	}
}

func (p *Past) learn(h hoso.HoSo) {
	if p.Full() {
		return
	}
	p.n++
	p.sent[hashed(h.MaCSKCB(), h.MaLK(), strconv.FormatUint(h.Version(), 10))] = struct{}{}
	if person, from, to, ok := h.Stay(); ok {
		p.n++
		key := hashed(person)
		p.stays[key] = append(p.stays[key], stay{strings.Clone(h.MaCSKCB()), strings.Clone(from), strings.Clone(to)})
	}
}

func hashed(parts ...string) (key [16]byte) {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(key[:], sum[:])
	return key
}
