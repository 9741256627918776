package hoso

import (
	"github.com/cockroachdb/apd/v3"
)

// exact has room for every product of the formulas, so that the only rounding is the one asked for.
var exact = apd.Context{Precision: 200, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundHalfUp, Traps: apd.DefaultTraps}

// maxDigits bounds a number's text; the longest field has 15 characters.
const maxDigits = 40

// maxShort is a length whose digits an int64 holds, as those of every field; SetString takes ten times as long for them.
const maxShort = 18

// ParseDecimal reads digits with at most one decimal point: no sign, no exponent, no separators, no blanks.
func ParseDecimal(s string) (d apd.Decimal, ok bool) {
	if !isNumber(s) || len(s) > maxDigits {
		return d, false
	}
	if len(s) > maxShort {
		_, _, err := d.SetString(s)
		return d, err == nil
	}
	var digits int64
	for i := range len(s) {
		if s[i] == '.' {
			d.Exponent = int32(i + 1 - len(s))
		} else {
			digits = 10*digits + int64(s[i]-'0')
		}
	}
	d.Coeff.SetInt64(digits)
	return d, true
}

// isNumber says whether s is digits, or digits, a point and digits.
func isNumber(s string) bool {
	digits, point := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && digits > 0 && !point:
			point, digits = true, 0
		default:
			return false
		}
	}
	return digits > 0
}

// Round2 rounds half up to two decimals, as the decision rounds every amount.
func Round2(d *apd.Decimal) apd.Decimal {
	var r apd.Decimal
	must(exact.Quantize(&r, d, -2))
	return r
}

// Money gives the amount's text with its two decimals, such as 12000.00.
func Money(d *apd.Decimal) string {
	r := Round2(d)
	return r.Text('f')
}

// Line is what a cost line's amounts follow from.
type Line struct {
	SoLuong   apd.Decimal // SO_LUONG
	DonGiaBV  apd.Decimal // DON_GIA (XML2), DON_GIA_BV (XML3)
	DonGiaBH  apd.Decimal // DON_GIA (XML2), DON_GIA_BH (XML3)
	TyLeTTDV  apd.Decimal // TYLE_TT_DV: percent 0-100; 100 for XML2, which has none
	TyLeTTBH  apd.Decimal // TYLE_TT_BH: percent 0-100
	MucHuong  apd.Decimal // MUC_HUONG: percent 0-100
	NguonKhac apd.Decimal // T_NGUONKHAC
}

// Amounts are the amounts of a cost line in VND, with two decimals.
type Amounts struct {
	ThanhTienBV apd.Decimal // THANH_TIEN_BV: the facility's price
	ThanhTienBH apd.Decimal // THANH_TIEN_BH: within the scope of the insurance
	TBHTT       apd.Decimal // T_BHTT: the fund pays
	TBNCCT      apd.Decimal // T_BNCCT: the patient's share within the scope
	TBNTT       apd.Decimal // T_BNTT: the patient pays outside the scope
}

// Amounts computes the amounts of the line: rules AMT-01 to AMT-04, then Split.
func (l Line) Amounts() Amounts {
	bv := Round2(percent(mul(&l.SoLuong, &l.DonGiaBV), &l.TyLeTTDV))
	bh := Round2(percent(percent(mul(&l.SoLuong, &l.DonGiaBH), &l.TyLeTTDV), &l.TyLeTTBH))
	return Split(bv, bh, l.MucHuong, l.NguonKhac)
}

// Split shares a line's amount out (rule AMT-06): what other sources pay is taken first from what the patient would pay
// outside the scope, then from the patient's share, last from the fund's part.
func Split(thanhTienBV, thanhTienBH, mucHuong, nguonKhac apd.Decimal) Amounts {
	b := percent(&thanhTienBH, &mucHuong)
	c := sub(&thanhTienBH, b)
	t := sub(&thanhTienBV, &thanhTienBH)
	o := &nguonKhac

	a := Amounts{ThanhTienBV: thanhTienBV, ThanhTienBH: thanhTienBH}
	a.TBNTT = Round2(notNegative(sub(t, o)))
	if o.Cmp(t) <= 0 {
		a.TBNCCT = Round2(c)
	} else {
		a.TBNCCT = Round2(notNegative(sub(c, sub(o, t))))
	}
	if ct := add(c, t); o.Cmp(ct) <= 0 {
		a.TBHTT = Round2(b)
	} else {
		a.TBHTT = Round2(sub(b, sub(o, ct)))
	}
	return a
}

// LineOf reads a row of XML2 or XML3; ok is false if one of the numbers is missing or malformed.
func LineOf(r Row) (l Line, ok bool) {
	price, priceBH := "DON_GIA_BV", "DON_GIA_BH"
	if r.layout.ID == XML2 {
		price, priceBH = "DON_GIA", "DON_GIA"
	}
	ok = true
	get := func(d *apd.Decimal, name string) {
		v, good := r.Decimal(name)
		*d, ok = v, ok && good
	}
	get(&l.SoLuong, "SO_LUONG")
	get(&l.DonGiaBV, price)
	get(&l.DonGiaBH, priceBH)
	if r.layout.ID == XML3 {
		get(&l.TyLeTTDV, "TYLE_TT_DV")
	} else {
		l.TyLeTTDV.SetInt64(100)
	}
	get(&l.TyLeTTBH, "TYLE_TT_BH")
	get(&l.MucHuong, "MUC_HUONG")
	get(&l.NguonKhac, "T_NGUONKHAC")
	return l, ok
}

