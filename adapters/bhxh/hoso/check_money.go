package hoso

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Rules on money say nothing where one of their numbers is missing or malformed: FLD-01 and FLD-03 do.

// differs fails a field whose number is another than want.
func (a at) differs(field string, want *apd.Decimal) {
	if got, ok := a.Decimal(field); ok && got.Cmp(want) != 0 {
		a.fail(field)
	}
}

// amounts compares an amount of each line of a table with its formula.
func (c *checker) amounts(id ID, field string, of func(*Amounts) *apd.Decimal) {
	c.every(func(r at) {
		if l, ok := LineOf(r.Row); ok {
			want := l.Amounts()
			r.differs(field, of(&want))
		}
	}, id)
}

func thanhTienBV(a *Amounts) *apd.Decimal { return &a.ThanhTienBV }
func thanhTienBH(a *Amounts) *apd.Decimal { return &a.ThanhTienBH }

// drugAmount is AMT-01.
func drugAmount(c *checker) { c.amounts(XML2, "THANH_TIEN_BV", thanhTienBV) }

// drugCovered is AMT-02.
func drugCovered(c *checker) { c.amounts(XML2, "THANH_TIEN_BH", thanhTienBH) }

// serviceAmount is AMT-03.
func serviceAmount(c *checker) { c.amounts(XML3, "THANH_TIEN_BV", thanhTienBV) }

// serviceCovered is AMT-04.
func serviceCovered(c *checker) { c.amounts(XML3, "THANH_TIEN_BH", thanhTienBH) }

// lines calls look for each line of XML2 and XML3.
func (c *checker) lines(look func(at)) { c.every(look, XML2, XML3) }

// otherSources is AMT-05.
func otherSources(c *checker) {
	c.lines(func(r at) {
		var sum apd.Decimal
		for _, f := range [...]string{"T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL"} {
			v, ok := r.Decimal(f)
			if !ok {
				return
			}
			must(exact.Add(&sum, &sum, &v))
		}
		r.differs("T_NGUONKHAC", &sum)
	})
}

// split is AMT-06, on the amounts that the line has.
func split(c *checker) {
	c.lines(func(r at) {
		bv, ok1 := r.Decimal("THANH_TIEN_BV")
		bh, ok2 := r.Decimal("THANH_TIEN_BH")
		mucHuong, ok3 := r.Decimal("MUC_HUONG")
		other, ok4 := r.Decimal("T_NGUONKHAC")
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return
		}
		want := Split(bv, bh, mucHuong, other)
		r.differs("T_BHTT", &want.TBHTT)
		r.differs("T_BNCCT", &want.TBNCCT)
		r.differs("T_BNTT", &want.TBNTT)
	})
}

// tolerance is by how much the rounded parts of a line may miss its amount (AMT-07).
var tolerance = apd.New(1, -2)

// partsAddUp is AMT-07.
func partsAddUp(c *checker) {
	c.lines(func(r at) {
		off, ok := r.Decimal("THANH_TIEN_BV")
		for _, f := range [...]string{"T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC"} {
			v, good := r.Decimal(f)
			ok = ok && good
			must(exact.Sub(&off, &off, &v))
		}
		off.Negative = false
		if ok && off.Cmp(tolerance) > 0 {
			r.fail("THANH_TIEN_BV")
		}
	})
}

// rateFitsScope is AMT-08.
func rateFitsScope(c *checker) {
	c.lines(func(r at) {
		rate, ok := r.Decimal("TYLE_TT_BH")
		if ok && (rate.Cmp(hundred) > 0 || r.Get("PHAM_VI") == "2" && !rate.IsZero()) {
			r.fail("TYLE_TT_BH")
		}
	})
}

var hundred = apd.New(100, 0)

