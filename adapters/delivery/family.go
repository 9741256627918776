package delivery

import (
	"bytes"
	"context"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// family is all versions of a claim as they stood at one look, oldest first.
type family struct {
	head head
	raw  []byte // the head's row
	rows []Row
}

func (o *Outbox) family(ctx context.Context, claim fhir.ID) (family, error) {
	var f family
	var err error
	if f.raw, err = o.readRow(ctx, SpaceHeads, string(claim), &f.head); err != nil {
		return f, err
	}
	if f.head.Version == 1 { // as of most claims: there can be no other item, and one row is found without an iterator
		row, err := o.Load(ctx, Key{claim, 1})
		if err != nil {
			return f, err
		}
		f.rows = []Row{row}
		return f, nil
	}
	for rec, err := range o.store.Records(ctx, SpaceItems, string(claim)+"/", string(claim)+"0") {
		if err != nil {
			return f, err
		}
		row := Row{raw: bytes.Clone(rec.Value)}
		if err := decode(SpaceItems, rec.Key, rec.Value, &row.Item); err != nil {
			return f, err
		}
		f.rows = append(f.rows, row)
	}
	return f, nil
}

// around gives the family of an item: as it was read with the item, else as it stands. What rests on it demands in its commit
// that it still is so.
func (o *Outbox) around(ctx context.Context, row Row) (family, error) {
	if row.kin != nil {
		return *row.kin, nil
	}
	return o.family(ctx, row.Claim)
}

// of gives the item of a version; the zero Row if there is none.
func (f family) of(v fhir.Version) Row {
	for _, r := range f.rows {
		if r.Version == v {
			return r
		}
	}
	return Row{}
}

// with gives the family with one item changed, or added as the newest.
func (f family) with(row Row) family {
	f.rows = slices.Clone(f.rows)
	for i := range f.rows {
		if f.rows[i].Version == row.Version {
			f.rows[i] = row
			return f
		}
	}
	f.rows = append(f.rows, row)
	f.head.Version = row.Version
	return f
}

// told gives the versions that the claim's Task tells of: those that ever left the house, and the newest at the end.
func (f family) told() []Row {
	var out []Row
	for _, r := range f.rows {
		if r.Version == f.head.Version || r.Sends > 0 {
			out = append(out, r)
		}
	}
	return out
}

// decidedAfter says whether a version after v has a decision as FHIR: then one of v comes too late to be the newest.
func (f family) decidedAfter(v fhir.Version) bool {
	return slices.ContainsFunc(f.rows, func(r Row) bool { return r.Version > v && r.Response != "" })
}

// mayHaveEffect says whether the other side may have something of the item.
func (i Item) mayHaveEffect() bool {
	switch i.State {
	case Sending, Unknown, Accepted, Assessed, Settled:
		return true
	}
	return len(i.Others) > 0
}

func (f family) same(g family) bool {
	return bytes.Equal(f.raw, g.raw) && slices.EqualFunc(f.rows, g.rows, func(a, b Row) bool { return bytes.Equal(a.raw, b.raw) })
}

// openBefore says whether a version before v may still come to an effect that nobody knows of.
func (f family) openBefore(v fhir.Version) bool {
	return slices.ContainsFunc(f.rows, func(r Row) bool { return r.Version < v && (r.State == Sending || r.State == Unknown) })
}
