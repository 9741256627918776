package cases

import (
	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
)

// exact has room for sums of any number of amounts.
var exact = apd.BaseContext.WithPrecision(60)

// amount reads a text of VND, "" is none.
func amount(s string) (apd.Decimal, bool) { return hoso.ParseDecimal(s) }

// less gives a - b with two decimals, "" if either is none.
func less(a, b string) string {
	x, ok1 := amount(a)
	y, ok2 := amount(b)
	if !ok1 || !ok2 {
		return ""
	}
	var d apd.Decimal
	if _, err := exact.Sub(&d, &x, &y); err != nil {
		return ""
	}
	return hoso.Money(&d)
}

// Sum adds amounts; empty ones are left out. It gives "" if there is none at all.
func Sum(amounts []string) string {
	var sum apd.Decimal
	any := false
	for _, s := range amounts {
		d, ok := amount(s)
		if !ok {
			continue
		}
		any = true
		if _, err := exact.Add(&sum, &sum, &d); err != nil {
			return ""
		}
	}
	if !any {
		return ""
	}
	return hoso.Money(&sum)
}