// benefitRate is AMT-09 as far as a file can tell. On route: the benefit of one of the cards, or 100 where no share is
// due (small cost, commune station, exemption). Off route: not more than the benefit, since the rates off route are not
// among our facts. A card of 10 digits does not tell the benefit, so nothing is said.
func benefitRate(c *checker) {
	var of []*apd.Decimal
	for _, card := range several(c.x.Get("MA_THE_BHYT")) {
		percent, known := 0, false
		if len(card) == 15 {
			percent, known = benefits[card[2]]
		}
		if !known {
			return
		}
		of = append(of, apd.New(int64(percent), 0))
	}
	if len(of) == 0 {
		return
	}
	doiTuong := c.x.Get("MA_DOITUONG_KCB")
	onRoute, offRoute := doiTuong == "2" || strings.HasPrefix(doiTuong, "1."), strings.HasPrefix(doiTuong, "3.")
	free := c.free()
	c.lines(func(r at) {
		rate, ok := r.Decimal("MUC_HUONG")
		if !ok {
			return
		}
		same := func(b *apd.Decimal) bool { return b.Cmp(&rate) == 0 }
		less := func(b *apd.Decimal) bool { return rate.Cmp(b) <= 0 }
		switch {
		case onRoute && !(free && rate.Cmp(hundred) == 0) && !slices.ContainsFunc(of, same),
			offRoute && !slices.ContainsFunc(of, less):
			r.fail("MUC_HUONG")
		}
	})
}

// free says whether the patient owes no share on route: the covered cost of the visit is below 15 % of the base salary,
// the co-payment of the year is exempt, not from a day after the discharge on, or it is a commune station.
func (c *checker) free() bool {
	exempt, out := c.x.Get("NGAY_MIEN_CCT"), c.x.Get("NGAY_RA") // a day, or a minute: told apart by its day
	if exempt != "" && exempt[:min(8, len(exempt))] <= out[:min(8, len(out))] || c.x.Get("MA_LOAI_KCB") == "06" || slices.Contains(c.o.FreeOfCharge, c.h.MaCSKCB()) {
		return true
	}
	covered, ok := c.x.Decimal("T_TONGCHI_BH")
	below := smallCost(c.x.Get("NGAY_RA"))
	return !ok || covered.Cmp(&below) < 0
}

// smallCost is 15 % of the base salary that holds at a day of discharge.
func smallCost(ngayRa string) apd.Decimal {
	vnd := baseSalaries[0].vnd
	for _, s := range baseSalaries {
		if s.from <= ngayRa {
			vnd = s.vnd
		}
	}
	return *apd.New(vnd*15, -2)
}

// total compares a sum of XML1 with its lines. What cannot be summed up is told by the lines' own findings.
func (c *checker) total(field string, of func(*Totals) *apd.Decimal) {
	if !c.summed {
		c.sums, c.adds = SumUp(c.h)
		c.summed = true
	}
	if c.adds {
		c.x.differs(field, of(&c.sums))
	}
}

// totalDrugs is TOT-01.
func totalDrugs(c *checker) { c.total("T_THUOC", func(t *Totals) *apd.Decimal { return &t.TThuoc }) }

// totalSupplies is TOT-02.
func totalSupplies(c *checker) { c.total("T_VTYT", func(t *Totals) *apd.Decimal { return &t.TVTYT }) }

// totalsOfLines is TOT-03.
func totalsOfLines(c *checker) {
	c.total("T_TONGCHI_BV", func(t *Totals) *apd.Decimal { return &t.TTongChiBV })
	c.total("T_TONGCHI_BH", func(t *Totals) *apd.Decimal { return &t.TTongChiBH })
	c.total("T_BNTT", func(t *Totals) *apd.Decimal { return &t.TBNTT })
	c.total("T_BNCCT", func(t *Totals) *apd.Decimal { return &t.TBNCCT })
	c.total("T_NGUONKHAC", func(t *Totals) *apd.Decimal { return &t.TNguonKhac })
}

// totalOfFund is TOT-04.
func totalOfFund(c *checker) {
	bh, ok1 := c.x.Decimal("T_TONGCHI_BH")
	bncct, ok2 := c.x.Decimal("T_BNCCT")
	if ok1 && ok2 {
		c.x.differs("T_BHTT", sub(&bh, &bncct))
	}
}

// totalByFee is TOT-05.
func totalByFee(c *checker) {
	c.total("T_BHTT_GDV", func(t *Totals) *apd.Decimal { return &t.TBHTTGDV })
}
