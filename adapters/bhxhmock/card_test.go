package bhxhmock_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// look asks about a card, with the session in the query or in the body.
func (p *portal) look(c wire.CardRequest, inQuery bool) (r wire.CardReply) {
	p.t.Helper()
	call := wire.CardCall{CardRequest: c, Username: account.Username, Password: wire.PasswordHash(account.Password), Token: p.key.AccessToken, IDToken: p.key.IDToken}
	var body any = call
	at := p.url + wire.DefaultPaths().Card
	if inQuery {
		body = c
		at += "?" + url.Values{"username": {call.Username}, "password": {call.Password}, "token": {call.Token}, "id_token": {call.IDToken}}.Encode()
	}
	raw, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.Post(at, wire.JSONType, strings.NewReader(string(raw)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// Each code of the contract, by the built-in cards.
func TestEachResultOfACard(t *testing.T) {
	p := start(t, bhxhmock.Options{Accounts: []bhxhmock.Account{account, {Username: "51999_BV", Password: account.Password, Facilities: []string{"51999"}}}})
	ask := func(card, name, born string) wire.CardRequest {
		return wire.CardRequest{MaThe: card, HoTen: name, NgaySinh: born, HoTenCB: "Cán bộ Giả định", CCCDCB: "051190000001"}
	}
	seen := map[wire.MaKetQua]bool{}
	for _, c := range []struct {
		ask  wire.CardRequest
		want wire.MaKetQua
	}{
		{ask("DN4510000000100", "người giả định một", "01021980"), "000"},
		{ask("0000000100", "NGUOI GIA DINH MOT", "1980"), "000"},
		{ask("051080000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "000"},
		{ask("QN5970000000101", "NGƯỜI GIẢ ĐỊNH HAI", "17/05/1985"), "001"},
		{ask("CA5980000000102", "NGƯỜI GIẢ ĐỊNH BA", "03/04/1986"), "002"},
		{ask("DN4510000000103", "NGƯỜI GIẢ ĐỊNH BỐN", "04/05/1987"), "003"},
		{ask("DN4510000000104", "NGƯỜI GIẢ ĐỊNH NĂM", "05/06/1988"), "004"},
		{ask("DN4510000000110", "NGƯỜI GIẢ ĐỊNH SÁU", "06/07/1989"), "010"},
		{ask("DN4519999999999", "AI ĐÓ", "1990"), "050"},
		{ask("051099999999", "AI ĐÓ", "1990"), "050"},
		{ask("HC4510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "051"},
		{ask("DN45100000001", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "051"},
		{ask("DN4520000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "052"},
		{ask("DN3510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "053"},
		{ask("DN9510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "053"},
		{ask("DN4510000000100", "AI ĐÓ", "01/02/1980"), "060"},
		{ask("DN4510000000100", "NGUYỄN AI ĐÓ", "01/02/1980"), "061"},
		{ask("DN4510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "02/01/1980"), "070"},
		{ask("DN4510000000200", "NGƯỜI GIẢ ĐỊNH BẢY", "07/08/1990"), "100"},
		{ask("DN4510000000201", "NGƯỜI GIẢ ĐỊNH TÁM", "08/09/1991"), "101"},
		{ask("DN4510000000210", "NGƯỜI GIẢ ĐỊNH CHÍN", "09/10/1992"), "110"},
		{ask("DN4510000000220", "NGƯỜI GIẢ ĐỊNH MƯỜI", "10/11/1993"), "120"},
		{ask("DN4510000000221", "NGƯỜI GIẢ ĐỊNH MƯỜI MỘT", "11/12/1994"), "121"},
		{ask("DN4510000000222", "NGƯỜI GIẢ ĐỊNH MƯỜI HAI", "12/01/1995"), "122"},
		{ask("DN4510000000223", "NGƯỜI GIẢ ĐỊNH MƯỜI BA", "13/02/1996"), "123"},
		{ask("DN4510000000224", "NGƯỜI GIẢ ĐỊNH MƯỜI BỐN", "14/03/1997"), "124"},
		{ask("", "TRẺ GIẢ ĐỊNH", "01/01/2024"), "130"},
		{ask("", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980"), "205"},
		{ask("DN4510000000100", " ", "01/02/1980"), "205"},
		{ask("DN4510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "31/02/1980"), "205"},
		{ask("DN4510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "1980-02-01"), "205"},
		{wire.CardRequest{MaThe: "DN4510000000100", HoTen: "X", NgaySinh: "1980"}, "205"},
	} {
		for _, inQuery := range []bool{false, true} {
			r := p.look(c.ask, inQuery)
			vi, _ := c.want.Meaning()
			if r.MaKetQua != c.want || r.GhiChu != vi || vi == "" {
				t.Errorf("%+v: %+v, want %s", c.ask, r, c.want)
			}
			if r.HoTen != "" != c.want.TellsCard() {
				t.Errorf("%s tells what is on the card, or not: %+v", c.want, r)
			}
		}
		seen[c.want] = true
	}
	stranger := ask("DN4510000000100", "NGƯỜI GIẢ ĐỊNH MỘT", "01/02/1980")
	p.key = wire.APIKey{}
	if r := p.look(stranger, false); r.MaKetQua != wire.NotLoggedIn {
		t.Errorf("without a session: %+v", r)
	}
	seen["401"] = true

	// A facility with a list of staff.
	login := wire.TakeRequest{Username: "51999_BV", Password: wire.PasswordHash(account.Password)}
	var taken wire.TakeReply
	p.call(wire.DefaultPaths().Take, login.Form(), &taken)
	as := func(name, cccd string) wire.MaKetQua {
		call := wire.CardCall{CardRequest: stranger, Username: login.Username, Password: login.Password, Token: taken.APIKey.AccessToken, IDToken: taken.APIKey.IDToken}
		call.HoTenCB, call.CCCDCB = name, cccd
		raw, err := json.Marshal(call)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(p.url+wire.DefaultPaths().Card, wire.JSONType, strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var r wire.CardReply
		if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
			t.Fatal(err)
		}
		seen[r.MaKetQua] = true
		return r.MaKetQua
	}
	if a, b, c := as("CÁN BỘ GIẢ ĐỊNH", "051190000001"), as("AI ĐÓ", "051190000001"), as("CÁN BỘ GIẢ ĐỊNH", "051190000002"); a != "000" || b != "055" || c != "054" {
		t.Errorf("staff: %s %s %s", a, b, c)
	}
	for _, code := range strings.Fields("000 001 002 003 004 010 050 051 052 053 054 055 060 061 070 100 101 110 120 121 122 123 124 130 205 401") {
		if !seen[wire.MaKetQua(code)] {
			t.Errorf("no card has %s", code)
		}
	}
}

func TestACardTellsAllThatTheContractHas(t *testing.T) {
	file := `cards:
  - {maThe: DN4510000000100, hoTen: A, ngaySinh: 01/02/1980, gioiTinh: Nam, diaChi: X, maDKBD: "51901", cqBHXH: B, gtTheTu: 01/01/2020, gtTheDen: 31/12/2099, maKV: K1,
     ngayDu5Nam: 01/01/2025, maTheCu: C, maTheMoi: D, gtTheTuMoi: E, gtTheDenMoi: F, maDKBDMoi: G, tenDKBDMoi: H,
     lichSu: [{maHoSo: "1", maCSKCB: "51901", ngayVao: "202601050700", ngayRa: "202601050930", tenBenh: T, tinhTrang: "1", kqDieuTri: "2", lyDoVV: K}]}
`
	cards, err := bhxhmock.ParseCards([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, bhxhmock.Options{Cards: cards})
	c := wire.CardRequest{MaThe: "DN4510000000100", HoTen: "a", NgaySinh: "1980", HoTenCB: "x", CCCDCB: "y"}
	p.look(c, false)
	r := p.look(c, false)
	for v, i := reflect.ValueOf(r), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty", v.Type().Field(i).Name)
		}
	}
	if len(r.LichSuKT) != 1 || r.LichSuKT[0].UserKT != account.Username || r.LichSuKT[0].MaLoi != "004" || r.LichSuKT[0].ThoiGianKT != "202604010800" {
		t.Errorf("earlier look-ups: %+v", r.LichSuKT)
	}
	c.MaThe = "DN4510000000101"
	if r := p.look(c, false); r.MaKetQua != wire.CardUnknown {
		t.Errorf("with a file of one's own there is no other card: %+v", r)
	}
}

func TestBadCardsAreRefused(t *testing.T) {
	const rest = ", gtTheTu: 01/01/2020, gtTheDen: 31/12/2099}]"
	for _, bad := range []string{
		"[]", "cards: [{}]", "kards: []",
		"cards: [{maThe: X, hoTen: A, ngaySinh: '1980'" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: ' ', ngaySinh: '1980'" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: 31/02/1980" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', baoGiam: '125'" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', quanLy: x" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', ketQua: x" + rest,
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', gtTheTu: 1, gtTheDen: 2}]",
		"cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', gtTheTu: 01/01/2020, gtTheDen: 31/12/2099}, {maThe: HC4510000000100, hoTen: A, ngaySinh: '1980'" + rest,
	} {
		if _, err := bhxhmock.ParseCards([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func FuzzParseCards(f *testing.F) {
	f.Add([]byte("cards: [{maThe: DN4510000000100, hoTen: A, ngaySinh: '1980', gtTheTu: 01/01/2020, gtTheDen: 31/12/2099}]"))
	f.Fuzz(func(_ *testing.T, file []byte) {
		_, _ = bhxhmock.ParseCards(file) // it must not panic
	})
}
