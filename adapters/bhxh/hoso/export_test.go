package hoso

import "github.com/lienthong/lienthong/adapters/bhxh/wire"

// Decided lists the rules that have a function.
func Decided() (ids []string) {
	for _, c := range checks {
		ids = append(ids, c.rule)
	}
	return ids
}

// ReadBothWays reads a table by the short way, and by the parser.
func ReadBothWays(text []byte, l *Layout) (short []Row, ok bool, parsed Table, err error) {
	short, ok = readPlain(text, l, 100)
	r := tableReader{d: wire.PlainDecoder(text), lim: Limits{Bytes: 1 << 20, Rows: 100}, t: Table{Layout: l}}
	root, err := wire.Root(r.d)
	if err == nil && root != l.Root {
		err = wire.ErrNotEnvelope
	}
	if err == nil {
		err = r.read()
	}
	return short, ok, r.t, err
}

// Odd says whether elements were unknown or misplaced.
func (t Table) Odd() bool { return len(t.odd) > 0 }
