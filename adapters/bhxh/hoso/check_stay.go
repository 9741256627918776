package hoso

import "time"

// stay gives admission and discharge; ok is false if one of them is no time.
func (c *checker) stay() (in, out time.Time, ok bool) {
	in, ok1 := parseMinute(c.x.Get("NGAY_VAO"))
	out, ok2 := parseMinute(c.x.Get("NGAY_RA"))
	return in, out, ok1 && ok2
}

// stayOrder is DATE-01.
func stayOrder(c *checker) {
	if in, out, ok := c.stay(); ok && out.Before(in) {
		c.x.fail("NGAY_RA")
	}
}

// wardWithinStay is DATE-02. Valid times have one form, so their texts compare as times, here and below.
func wardWithinStay(c *checker) {
	ward, in, out := c.x.Get("NGAY_VAO_NOI_TRU"), c.x.Get("NGAY_VAO"), c.x.Get("NGAY_RA")
	if minute(ward) && (minute(in) && ward < in || minute(out) && ward > out) {
		c.x.fail("NGAY_VAO_NOI_TRU")
	}
}

// ordersWithinStay is DATE-03.
func ordersWithinStay(c *checker) {
	in, out := c.x.Get("NGAY_VAO"), c.x.Get("NGAY_RA")
	if !minute(in) || !minute(out) {
		return
	}
	c.lines(func(r at) {
		if order := r.Get("NGAY_YL"); minute(order) && (order < in || order > out) {
			r.fail("NGAY_YL")
		}
	})
}

// orderThenResult is DATE-04.
func orderThenResult(c *checker) {
	c.every(func(r at) {
		last := ""
		for _, f := range [...]string{"NGAY_YL", "NGAY_TH_YL", "NGAY_KQ"} {
			v := r.Get(f)
			if !minute(v) {
				continue
			}
			if v < last {
				r.fail(f)
				return
			}
			last = v
		}
	}, XML3)
}

// settlementPeriod is DATE-06.
func settlementPeriod(c *checker) {
	_, out, ok := c.stay()
	if !ok {
		return
	}
	if !c.o.Now.IsZero() && out.After(c.o.Now) {
		c.x.fail("NGAY_RA")
		return
	}
	month := c.x.Get("THANG_QT")
	if len(month) == 1 {
		month = "0" + month
	}
	if period := c.x.Get("NAM_QT") + month; len(period) == 6 && period < c.x.Get("NGAY_RA")[:6] {
		c.x.fail("THANG_QT")
	}
}

// daysOfTreatment is DAY-01.
func daysOfTreatment(c *checker) {
	in, out, ok := c.stay()
	n, given := c.x.Decimal("SO_NGAY_DTRI")
	if !ok || !given {
		return
	}
	var want int64
	switch c.x.Get("MA_LOAI_KCB") {
	case "01", "07", "09":
	case "02", "03", "04", "06":
		want = int64(midnight(out).Sub(midnight(in)).Hours()/24) + 1
	default:
		return
	}
	if got, err := n.Int64(); err != nil || got != want {
		c.x.fail("SO_NGAY_DTRI")
	}
}
