package bhxh

import (
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
)

func TestWhatTheLinesComeTo(t *testing.T) {
	for name, c := range map[string]struct {
		lines []wire.ChiTiet
		want  delivery.Assessment
	}{
		"all as claimed":                 {[]wire.ChiTiet{{TienDeNghi: "12000.00", TienChapNhan: "12000"}, {TienDeNghi: "0", TienChapNhan: "0"}}, delivery.Approved},
		"nothing was asked":              {nil, delivery.Approved},
		"one line cut by a hundredth":    {[]wire.ChiTiet{{TienDeNghi: "12000.00", TienChapNhan: "11999.99"}, {TienDeNghi: "1", TienChapNhan: "1"}}, delivery.Partly},
		"one line refused":               {[]wire.ChiTiet{{TienDeNghi: "5", TienChapNhan: "0"}, {TienDeNghi: "1", TienChapNhan: "1"}}, delivery.Partly},
		"all refused":                    {[]wire.ChiTiet{{TienDeNghi: "5", TienChapNhan: "0.00"}, {TienDeNghi: "1", TienChapNhan: "0"}}, delivery.Denied},
		"an amount that cannot be read":  {[]wire.ChiTiet{{TienDeNghi: "5", TienChapNhan: "năm"}}, delivery.Partly},
		"refused, and one is unreadable": {[]wire.ChiTiet{{TienDeNghi: "5", TienChapNhan: "0"}, {TienDeNghi: "5"}}, delivery.Partly},
	} {
		if got := Granted(wire.HoSo{ChiTiet: c.lines}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
