package bhxh

import (
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
)

// Granted says what the lines of an assessed record come to: denied if something was asked and nothing is paid, partly if a line
// was cut, or has an amount that cannot be read, else approved.
func Granted(r wire.HoSo) delivery.Assessment {
	cut, asked, paid := false, false, false
	for _, l := range r.ChiTiet {
		wanted, ok := hoso.ParseDecimal(string(l.TienDeNghi))
		given, too := hoso.ParseDecimal(string(l.TienChapNhan))
		if !ok || !too {
			cut, paid = true, true // neither all nor nothing is known
			continue
		}
		cut = cut || given.Cmp(&wanted) < 0
		asked, paid = asked || wanted.Sign() > 0, paid || given.Sign() > 0
	}
	switch {
	case asked && !paid:
		return delivery.Denied
	case cut:
		return delivery.Partly
	}
	return delivery.Approved
}
