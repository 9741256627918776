package hoso

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// line are the rules on the money of one line of XML2 or XML3: AMT-01 to AMT-09. A rule whose numbers are missing or
// malformed says nothing: FLD-01 and FLD-03 do.
func (c *checker) line(r at, xml1 Row) {
	l, ok := LineOf(r.Row)
	bv, okBV := r.Decimal("THANH_TIEN_BV")
	bh, okBH := r.Decimal("THANH_TIEN_BH")
	if ok {
		ruleBV, ruleBH := "AMT-01", "AMT-02"
		if r.layout.ID == XML3 {
			ruleBV, ruleBH = "AMT-03", "AMT-04"
		}
		want := l.Amounts()
		if okBV && bv.Cmp(&want.ThanhTienBV) != 0 {
			r.fail(ruleBV, "THANH_TIEN_BV")
		}
		if okBH && bh.Cmp(&want.ThanhTienBH) != 0 {
			r.fail(ruleBH, "THANH_TIEN_BH")
		}
	}
	c.sources(r)
	bhtt, ok1 := r.Decimal("T_BHTT")
	bncct, ok2 := r.Decimal("T_BNCCT")
	bntt, ok3 := r.Decimal("T_BNTT")
	if parts := ok1 && ok2 && ok3 && okBV; parts {
		if ok && okBH {
			want := Split(bv, bh, l.MucHuong, l.NguonKhac)
			r.differs("AMT-06", "T_BHTT", &bhtt, &want.TBHTT)
			r.differs("AMT-06", "T_BNCCT", &bncct, &want.TBNCCT)
			r.differs("AMT-06", "T_BNTT", &bntt, &want.TBNTT)
		}
		if other, good := r.Decimal("T_NGUONKHAC"); good {
			off := sub(&bv, add(add(&bhtt, &bncct), add(&bntt, &other)))
			off.Negative = false
			if off.Cmp(apd.New(1, -2)) > 0 {
				r.fail("AMT-07", "THANH_TIEN_BV")
			}
		}
	}
	if rate, good := r.Decimal("TYLE_TT_BH"); good {
		if rate.Cmp(apd.New(100, 0)) > 0 || r.Get("PHAM_VI") == "2" && !rate.IsZero() {
			r.fail("AMT-08", "TYLE_TT_BH")
		}
	}
	if mucHuong, good := r.Decimal("MUC_HUONG"); good && !benefitFits(&mucHuong, xml1) {
		r.fail("AMT-09", "MUC_HUONG")
	}
}

func (a at) differs(rule, field string, got, want *apd.Decimal) {
	if got.Cmp(want) != 0 {
		a.fail(rule, field)
	}
}

// sources is AMT-05.
func (c *checker) sources(r at) {
	total, ok := r.Decimal("T_NGUONKHAC")
	var sum apd.Decimal
	for _, f := range [...]string{"T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL"} {
		v, good := r.Decimal(f)
		ok = ok && good
		must(exact.Add(&sum, &sum, &v))
	}
	if ok && total.Cmp(&sum) != 0 {
		r.fail("AMT-05", "T_NGUONKHAC")
	}
}

// benefitFits is AMT-09 as far as a file can tell: on route the benefit of one of the cards, or 100. Whether 100 is due
// (small cost, commune station, exemption) and the off-route rates need the facility's level; they are not judged.
func benefitFits(mucHuong *apd.Decimal, xml1 Row) bool {
	doiTuong := xml1.Get("MA_DOITUONG_KCB")
	if doiTuong != "2" && !strings.HasPrefix(doiTuong, "1.") || mucHuong.Cmp(apd.New(100, 0)) == 0 {
		return true
	}
	cards := split(xml1.Get("MA_THE_BHYT"))
	for _, card := range cards {
		if len(card) != 15 {
			return true // the number alone does not tell the benefit
		}
		if percent, ok := benefits[card[2]]; ok && mucHuong.Cmp(apd.New(int64(percent), 0)) == 0 {
			return true
		}
	}
	return len(cards) == 0
}

// totals are the rules on the sums of XML1: TOT-01 to TOT-05.
func (c *checker) totals(r at, h HoSo) {
	sums, ok := SumUp(h)
	if !ok {
		return // the lines' own findings say why
	}
	for _, t := range [...]struct {
		rule, field string
		want        *apd.Decimal
	}{
		{"TOT-01", "T_THUOC", &sums.TThuoc},
		{"TOT-02", "T_VTYT", &sums.TVTYT},
		{"TOT-03", "T_TONGCHI_BV", &sums.TTongChiBV},
		{"TOT-03", "T_TONGCHI_BH", &sums.TTongChiBH},
		{"TOT-03", "T_BNTT", &sums.TBNTT},
		{"TOT-03", "T_BNCCT", &sums.TBNCCT},
		{"TOT-03", "T_NGUONKHAC", &sums.TNguonKhac},
		{"TOT-05", "T_BHTT_GDV", &sums.TBHTTGDV},
	} {
		if got, good := r.Decimal(t.field); good {
			r.differs(t.rule, t.field, &got, t.want)
		}
	}
	bhtt, ok1 := r.Decimal("T_BHTT")
	bh, ok2 := r.Decimal("T_TONGCHI_BH")
	bncct, ok3 := r.Decimal("T_BNCCT")
	if ok1 && ok2 && ok3 {
		r.differs("TOT-04", "T_BHTT", &bhtt, sub(&bh, &bncct))
	}
}
