package wire

import (
	"bytes"
	"encoding/json"
)

// MaKetQua is a result code: three digits. It alone says how a call ended.
type MaKetQua string

// Codes that every call may give.
const (
	Accepted     MaKetQua = "200"
	BadParameter MaKetQua = "205"
	NotLoggedIn  MaKetQua = "401"
	NotAllowed   MaKetQua = "403"
	ServerError  MaKetQua = "101"
)

// Codes of the card look-up.
const (
	CardCorrect   MaKetQua = "000"
	CardArmy      MaKetQua = "001"
	CardPolice    MaKetQua = "002"
	CardReplaced  MaKetQua = "003"
	CardRenewed   MaKetQua = "004"
	CardExpired   MaKetQua = "010"
	CardUnknown   MaKetQua = "050"
	CardMalformed MaKetQua = "051"
	CardProvince  MaKetQua = "052"
	CardBenefit   MaKetQua = "053"
	StaffUnknown  MaKetQua = "054"
	StaffName     MaKetQua = "055"
	CardName      MaKetQua = "060"
	CardNameFirst MaKetQua = "061"
	CardBorn      MaKetQua = "070"
	CardWithdrawn MaKetQua = "110"
	CardChild     MaKetQua = "130"
)

// TellsCard says whether a reply with this code tells what the card has, and so shows that it was asked about rightly.
func (m MaKetQua) TellsCard() bool {
	switch m {
	case CardCorrect, CardArmy, CardPolice, CardReplaced, CardRenewed, CardExpired, CardWithdrawn, "120", "121", "122", "123", "124":
		return true
	}
	return false
}

// UnmarshalJSON accepts "200" and 200, as both were seen; null is "".
func (m *MaKetQua) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*m = ""
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(m))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*m = MaKetQua(n)
	return nil
}

// Valid says whether m is a result code at all; anything else proves nothing about what the portal did.
func (m MaKetQua) Valid() bool {
	if len(m) != 3 {
		return false
	}
	for i := range len(m) {
		if m[i] < '0' || m[i] > '9' {
			return false
		}
	}
	return true
}

// ServerFault says that the portal reports a fault of its own, or that it has too much to do (429, no code of the contract):
// whether it kept what was sent is then not known.
func (m MaKetQua) ServerFault() bool {
	return m == "100" || m == ServerError || m == "429" || m.Valid() && m[0] == '5'
}

// Meaning gives the text of a code in Vietnamese and English; both are "" for a code without a published meaning.
func (m MaKetQua) Meaning() (vi, en string) {
	t := meanings[m]
	return t[0], t[1]
}

// meanings is the list of the contract. 200, 205, 401 and 403 are those of the calls, the others of the card look-up.
var meanings = map[MaKetQua][2]string{
	"000": {"Thông tin thẻ chính xác", "Card information correct"},
	"001": {"Thẻ do BHXH Bộ Quốc phòng quản lý, đề nghị kiểm tra thẻ và giấy tờ tùy thân", "Card managed by the army's insurer: check with identity papers"},
	"002": {"Thẻ do BHXH Công an nhân dân quản lý, đề nghị kiểm tra thẻ và giấy tờ tùy thân", "Card managed by the police's insurer: check with identity papers"},
	"003": {"Thẻ cũ hết giá trị sử dụng, đã có thẻ mới", "Old card out of use, new card valid"},
	"004": {"Thẻ còn giá trị sử dụng, đã được cấp thẻ mới", "Card valid, new card issued"},
	"010": {"Thẻ hết giá trị sử dụng", "Card expired"},
	"050": {"Không thấy thông tin thẻ BHYT", "No such card"},
	"051": {"Mã thẻ không đúng", "Wrong card number"},
	"052": {"Mã tỉnh cấp thẻ (ký tự thứ 4, 5) không đúng", "Wrong province (characters 4, 5)"},
	"053": {"Mã quyền lợi thẻ (ký tự thứ 3) không đúng", "Wrong benefit code (character 3)"},
	"054": {"Số CCCD của cán bộ tra cứu không có trong danh sách của cơ sở", "The asking staff member's citizen ID is not on the facility's list"},
	"055": {"Họ tên cán bộ tra cứu không khớp", "The staff member's name does not match"},
	"060": {"Thẻ sai họ tên", "Wrong name"},
	"061": {"Thẻ sai họ tên (đúng ký tự đầu)", "Wrong name, first letter right"},
	"070": {"Thẻ sai ngày sinh", "Wrong birth date"},
	"100": {"Lỗi khi nhận dữ liệu", "Error when receiving"},
	"101": {"Lỗi máy chủ", "Server error"},
	"110": {"Thẻ đã thu hồi", "Card withdrawn"},
	"120": {"Thẻ đã báo giảm", "Card reported decreased"},
	"121": {"Thẻ đã báo giảm: chuyển ngoại tỉnh", "Card reported decreased: moved to another province"},
	"122": {"Thẻ đã báo giảm: chuyển nội tỉnh", "Card reported decreased: moved within the province"},
	"123": {"Thẻ đã báo giảm: thu hồi do tăng lại cùng đơn vị", "Card reported decreased: withdrawn, registered again by the same unit"},
	"124": {"Thẻ đã báo giảm: ngừng tham gia", "Card reported decreased: no longer insured"},
	"130": {"Trẻ em không xuất trình thẻ", "Child not presenting a card"},
	"200": {"Tiếp nhận thành công", "Accepted"},
	"205": {"Sai định dạng tham số", "Wrong parameter format"},
	"401": {"Xác thực tài khoản không thành công", "Authentication failed"},
	"403": {"Tài khoản không được phép gửi cho cơ sở này", "Account not allowed for this facility"},
}
