package wire

// CardRequest asks whether a card is good. Name and citizen ID of the staff member who asks are part of the contract.
// The session goes in the body beside it (CardCall), never in the query, which would end up in access logs.
type CardRequest struct {
	MaThe    string `json:"maThe"`
	HoTen    string `json:"hoTen"`
	NgaySinh string `json:"ngaySinh"` // ddMMyyyy, dd/MM/yyyy, or yyyy
	HoTenCB  string `json:"hoTenCb"`
	CCCDCB   string `json:"cccdCb"`
}

// CardCall is a CardRequest with its session.
type CardCall struct {
	CardRequest
	Username string `json:"username"`
	Password string `json:"password"` // PasswordHash
	Token    string `json:"token"`
	IDToken  string `json:"id_token"`
}

// CardReply is the answer; maKetQua has the codes 000 to 130 of Meaning.
type CardReply struct {
	MaKetQua    MaKetQua `json:"maKetQua"`
	GhiChu      string   `json:"ghiChu,omitempty"`
	MaThe       string   `json:"maThe,omitempty"`
	HoTen       string   `json:"hoTen,omitempty"`
	NgaySinh    string   `json:"ngaySinh,omitempty"`
	GioiTinh    string   `json:"gioiTinh,omitempty"`
	DiaChi      string   `json:"diaChi,omitempty"`
	MaDKBD      string   `json:"maDKBD,omitempty"`
	CQBHXH      string   `json:"cqBHXH,omitempty"`
	GTTheTu     string   `json:"gtTheTu,omitempty"`
	GTTheDen    string   `json:"gtTheDen,omitempty"`
	MaKV        string   `json:"maKV,omitempty"`
	NgayDu5Nam  string   `json:"ngayDu5Nam,omitempty"`
	MaSoBHXH    string   `json:"maSoBHXH,omitempty"`
	MaTheCu     string   `json:"maTheCu,omitempty"`
	MaTheMoi    string   `json:"maTheMoi,omitempty"`
	GTTheTuMoi  string   `json:"gtTheTuMoi,omitempty"`
	GTTheDenMoi string   `json:"gtTheDenMoi,omitempty"`
	MaDKBDMoi   string   `json:"maDKBDMoi,omitempty"`
	TenDKBDMoi  string   `json:"tenDKBDMoi,omitempty"`
	LichSuKCB   []LanKCB `json:"dsLichSuKCB2018,omitempty"`
	LichSuKT    []LanKT  `json:"dsLichSuKT2018,omitempty"`
}

// LanKCB is an earlier treatment of the card's holder.
type LanKCB struct {
	MaHoSo    string `json:"maHoSo"`
	MaCSKCB   string `json:"maCSKCB"`
	NgayVao   string `json:"ngayVao"` // yyyyMMddHHmm
	NgayRa    string `json:"ngayRa"`
	TenBenh   string `json:"tenBenh"`
	TinhTrang string `json:"tinhTrang"`
	KQDieuTri string `json:"kqDieuTri"`
	LyDoVV    string `json:"lyDoVV"`
}

// LanKT is an earlier look-up of the card.
type LanKT struct {
	UserKT     string `json:"userKT"`
	ThoiGianKT string `json:"thoiGianKT"`
	ThongBao   string `json:"thongBao"`
	MaLoi      string `json:"maLoi"`
}
