package hoso_test

import (
	"testing"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
)

func dec(tb testing.TB, s string) apd.Decimal {
	tb.Helper()
	d, ok := hoso.ParseDecimal(s)
	if !ok {
		tb.Fatalf("%q is no number", s)
	}
	return d
}

// The examples are those of the domain's page on money.
func TestMoneyWorked(t *testing.T) {
	for name, c := range map[string]struct{ tyLe, nguonKhac, bv, bh, bhtt, bncct, bntt string }{
		"paid in full scope":                     {"100", "0", "15000.00", "15000.00", "12000.00", "3000.00", "0.00"},
		"paid at 50 percent":                     {"50", "0", "15000.00", "7500.00", "6000.00", "1500.00", "7500.00"},
		"paid at 50 percent with another source": {"50", "8000.00", "15000.00", "7500.00", "6000.00", "1000.00", "0.00"},
	} {
		a := hoso.Line{
			SoLuong: dec(t, "10"), DonGiaBV: dec(t, "1500"), DonGiaBH: dec(t, "1500"),
			TyLeTTDV: dec(t, "100"), TyLeTTBH: dec(t, c.tyLe), MucHuong: dec(t, "80"), NguonKhac: dec(t, c.nguonKhac),
		}.Amounts()
		got := [...]string{hoso.Money(&a.ThanhTienBV), hoso.Money(&a.ThanhTienBH), hoso.Money(&a.TBHTT), hoso.Money(&a.TBNCCT), hoso.Money(&a.TBNTT)}
		if want := [...]string{c.bv, c.bh, c.bhtt, c.bncct, c.bntt}; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestRoundingIsHalfUp(t *testing.T) {
	for in, want := range map[string]string{
		"0.005": "0.01", "0.0049999": "0.00", "2.345": "2.35", "2.335": "2.34", "1": "1.00", "350.125": "350.13", "4201.5": "4201.50",
	} {
		d := dec(t, in)
		if got := hoso.Money(&d); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// Each part is rounded once, at its end: of half a hundredth on either side both go up, and the line has the tolerance of AMT-07 for it.
func TestEachPartIsRoundedOnceAtItsEnd(t *testing.T) {
	a := hoso.Split(dec(t, "0.10"), dec(t, "0.10"), dec(t, "95"), dec(t, "0")) // 0.095 and 0.005
	if b, c := hoso.Money(&a.TBHTT), hoso.Money(&a.TBNCCT); b != "0.10" || c != "0.01" {
		t.Errorf("T_BHTT %s, T_BNCCT %s", b, c)
	}
}

func TestNumbersHaveOneForm(t *testing.T) {
	for _, s := range []string{"", "-1", "+1", "1,5", "1.", ".5", "1e3", "1 000", " 1", "1.2.3", "NaN", "０", "12345678901234567890123456789012345678901"} {
		if _, ok := hoso.ParseDecimal(s); ok {
			t.Errorf("%q was taken for a number", s)
		}
	}
	for _, s := range []string{"0", "03", "1850.5", "0.001"} {
		if _, ok := hoso.ParseDecimal(s); !ok {
			t.Errorf("%q was not taken for a number", s)
		}
	}
}

func TestAShortNumberIsReadAsALongOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,12})?`).Draw(t, "number")
		var want apd.Decimal
		if _, _, err := want.SetString(s); err != nil {
			t.Fatal(err)
		}
		if got, ok := hoso.ParseDecimal(s); !ok || got.Exponent != want.Exponent || got.Cmp(&want) != 0 || got.String() != want.String() {
			t.Fatalf("%s: %s, want %s", s, got.String(), want.String())
		}
	})
}

// Whatever the numbers, the parts add up to the line's amount within a rounding (rule AMT-07).
func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scaled := func(name string, most int64, exp int32) apd.Decimal {
			return *apd.New(rapid.Int64Range(0, most).Draw(t, name), exp)
		}
		l := hoso.Line{
			SoLuong: scaled("SO_LUONG", 999_999, -3), DonGiaBV: scaled("DON_GIA_BV", 9_999_999_999, -3),
			TyLeTTDV: scaled("TYLE_TT_DV", 100, 0), TyLeTTBH: scaled("TYLE_TT_BH", 100, 0), MucHuong: scaled("MUC_HUONG", 100, 0),
		}
		l.DonGiaBH = l.DonGiaBV
		full := l.Amounts()
		cents, err := new(apd.Decimal).SetInt64(0), error(nil)
		cents.Set(&full.ThanhTienBV)
		cents.Exponent += 2
		most, err := cents.Int64()
		if err != nil {
			t.Fatal(err)
		}
		l.NguonKhac = scaled("T_NGUONKHAC", most, -2)
		a := l.Amounts()
		ctx := apd.BaseContext.WithPrecision(60)
		sum := new(apd.Decimal)
		for _, d := range []*apd.Decimal{&a.TBHTT, &a.TBNCCT, &a.TBNTT, &l.NguonKhac} {
			if d.Negative {
				t.Fatalf("a part is negative: %s", d)
			}
			if _, err := ctx.Add(sum, sum, d); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ctx.Sub(sum, sum, &a.ThanhTienBV); err != nil {
			t.Fatal(err)
		}
		sum.Negative = false
		if sum.Cmp(apd.New(1, -2)) > 0 {
			t.Fatalf("the parts miss the amount by %s", sum)
		}
	})
}

func TestFillAmountsRestoresWhatFollowsFromTheRest(t *testing.T) {
	for _, name := range episodes {
		raw := sample(t, name+".xml")
		f := decode(t, raw)
		h := f.HoSo[0]
		for _, field := range []string{"T_THUOC", "T_VTYT", "T_TONGCHI_BV", "T_TONGCHI_BH", "T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC", "T_BHTT_GDV"} {
			h.XML1().Set(field, "")
		}
		for _, r := range append(h.Rows(hoso.XML2), h.Rows(hoso.XML3)...) {
			for _, field := range []string{"THANH_TIEN_BV", "THANH_TIEN_BH", "T_BHTT", "T_BNCCT", "T_BNTT"} {
				r.Set(field, "")
			}
		}
		h.FillAmounts()
		if got := f.Encode(); string(got) != string(raw) {
			t.Errorf("%s: %s", name, firstDifference(raw, got))
		}
	}
}
