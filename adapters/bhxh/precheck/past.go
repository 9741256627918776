package precheck

import (
	"crypto/sha256"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
)

// maxPast bounds what is remembered, at about 100 bytes each.
const maxPast = 2_000_000

// Past is what the episodes before tell: the same version of an episode twice (DUP-02), and stays of one person at two facilities
// (DUP-03), both over all files. A version that another file has with the same content is a copy, which is only information; with
// other content only one of the two can be meant, which is an error. A bare table is no delivery: it counts in its own file alone. The zero value is a past without anything in it. It is a hoso.Known,
// and for one at a time.
type Past struct {
	sent    map[[16]byte]struct{} // in this file
	earlier map[[16]byte][16]byte // in files before: episode and version -> content
	now     map[[16]byte][16]byte // what this file adds to earlier
	stays   map[[16]byte][]stay
	n       int
}

type stay struct{ maCSKCB, from, to string }

// Full says that no more was remembered, so that DUP-03 may have missed something.
func (p *Past) Full() bool { return p.n >= maxPast }

// Accepted implements hoso.Known: in a file that is not sent yet, what stands in it before counts.
func (p *Past) Accepted(maCSKCB, maLK string, version uint64) bool {
	_, ok := p.sent[hashed(maCSKCB, maLK, strconv.FormatUint(version, 10))]
	return ok
}

// inAnotherFile says whether a file before had this version of the episode, and whether it is a copy of that.
func (p *Past) inAnotherFile(h hoso.HoSo, content [16]byte) (there, copied bool) {
	before, there := p.earlier[versionOf(h)]
	return there, before == content
}

func versionOf(h hoso.HoSo) [16]byte {
	return hashed(h.MaCSKCB(), h.MaLK(), strconv.FormatUint(h.Version(), 10))
}

// contentOf is a hash of all rows of an episode.
func contentOf(h hoso.HoSo) (key [16]byte) {
	sum := sha256.New()
	for _, t := range h.Tables {
		io.WriteString(sum, t.Layout.ID.String())
		for _, r := range t.Rows {
			for _, v := range r.Values() {
				io.WriteString(sum, v)
				sum.Write([]byte{0})
			}
			sum.Write([]byte{1})
		}
	}
	copy(key[:], sum.Sum(nil))
	return key
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
	if p.earlier == nil {
		p.earlier = map[[16]byte][16]byte{}
	}
	maps.Copy(p.earlier, p.now)
	p.now = map[[16]byte][16]byte{}
	if p.stays == nil {
		p.stays = map[[16]byte][]stay{}
	}
}

func (p *Past) learn(h hoso.HoSo, content [16]byte, bare bool) {
	if p.Full() {
		return
	}
	p.n++
	if !bare && h.MaLK() != "" {
		p.n++
		p.now[versionOf(h)] = content
	}
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
