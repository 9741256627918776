package synthetic

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
)

// Episode is one visit or stay of a citizen, with the claim file that the facility would write for it.
type Episode struct {
	Citizen  *Citizen
	Facility string // MA_CSKCB
	MaLK     string
	HoSo     hoso.HoSo
	ID       fhir.ID // of the Encounter and of the Claim
}

// Claim is the key of the episode's Claim.
func (e Episode) Claim() fhir.Key { return fhir.Key{Type: "Claim", ID: e.ID} }

// freeBelow is 15 % of the base salary of 2,340,000 đồng: cheaper visits on route are free (MUC_HUONG 100).
var freeBelow = apd.New(351000, 0)

// visitsOf invents the episodes of a citizen in the four weeks before today: none for most, one for many.
func (p *Population) visitsOf(c *Citizen, rng *rand.Rand) []Episode {
	if rng.IntN(100) < 40 {
		return nil
	}
	day := days(p.cfg.Today, -1-rng.IntN(28))
	var fitting []visit
	for _, v := range visits {
		age := c.years(day)
		if age >= v.minAge && age <= v.maxAge && !day.Before(days(c.Birth, 28)) {
			fitting = append(fitting, v)
		}
	}
	if len(fitting) == 0 {
		return nil
	}
	v := pick(rng, fitting)
	from := day.Add(7*time.Hour + time.Duration(rng.IntN(180))*time.Minute)
	to := from.Add(time.Duration(40+rng.IntN(80)) * time.Minute)
	if v.nights > 0 {
		from = days(from, -v.nights).Add(10 * time.Hour)
		to = day.Add(14 * time.Hour)
	}
	e := Episode{Citizen: c, Facility: c.Registered, ID: fhir.ID(c.ID + "-kcb")}
	if v.nights > 0 {
		e.Facility = "51901"
	}
	e.MaLK = fmt.Sprintf("%s_%d_GD%d-%s", e.Facility, to.Year(), p.cfg.Seed, c.Record[2:])
	e.HoSo = p.claim(e, v, from, to)
	return []Episode{e}
}

// claim fills XML1 to XML3. The benefit rate is found by trying: with the card's own, and free if that is cheap enough.
func (p *Population) claim(e Episode, v visit, from, to time.Time) hoso.HoSo {
	benefit := map[byte]string{'1': "100", '2': "100", '3': "95", '4': "80", '5': "100"}[e.Citizen.Card[2]]
	h := p.claimAt(e, v, from, to, benefit)
	if sum, ok := hoso.SumUp(h); ok && sum.TTongChiBH.Cmp(freeBelow) < 0 {
		h = p.claimAt(e, v, from, to, "100")
	}
	return h
}

func (p *Population) claimAt(e Episode, v visit, from, to time.Time, benefit string) hoso.HoSo {
	h := hoso.NewHoSo(hoso.DecisionAt(to.Format("20060102")), hoso.XML1, hoso.XML2, hoso.XML3)
	doctor, nurse := p.staffOf(e.Facility)
	ordered := from.Add(20 * time.Minute)
	for i, d := range v.drugs {
		r := h.Table(hoso.XML2).Add()
		set(r,
			"MA_LK", e.MaLK, "STT", strconv.Itoa(i+1), "MA_THUOC", d.code, "MA_NHOM", d.group, "TEN_THUOC", d.name,
			"DON_VI_TINH", d.unit, "HAM_LUONG", d.strength, "DUONG_DUNG", d.route, "LIEU_DUNG", d.use, "CACH_DUNG", d.use,
			"SO_DANG_KY", "VD-0000-00", "TT_THAU", "01/"+to.Format("2006"), "PHAM_VI", "1", "TYLE_TT_BH", d.rate,
			"SO_LUONG", strconv.Itoa(d.quantity), "DON_GIA", d.price, "MA_BAC_SI", doctor,
			"NGAY_YL", stamp(ordered), "NGAY_TH_YL", stamp(ordered), "NGUON_CTRA", "1",
		)
		amounts(r, benefit)
	}
	for i, s := range v.services {
		r := h.Table(hoso.XML3).Add()
		set(r,
			"MA_LK", e.MaLK, "STT", strconv.Itoa(i+1), "MA_NHOM", s.group, "DON_VI_TINH", s.unit, "SO_LUONG", strconv.Itoa(s.quantity),
			"DON_GIA_BV", s.price, "DON_GIA_BH", s.price, "TYLE_TT_DV", "100", "PHAM_VI", "1", "TYLE_TT_BH", "100",
			"MA_BAC_SI", doctor, "MA_BENH", v.icd, "NGAY_YL", stamp(from.Add(10*time.Minute)),
		)
		if s.group == "10" {
			set(r, "MA_VAT_TU", s.code, "TEN_VAT_TU", s.name, "TT_THAU", "01/"+to.Format("2006"))
		} else {
			set(r, "MA_DICH_VU", s.code, "TEN_DICH_VU", s.name, "NGUOI_THUC_HIEN", nurse, "NGAY_TH_YL", stamp(from.Add(15*time.Minute)))
		}
		if s.uncovered {
			set(r, "PHAM_VI", "2", "TYLE_TT_BH", "0")
		}
		amounts(r, benefit)
	}
	p.summary(h, e, v, from, to, doctor)
	return h
}