// Totals are the sums of XML1 over the lines of XML2 and XML3, in VND.
type Totals struct {
	TThuoc     apd.Decimal // T_THUOC: all of XML2
	TVTYT      apd.Decimal // T_VTYT: supplies of XML3 (MA_NHOM 10, 11)
	TTongChiBV apd.Decimal // T_TONGCHI_BV
	TTongChiBH apd.Decimal // T_TONGCHI_BH
	TBNTT      apd.Decimal // T_BNTT
	TBNCCT     apd.Decimal // T_BNCCT
	TBHTT      apd.Decimal // T_BHTT: T_TONGCHI_BH - T_BNCCT; differs from the lines' sum where other sources pay
	TNguonKhac apd.Decimal // T_NGUONKHAC
	TBHTTGDV   apd.Decimal // T_BHTT_GDV: T_BHTT of the lines with MA_PTTT 1 (fee for service)
}

// SumUp sums the lines of an episode; ok is false if an amount is missing or malformed, the sums then mean nothing.
func SumUp(h HoSo) (s Totals, ok bool) {
	ok = true
	for _, id := range [...]ID{XML2, XML3} {
		for _, r := range h.Rows(id) {
			take := func(name string, into ...*apd.Decimal) {
				v, good := r.Decimal(name)
				ok = ok && good
				for _, d := range into {
					must(exact.Add(d, d, &v))
				}
			}
			bv := []*apd.Decimal{&s.TTongChiBV}
			switch nhom := r.Get("MA_NHOM"); {
			case id == XML2:
				bv = append(bv, &s.TThuoc)
			case nhom == "10" || nhom == "11":
				bv = append(bv, &s.TVTYT)
			}
			take("THANH_TIEN_BV", bv...)
			take("THANH_TIEN_BH", &s.TTongChiBH)
			take("T_BNTT", &s.TBNTT)
			take("T_BNCCT", &s.TBNCCT)
			take("T_NGUONKHAC", &s.TNguonKhac)
			if r.Get("MA_PTTT") == "1" {
				take("T_BHTT", &s.TBHTTGDV)
			}
		}
	}
	must(exact.Sub(&s.TBHTT, &s.TTongChiBH, &s.TBNCCT))
	return s, ok
}

func mul(a, b *apd.Decimal) *apd.Decimal {
	var r apd.Decimal
	must(exact.Mul(&r, a, b))
	return &r
}

// percent gives a * p / 100 without division, so it is exact.
func percent(a, p *apd.Decimal) *apd.Decimal { return mul(mul(a, p), apd.New(1, -2)) }

func add(a, b *apd.Decimal) *apd.Decimal {
	var r apd.Decimal
	must(exact.Add(&r, a, b))
	return &r
}

func sub(a, b *apd.Decimal) *apd.Decimal {
	var r apd.Decimal
	must(exact.Sub(&r, a, b))
	return &r
}

func notNegative(d *apd.Decimal) *apd.Decimal {
	if d.Negative {
		return apd.New(0, 0)
	}
	return d
}

// must turns an arithmetic error into a panic: bounded digits (maxDigits) and the room of exact make it impossible.
func must(_ apd.Condition, err error) {
	if err != nil {
		panic("hoso: arithmetic: " + err.Error())
	}
}

// FillAmounts writes the amounts that follow from others where they are empty: those of each line (THANH_TIEN_BV,
// THANH_TIEN_BH, T_BHTT, T_BNCCT, T_BNTT) and the totals of XML1. What stands there is never changed, and what cannot
// be computed stays empty, for the pre-checks to report.
func (h HoSo) FillAmounts() {
	for _, id := range [...]ID{XML2, XML3} {
		for _, r := range h.Rows(id) {
			l, ok := LineOf(r)
			if !ok {
				continue
			}
			a := l.Amounts()
			bv, bh := fill(r, "THANH_TIEN_BV", &a.ThanhTienBV), fill(r, "THANH_TIEN_BH", &a.ThanhTienBH)
			a = Split(bv, bh, l.MucHuong, l.NguonKhac)
			fill(r, "T_BHTT", &a.TBHTT)
			fill(r, "T_BNCCT", &a.TBNCCT)
			fill(r, "T_BNTT", &a.TBNTT)
		}
	}
	s, ok := SumUp(h)
	x := h.XML1()
	if !ok || x.Layout() == nil {
		return
	}
	fill(x, "T_THUOC", &s.TThuoc)
	fill(x, "T_VTYT", &s.TVTYT)
	fill(x, "T_TONGCHI_BV", &s.TTongChiBV)
	fill(x, "T_TONGCHI_BH", &s.TTongChiBH)
	fill(x, "T_BNTT", &s.TBNTT)
	fill(x, "T_BNCCT", &s.TBNCCT)
	fill(x, "T_BHTT", &s.TBHTT)
	fill(x, "T_NGUONKHAC", &s.TNguonKhac)
	fill(x, "T_BHTT_GDV", &s.TBHTTGDV)
}

// fill writes d if the field is empty, and gives the number that then stands there (d if that is none).
func fill(r Row, field string, d *apd.Decimal) apd.Decimal {
	if r.Get(field) == "" {
		r.SetMoney(field, d)
	}
	if v, ok := r.Decimal(field); ok {
		return v
	}
	return *d
}
