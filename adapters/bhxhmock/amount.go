package bhxhmock

import (
	"math/big"
	"math/bits"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// hundredths reads an amount with at most two decimals, in hundredths of a đồng.
func hundredths(s string) (*big.Int, bool) { return fixed(s, 2) }

// fixed reads digits with at most so many decimals as a whole number of units of the last one.
func fixed(s string, decimals int) (*big.Int, bool) {
	if len(s) == 0 || len(s) > 20 {
		return nil, false
	}
	var buf [32]byte
	digits, behind, point := buf[:0], 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
			if point {
				behind++
			}
		case c == '.' && !point && i > 0 && i < len(s)-1:
			point = true
		default:
			return nil, false
		}
	}
	if behind > decimals {
		return nil, false
	}
	for ; behind < decimals; behind++ {
		digits = append(digits, '0')
	}
	if len(digits) < 19 { // nearly always: it fits
		var n int64
		for _, c := range digits {
			n = 10*n + int64(c-'0')
		}
		return big.NewInt(n), true
	}
	return new(big.Int).SetString(string(digits), 10)
}

// share gives n * a / b, rounded half up; b must be positive, nothing negative.
func share(n, a, b *big.Int) *big.Int {
	if n.IsInt64() && a.IsInt64() && b.IsInt64() && b.Int64() < 1<<61 {
		if high, low := bits.Mul64(n.Uint64(), a.Uint64()); high == 0 && low < 1<<61 { // nearly always: it fits
			return new(big.Int).SetUint64((2*low + b.Uint64()) / (2 * b.Uint64()))
		}
	}
	twice := new(big.Int).Mul(n, a)
	twice.Add(twice.Lsh(twice, 1), b)
	return twice.Div(twice, new(big.Int).Lsh(b, 1))
}

// amount prints hundredths of a đồng.
func amount(n *big.Int) wire.Amount {
	s := new(big.Int).Abs(n).String()
	for len(s) < 3 {
		s = "0" + s
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return wire.Amount(s[:len(s)-2] + "." + s[len(s)-2:])
}
