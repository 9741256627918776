package bhxhmock

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// digits draws what a number is in a file, short or longer than a machine word.
func digits(most int) *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.ByteRange('0', '9'), 1, most), func(b []byte) string { return string(b) })
}

func TestAmountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, behind := digits(17).Draw(t, "whole"), digits(2).Draw(t, "behind")
		v, ok := hundredths(whole + "." + behind)
		want, _ := new(big.Int).SetString(whole+behind+strings.Repeat("0", 2-len(behind)), 10)
		if !ok || v.Cmp(want) != 0 {
			t.Fatalf("%s.%s is %v, not %v", whole, behind, v, want)
		}
	})
}

func TestSharesAreRoundedHalfUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(what string) *big.Int {
			n, _ := new(big.Int).SetString(digits(22).Draw(t, what), 10)
			return n
		}
		n, a, b := number("n"), number("a"), number("b")
		if b.Sign() == 0 {
			b.SetInt64(1)
		}
		// 0 <= n*a/b + 1/2 - share < 1, without the divisions
		twice := new(big.Int).Add(new(big.Int).Mul(new(big.Int).Mul(n, a), big.NewInt(2)), b)
		off := twice.Sub(twice, new(big.Int).Mul(share(n, a, b), new(big.Int).Mul(b, big.NewInt(2))))
		if off.Sign() < 0 || off.Cmp(new(big.Int).Mul(b, big.NewInt(2))) >= 0 {
			t.Fatalf("%v * %v / %v is given as %v", n, a, b, share(n, a, b))
		}
	})
}
