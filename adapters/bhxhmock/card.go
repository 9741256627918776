package bhxhmock

import (
	"net/http"
	"regexp"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

var (
	cardForm = regexp.MustCompile(`^([A-Z]{2}[1-5][0-9]{2})?[0-9]{10}$`)
	bornForm = regexp.MustCompile(`^([0-9]{2}/?[0-9]{2}/?)?[0-9]{4}$`)
)

// card answers a look-up by the card number alone: the last digit decides, so that callers can choose what they meet.
//
//	...0 to ...7   000 card correct, valid for the year
//	...8           010 expired
//	...9           050 no such card
func (m *Mock) card(w http.ResponseWriter, r *http.Request) {
	x := m.faults.pick(CallCard)
	form, err := values(w, r, maxForm)
	x.wait(r, false)
	if x.name == "tokenExpired" {
		m.tokens.end(form.Get("token"))
	}
	who := m.tokens.who(form.Get("token"), form.Get("id_token"), address(r), m.o.Now())
	var reply wire.CardReply
	switch card := form.Get("maThe"); {
	case who == "" || who != form.Get("username") || form.Get("password") != wire.PasswordHash(m.accounts[who].Password):
		reply.MaKetQua = wire.NotLoggedIn
	case err != nil || form.Get("hoTen") == "" || !bornForm.MatchString(form.Get("ngaySinh")) || form.Get("hoTenCb") == "" || form.Get("cccdCb") == "":
		reply.MaKetQua = wire.BadParameter
	case !cardForm.MatchString(card):
		reply.MaKetQua = wire.CardMalformed
	case card[len(card)-1] == '9':
		reply.MaKetQua = wire.CardUnknown
	default:
		year := m.o.Now().In(wire.Zone).Format("2006")
		reply = wire.CardReply{
			MaKetQua: wire.CardCorrect, MaThe: card, HoTen: form.Get("hoTen"), NgaySinh: form.Get("ngaySinh"),
			MaDKBD: "51901", GTTheTu: "01/01/" + year, GTTheDen: "31/12/" + year, MaSoBHXH: card[len(card)-10:],
		}
		if card[len(card)-1] == '8' {
			reply.MaKetQua, reply.GTTheTu, reply.GTTheDen = wire.CardExpired, "01/01/2020", "31/12/2020"
		}
	}
	reply.GhiChu, _ = reply.MaKetQua.Meaning()
	x.wait(r, true)
	if !x.strike(w) {
		write(w, reply)
	}
}
