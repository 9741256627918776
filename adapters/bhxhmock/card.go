package bhxhmock

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

var (
	cardForm   = regexp.MustCompile(`^([A-Z]{2}[1-5][0-9]{2})?[0-9]{10}$`)
	cardLetter = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z][0-9]{12}$`) // any benefit code
	cccdForm   = regexp.MustCompile(`^[0-9]{12}$`)                 // stands for the card since 2025
	bornForm   = regexp.MustCompile(`^([0-9]{2}/?[0-9]{2}/?)?[0-9]{4}$`)
)

// card answers a look-up. Whoever asks wrongly learns the code and nothing about the card.
func (m *Mock) card(w http.ResponseWriter, r *http.Request) {
	form, err := values(w, r, maxForm)
	for name, v := range r.URL.Query() { // the contract lets the session stand in the query
		if err == nil && !form.Has(name) {
			form[name] = v
		}
	}
	x := m.faults.pick(CallCard, m.accounts[form.Get("username")].Facilities...)
	x.wait(r, false)
	if x.name == "tokenExpired" {
		m.tokens.end(form.Get("token"))
	}
	now := m.o.Now()
	who := m.tokens.who(form.Get("token"), form.Get("id_token"), address(r), now)
	var reply wire.CardReply
	switch {
	case who == "" || who != form.Get("username") || form.Get("password") != wire.PasswordHash(m.accounts[who].Password):
		reply.MaKetQua = wire.NotLoggedIn
	case err != nil || folded(form.Get("hoTen")) == "" || born(form.Get("ngaySinh")) == "" || form.Get("hoTenCb") == "" || form.Get("cccdCb") == "":
		reply.MaKetQua = wire.BadParameter
	default:
		if code := m.o.Cards.staffFault(m.accounts[who].Facilities, form.Get("hoTenCb"), form.Get("cccdCb")); code != "" {
			reply.MaKetQua = code
			break
		}
		reply = m.o.Cards.answer(form, who, now)
	}
	reply.GhiChu, _ = reply.MaKetQua.Meaning()
	x.wait(r, true)
	x.answer(w, r, reply)
}

// answer looks a card up.
func (cs *Cards) answer(form url.Values, who string, now time.Time) wire.CardReply {
	number := form.Get("maThe")
	only := func(code wire.MaKetQua) wire.CardReply { return wire.CardReply{MaKetQua: code} }
	if number == "" {
		if day, err := time.ParseInLocation("20060102", born(form.Get("ngaySinh")), wire.Zone); err == nil && now.Before(day.AddDate(6, 0, 0)) {
			return only(wire.CardChild)
		}
		return only(wire.BadParameter)
	}
	if !cardForm.MatchString(number) && !cccdForm.MatchString(number) {
		if cardLetter.MatchString(number) {
			return only(wire.CardBenefit)
		}
		return only(wire.CardMalformed)
	}
	c := cs.byNumber[number]
	if c == nil && len(number) == 15 {
		if c = cs.byNumber[number[5:]]; c != nil && c.MaThe != number {
			return only(differs(number, c.MaThe))
		}
	}
	if c == nil {
		if cs.generated && len(number) != 12 {
			return generated(form, number, now)
		}
		return only(wire.CardUnknown)
	}
	code := c.code(form, now)
	if !code.TellsCard() {
		return only(code)
	}
	reply := c.tell(code)
	said, _ := code.Meaning()
	reply.LichSuKT = cs.looked(c, wire.LanKT{UserKT: who, ThoiGianKT: now.In(wire.Zone).Format("200601021504"), ThongBao: said, MaLoi: string(code)})
	return reply
}

// differs says what of a number is not that of the card with the same ten digits.
func differs(number, card string) wire.MaKetQua {
	switch {
	case number[:2] != card[:2]:
		return wire.CardMalformed
	case number[2] != card[2]:
		return wire.CardBenefit
	}
	return wire.CardProvince
}

// code is the result for a card that was found.
func (c *card) code(form url.Values, now time.Time) wire.MaKetQua {
	over := !now.Before(c.until)
	switch name, want, birth := folded(form.Get("hoTen")), folded(c.HoTen), born(form.Get("ngaySinh")); {
	case c.KetQua != "":
		return c.KetQua
	case name != want && letter(name) == letter(want):
		return wire.CardNameFirst
	case name != want:
		return wire.CardName
	case !strings.HasPrefix(born(c.NgaySinh), birth) && !strings.HasPrefix(birth, born(c.NgaySinh)):
		return wire.CardBorn
	case c.ThuHoi:
		return wire.CardWithdrawn
	case c.BaoGiam != "":
		return c.BaoGiam
	case c.QuanLy == "quan-doi":
		return wire.CardArmy
	case c.QuanLy == "cong-an":
		return wire.CardPolice
	case c.MaTheMoi != "" && over:
		return wire.CardReplaced
	case c.MaTheMoi != "":
		return wire.CardRenewed
	case over:
		return wire.CardExpired
	}
	return wire.CardCorrect
}

// letter is a name's first.
func letter(name string) rune {
	r, _ := utf8.DecodeRuneInString(name)
	return r
}

func (c *card) tell(code wire.MaKetQua) wire.CardReply {
	return wire.CardReply{
		MaKetQua: code, MaThe: c.MaThe, HoTen: c.HoTen, NgaySinh: c.NgaySinh, GioiTinh: c.GioiTinh, DiaChi: c.DiaChi, MaDKBD: c.MaDKBD,
		CQBHXH: c.CQBHXH, GTTheTu: c.GTTheTu, GTTheDen: c.GTTheDen, MaKV: c.MaKV, NgayDu5Nam: c.NgayDu5Nam, MaSoBHXH: c.MaThe[5:],
		MaTheCu: c.MaTheCu, MaTheMoi: c.MaTheMoi, GTTheTuMoi: c.GTTheTuMoi, GTTheDenMoi: c.GTTheDenMoi, MaDKBDMoi: c.MaDKBDMoi,
		TenDKBDMoi: c.TenDKBDMoi, LichSuKCB: c.history,
	}
}

// generated answers for a card that is in no file by its last digit, so that a population of one's own has cards:
//
//	...0 to ...7   000 card correct, valid for the year
//	...8           010 expired
//	...9           050 no such card
func generated(form url.Values, number string, now time.Time) wire.CardReply {
	year := now.In(wire.Zone).Format("2006")
	reply := wire.CardReply{
		MaKetQua: wire.CardCorrect, MaThe: number, HoTen: form.Get("hoTen"), NgaySinh: form.Get("ngaySinh"),
		MaDKBD: "51901", GTTheTu: "01/01/" + year, GTTheDen: "31/12/" + year, MaSoBHXH: number[len(number)-10:],
	}
	switch number[len(number)-1] {
	case '8':
		reply.MaKetQua, reply.GTTheTu, reply.GTTheDen = wire.CardExpired, "01/01/2020", "31/12/2020"
	case '9':
		return wire.CardReply{MaKetQua: wire.CardUnknown}
	}
	return reply
}
