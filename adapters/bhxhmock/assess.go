package bhxhmock

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// assessment is one episode under the rules.
type assessment struct {
	facility string
	seed     uint64
	day      string // of discharge, yyyy-MM-dd
	rec      *record
	holding  []int // the rules that hold for it
	seen     map[string]bool
}

// assess decides on the lines of an episode. The decision follows from the rules, the seed, the file, and for overlaps from
// what was received before; a line has the same in every version of its episode, as far as it is the same.
func (rs *Rules) assess(a assessment) []Line {
	a.seen = map[string]bool{}
	for i := range rs.rules {
		if rs.rules[i].holds(a.day, a.rec.total) {
			a.holding = append(a.holding, i)
		}
	}
	out := make([]Line, len(a.rec.lines))
	for i, d := range a.rec.lines {
		out[i] = rs.line(&a, d)
	}
	return out
}

func (rs *Rules) line(a *assessment, d detail) Line {
	l := Line{Table: d.table, STT: d.stt, BHTT: wire.Amount(d.get("T_BHTT"))}
	l.Accepted = l.BHTT
	claimed, ok := hundredths(string(l.BHTT))
	if !ok {
		return l
	}
	least := claimed
	for _, i := range a.holding {
		r := &rs.rules[i]
		if r.Table != "" && r.Table != "XML1" && r.Table != d.table || !matches(r.Where, d.fields) {
			continue
		}
		if left := r.leaves(i, a, d, claimed); left != nil && left.Cmp(least) < 0 {
			least, l.Code, l.Text = left, r.Code, r.VI
		}
	}
	if l.Code != "" {
		l.Accepted = amount(least)
	}
	return l
}

var nothing = new(big.Int)

// leaves gives what the n-th rule pays of a line; nil if it has nothing against it.
func (r *rule) leaves(n int, a *assessment, d detail, claimed *big.Int) *big.Int {
	denied := func(is bool) *big.Int {
		if is {
			return nothing
		}
		return nil
	}
	switch r.Kind {
	case "price":
		ceiling, listed := r.ceilings[d.get(r.Field)]
		price, ok := fixed(cmp.Or(d.get("DON_GIA_BH"), d.get("DON_GIA")), 3)
		if listed && ok && price.Cmp(ceiling) > 0 {
			return share(claimed, ceiling, price)
		}
	case "rate":
		return r.rate(a.rec.total, d, claimed)
	case "sum":
		whole, ok1 := hundredths(d.get("THANH_TIEN_BH"))
		percent, ok2 := hundredths(d.get("MUC_HUONG"))
		if ok1 && ok2 {
			most := share(whole, percent, big.NewInt(100_00))
			return most.Add(most, big.NewInt(1)) // a hundredth for the facility's own rounding
		}
	case "duplicate":
		key, said := append(strconv.AppendInt(nil, int64(n), 10), d.table...), false
		for _, f := range r.Fields {
			value := d.get(f)
			key, said = append(append(key, '|'), value...), said || strings.HasPrefix(f, "MA_") && value != ""
		}
		if !said {
			return nil
		}
		again := a.seen[string(key)]
		a.seen[string(key)] = true
		return denied(again)
	case "overlap":
		return denied(a.rec.overlaps)
	case "document":
		if r.Same != "" {
			return denied(!a.rec.tells(r.Same, d.get(r.Same)))
		}
		return denied(!a.rec.tables[r.Needs])
	case "code":
		of := d.fields
		if r.Table == "XML1" {
			of = a.rec.total
		}
		for value := range strings.SplitSeq(of.get(r.Field), ";") {
			if value != "" && !r.pattern.MatchString(value) {
				return nothing
			}
		}
	case "sample":
		switch pick := a.pick(r.Code, d); {
		case pick < r.Denied:
			return nothing
		case pick < r.Denied+r.Reduced:
			return share(claimed, big.NewInt(r.Percent), big.NewInt(100))
		}
	}
	return nil
}

// rate is the rule about the benefit rate. A visit that is cheap enough, and a card whose holder pays no share any more
// (NGAY_MIEN_CCT), has all paid; of several cards the best counts; a number without a benefit code is not judged.
func (r *rule) rate(total fields, d detail, claimed *big.Int) *big.Int {
	said, ok := hundredths(d.get("MUC_HUONG"))
	if !ok || said.Sign() == 0 || total.get("NGAY_MIEN_CCT") != "" {
		return nil
	}
	if sum, ok := hundredths(total.get("T_TONGCHI_BH")); ok && r.free != nil && sum.Cmp(r.free) < 0 {
		return nil
	}
	best := int64(-1)
	for card := range strings.SplitSeq(total.get("MA_THE_BHYT"), ";") {
		if !cardForm.MatchString(card) || len(card) != 15 {
			return nil
		}
		rate, ok := r.Rates[card[2:3]]
		if !ok {
			return nil
		}
		best = max(best, rate)
	}
	if allowed := big.NewInt(best * 100); said.Cmp(allowed) > 0 {
		return share(claimed, allowed, said)
	}
	return nil
}

// pick draws a number below a thousand for a line: the same in every run and every version.
func (a *assessment) pick(code string, d detail) int {
	of := strconv.AppendUint(make([]byte, 0, 128), a.seed, 10)
	for _, s := range [...]string{code, a.facility, a.rec.maLK, d.table} {
		of = append(append(of, '|'), s...)
	}
	h := sha256.Sum256(strconv.AppendInt(append(of, '|'), int64(d.stt), 10))
	return int(binary.BigEndian.Uint32(h[:]) % 1000)
}

// dayOf gives the day of discharge of an episode; of receipt if it does not say.
func dayOf(total fields, received time.Time) string {
	if s := total.get("NGAY_RA"); len(s) >= 8 {
		if t, err := time.Parse("20060102", s[:8]); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return received.In(wire.Zone).Format(time.DateOnly)
}
