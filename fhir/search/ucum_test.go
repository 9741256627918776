package search

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEveryAtomHasAScale: each row of the table leads to bases and a factor.
func TestEveryAtomHasAScale(t *testing.T) {
	for name, a := range atoms() {
		if scaleOf(name) == nil {
			t.Errorf("%s has no scale", name)
		}
		if d, ok := readDecimal(a.factor); !ok || d.n == 0 {
			t.Errorf("%s: factor %s", name, a.factor)
		}
	}
	for _, prefix := range []string{"m", "u", "k", "da"} {
		for _, unit := range []string{"g", "L", "mol", "[IU]", "Pa", "m[Hg]", "Hz"} {
			if scaleOf(prefix+unit) == nil {
				t.Errorf("%s%s has no scale", prefix, unit)
			}
		}
	}
}

// TestUnitsAreWhatTheyAreMadeOf compares factors with those of UCUM's own tables.
func TestUnitsAreWhatTheyAreMadeOf(t *testing.T) {
	for _, c := range []struct{ a, amount, b string }{ // 1 a = amount b
		{"kg", "1000", "g"}, {"mg/dL", "10", "mg/L"}, {"mg/dL", "0.01", "kg/m3"}, {"mm[Hg]", "133.322", "Pa"}, {"kPa", "1000", "Pa"},
		{"h", "3600", "s"}, {"wk", "168", "h"}, {"/min", "0.0166666666666666666667", "Hz"}, {"{beats}/min", "1", "/min"}, {"U/L", "1", "umol/min/L"},
		{"mmol/L", "1", "mol/m3"}, {"[lb_av]", "0.45359237", "kg"}, {"[in_i]", "2.54", "cm"}, {"%", "0.01", "1"}, {"10*3/uL", "1000000", "/mL"},
		{"10*9/L", "1", "10*3/uL"}, {"m[IU]/L", "1", "u[iU]/mL"}, {"kcal", "4184", "J"}, {"kg.m/s2", "1", "N"}, {"mg/(kg.h)", "24", "mg/kg/d"},
		{"cm[H2O]", "98.0665", "Pa"}, {"a", "12", "mo"}, {"meq/L", "1", "mmol/L"}, {"mL/min/{1.73_m2}", "1", "mL/min"}, {"cm3", "1", "mL"}, {"m/s2", "1", "m.s-2"},
		{"dm+3", "1", "L"},
	} {
		x, y := scaleOf(c.a), scaleOf(c.b)
		if x == nil || y == nil || x.bases != y.bases {
			t.Errorf("%s %+v and %s %+v", c.a, x, c.b, y)
			continue
		}
		amount, _ := readDecimal(c.amount)
		one, _ := readDecimal("1")
		got, want := one.times(x), amount.times(y)
		if g, w := fmt.Sprintf("%x", got.append(nil)), fmt.Sprintf("%x", want.append(nil)); g != w && !strings.HasPrefix(g, w[:16]) {
			t.Errorf("1 %s is not %s %s: %s %s", c.a, c.amount, c.b, g, w)
		}
	}
	for _, unit := range []string{
		"Cel", "[degF]", "[pH]", "{score}", "{a}{b}", "", "mmHg", "milligram", "mg/", "/", ".", "(mg", "mg)", "{", "mg{", "xx", "mmin", "k%", "mg2x", "m0", "m99", "0",
		strings.Repeat("(", 40) + "m" + strings.Repeat(")", 40), "日",
	} {
		if s := scaleOf(unit); s != nil {
			t.Errorf("%q is known as %+v", unit, s)
		}
	}
}

// TestScalingIsExact: a decimal times num/den × 10^e has the digits that big numbers give, cut after the 64th.
func TestScalingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		literal := fmt.Sprintf("%s%d.%d", rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign"), rapid.Uint64().Draw(t, "whole"), rapid.Uint32().Draw(t, "part"))
		s := &scale{num: rapid.Uint64Range(1, maxFactor).Draw(t, "num"), den: rapid.SampledFrom([]uint64{1, 3, 7, 60, 86400, maxFactor - 1}).Draw(t, "den"), exp: rapid.IntRange(-30, 30).Draw(t, "exp")}
		d, _ := readDecimal(literal)
		got := d.times(s)
		want, _ := new(big.Rat).SetString(literal)
		want.Mul(want, new(big.Rat).SetFrac(new(big.Int).SetUint64(s.num), new(big.Int).SetUint64(s.den)))
		have := new(big.Rat)
		for i := range got.n {
			have.Add(have, new(big.Rat).Mul(big.NewRat(int64(got.digits[i]), 1), ten(got.exp-i-1)))
		}
		if got.negative {
			have.Neg(have)
		}
		want.Mul(want, ten(s.exp))
		if off := have.Sub(want, have); off.Abs(off).Cmp(ten(got.exp-maxDigits)) > 0 {
			t.Fatalf("%s × %+v is %v, off by %v", literal, s, got, off)
		}
		v := got.append(nil)
		if back := readNumberValue(v); got.n > 0 && string(back.append(nil)) != string(v) {
			t.Fatalf("%x reads as %+v", v, back)
		}
	})
}

func ten(e int) *big.Rat {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e, -e))), nil)
	if e < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), n)
	}
	return new(big.Rat).SetInt(n)
}

func FuzzUnit(f *testing.F) {
	for _, u := range []string{"mg/dL", "10*3/uL", "(kg.m)/s2", "{x}m{y}", "m[H2O]", "da[IU]-3", "/a/b/c"} {
		f.Add(u, "5.4")
	}
	f.Fuzz(func(t *testing.T, unit, number string) {
		q := Quantity{Value: number, Code: unit, System: SystemUCUM}
		v, ok := AppendQuantityCode(nil, q, false)
		if !ok || unit == "" || !clean(unit) {
			return
		}
		spans, ok := quantitySpans(quantityQuery{number: number, system: SystemUCUM, code: unit})
		if ok && !anyHolds(spans, v) {
			t.Fatalf("%q %q does not find itself", number, unit)
		}
		part, _ := appendQuantityPart(nil, q)
		if spans, ok := quantityPartSpans(quantityQuery{number: number, system: SystemUCUM, code: unit}); ok && !anyHolds(spans, part) {
			t.Fatalf("%q %q does not find itself in a composite", number, unit)
		}
	})
}
