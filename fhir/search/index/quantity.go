package index

import (
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// currencySystem is the system of Money.currency.
const currencySystem = "urn:iso:std:iso:4217"

func (x *Indexer) quantity(p search.ParamID, e *r4.Element, v resource.Value, inComposite bool) {
	switch e.TypeName {
	case "Range":
		x.one(p, quantityOf(v.Get("low")), inComposite)
		x.one(p, quantityOf(v.Get("high")), inComposite)
	case "SampledData":
		low, high, ok := sampled(v)
		if ok {
			x.one(p, low, inComposite)
			x.one(p, high, inComposite)
		}
	case "Money":
		x.one(p, search.Quantity{Value: v.Get("value").Text(), Code: v.Get("currency").Text(), System: currencySystem}, inComposite)
	default:
		if e.Primitive == r4.NotPrimitive {
			x.one(p, quantityOf(v), inComposite)
		}
	}
}

// quantityOf reads a Quantity or one of its kinds (Age, Duration, ...).
func quantityOf(v resource.Value) (q search.Quantity) {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		switch c.Name() {
		case "comparator":
			q.Comparator = c.Text()
		case "value":
			q.Value = c.Text()
		case "code":
			q.Code = c.Text()
		case "system":
			q.System = c.Text()
		case "unit":
			q.Unit = c.Text()
		}
	}
	return q
}

func (x *Indexer) one(p search.ParamID, q search.Quantity, inComposite bool) {
	if q.Value == "" {
		return
	}
	from, ok := len(x.buf), false
	if inComposite {
		x.buf, ok = search.AppendQuantityPart(x.buf, q)
		x.keep(p, from, ok)
		return
	}
	x.buf, ok = search.AppendQuantity(x.buf, q)
	x.keep(p, from, ok)
	if q.Code != "" {
		from = len(x.buf)
		x.buf, ok = search.AppendQuantityCode(x.buf, q, false)
		x.keep(p|search.ParamDetail, from, ok)
	}
	if q.Unit != "" && q.Unit != q.Code {
		from = len(x.buf)
		x.buf, ok = search.AppendQuantityCode(x.buf, q, true)
		x.keep(p|search.ParamDetail, from, ok)
	}
}

// keep adds what was appended, or takes it back.
func (x *Indexer) keep(p search.ParamID, from int, ok bool) {
	if !ok {
		x.buf = x.buf[:from]
		return
	}
	x.add(p, from)
}

// sampled gives the least and the greatest value of a series: origin + sample × factor, in the unit of origin.
func sampled(v resource.Value) (low, high search.Quantity, ok bool) {
	low = quantityOf(v.Get("origin"))
	factor := v.Get("factor").Text()
	if factor == "" {
		factor = "1"
	}
	origin, _, err1 := apd.NewFromString(low.Value)
	scale, _, err2 := apd.NewFromString(factor)
	if err1 != nil || err2 != nil {
		return low, low, false
	}
	var least, greatest, sample apd.Decimal
	for s := range strings.FieldsSeq(v.Get("data").Text()) { // E, U and L are no numbers: error, below, above
		if _, _, err := sample.SetString(s); err != nil || sample.Form != apd.Finite {
			continue
		}
		if !ok || sample.Cmp(&least) < 0 {
			least.Set(&sample)
		}
		if !ok || sample.Cmp(&greatest) > 0 {
			greatest.Set(&sample)
		}
		ok = true
	}
	high = low
	low.Value, high.Value = value(origin, scale, &least), value(origin, scale, &greatest)
	return low, high, ok
}

func value(origin, factor, sample *apd.Decimal) string {
	var d apd.Decimal
	c := apd.BaseContext.WithPrecision(100)
	if _, err := c.Mul(&d, sample, factor); err != nil {
		return ""
	}
	if _, err := c.Add(&d, &d, origin); err != nil {
		return ""
	}
	return d.Text('E')
}