// summary fills XML1; its totals are the sums of the lines.
func (p *Population) summary(h hoso.HoSo, e Episode, v visit, from, to time.Time, doctor string) {
	c := e.Citizen
	r := h.Table(hoso.XML1).Add()
	sex, kind, stay, object := "1", "01", 0, "1.1"
	if c.Female {
		sex = "2"
	}
	if v.nights > 0 {
		kind, stay = "03", v.nights+1
		set(r, "NGAY_VAO_NOI_TRU", stamp(from), "LY_DO_VNT", v.reason)
	}
	if e.Facility != c.Registered {
		object = "1.2"
	}
	set(r,
		"MA_LK", e.MaLK, "STT", "1", "MA_BN", c.Record, "HO_TEN", strings.ToUpper(c.Name), "SO_CCCD", c.CCCD,
		"NGAY_SINH", c.Birth.Format("20060102")+"0000", "GIOI_TINH", sex, "MA_QUOCTICH", "000", "MA_DANTOC", "01", "MA_NGHE_NGHIEP", "00000",
		"DIA_CHI", c.Address(), "MATINH_CU_TRU", "51", "MAHUYEN_CU_TRU", "522", "MAXA_CU_TRU", c.Home.code, "DIEN_THOAI", c.Phone,
		"MA_THE_BHYT", c.Card, "MA_DKBD", c.Registered, "GT_THE_TU", c.CardFrom.Format("20060102"), "GT_THE_DEN", c.CardTo.Format("20060102"),
		"LY_DO_VV", v.reason, "CHAN_DOAN_VAO", "Theo dõi "+strings.ToLower(v.name), "CHAN_DOAN_RV", v.name,
		"MA_BENH_CHINH", v.icd, "MA_BENH_KT", v.also, "MA_DOITUONG_KCB", object, "NGAY_VAO", stamp(from), "NGAY_RA", stamp(to),
		"SO_NGAY_DTRI", strconv.Itoa(stay), "KET_QUA_DTRI", "2", "MA_LOAI_RV", "1", "NGAY_TTOAN", stamp(to),
		"NAM_QT", to.Format("2006"), "THANG_QT", to.Format("01"), "MA_LOAI_KCB", kind, "MA_KHOA", "K01", "MA_CSKCB", e.Facility,
		"CAN_NANG", weight(c.years(to)), "MA_HSBA", "HS"+c.Record[2:], "MA_TTDV", doctor,
	)
	sum, ok := hoso.SumUp(h)
	if !ok {
		panic("synthetic: a line has no amount")
	}
	for name, d := range map[string]*apd.Decimal{
		"T_THUOC": &sum.TThuoc, "T_VTYT": &sum.TVTYT, "T_TONGCHI_BV": &sum.TTongChiBV, "T_TONGCHI_BH": &sum.TTongChiBH, "T_BNTT": &sum.TBNTT,
		"T_BNCCT": &sum.TBNCCT, "T_BHTT": &sum.TBHTT, "T_NGUONKHAC": &sum.TNguonKhac, "T_BHTT_GDV": &sum.TBHTTGDV,
	} {
		r.SetMoney(name, d)
	}
}

// amounts sets what follows from quantity, price and rates, by the claim file's own formulas.
func amounts(r hoso.Row, benefit string) {
	set(r, "MUC_HUONG", benefit, "MA_KHOA", "K01", "MA_PTTT", "1")
	for _, source := range []string{"T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL", "T_NGUONKHAC"} {
		set(r, source, "0.00")
	}
	line, ok := hoso.LineOf(r)
	if !ok {
		panic("synthetic: a line lacks a number")
	}
	a := line.Amounts()
	r.SetMoney("THANH_TIEN_BV", &a.ThanhTienBV)
	r.SetMoney("THANH_TIEN_BH", &a.ThanhTienBH)
	r.SetMoney("T_BHTT", &a.TBHTT)
	r.SetMoney("T_BNCCT", &a.TBNCCT)
	r.SetMoney("T_BNTT", &a.TBNTT)
}

// staffOf gives a doctor and a nurse of the facility by their numbers.
func (p *Population) staffOf(facility string) (doctor, nurse string) {
	for _, s := range p.Practitioners {
		switch {
		case s.Facility != facility:
		case s.Role == "Điều dưỡng":
			nurse = s.Number
		case doctor == "":
			doctor = s.Number
		}
	}
	return doctor, nurse
}

func set(r hoso.Row, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		r.Set(pairs[i], pairs[i+1])
	}
}

// stamp is a point in time as the claim file writes it; times here are local (Asia/Ho_Chi_Minh) without a zone.
func stamp(t time.Time) string { return t.Format("200601021504") }

// weight is a plausible one in kilograms.
func weight(years int) string {
	if years < 18 {
		return strconv.Itoa(4+years*3) + ".50"
	}
	return "56.00"
}
