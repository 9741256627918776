package wire

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// StatusRequest asks what became of files of a facility: by the receipt's number, by episodes, or by an assessment batch.
// Assumed; that a batch can be asked for (MaDot) too: without it nobody could see a record there that is not known here.
type StatusRequest struct {
	Username   string
	MaCSKCB    string
	MaGiaoDich string   // or
	MaLK       []string // at most MaxMaLK; or
	MaDot      string   // Dot.MaDot: of each episode the version that counts
	Trang      int      // page of a batch, from 1; 0 is 1
}

// MaxMaLK bounds one status query, and is the length of a page of records.
const MaxMaLK = 500

// Form is the request as the portal wants it; episodes are separated by ";".
func (r StatusRequest) Form() url.Values {
	v := url.Values{"username": {r.Username}, "maCSKCB": {r.MaCSKCB}}
	if r.MaGiaoDich != "" {
		v.Set("maGiaoDich", r.MaGiaoDich)
	}
	if len(r.MaLK) > 0 {
		v.Set("dsMaLK", strings.Join(r.MaLK, ";"))
	}
	if r.MaDot != "" {
		v.Set("maDot", r.MaDot)
		setPage(v, r.Trang)
	}
	return v
}

// StatusReply lists a record for each accepted version of each episode asked for, older versions first, and one with
// TiepNhan false for an episode that was never received. Of a batch it lists one for each episode.
type StatusReply struct {
	MaKetQua  MaKetQua `json:"maKetQua"`
	ThongDiep string   `json:"thongDiep,omitempty"`
	DSHoSo    []HoSo   `json:"dsHoSo,omitempty"`
	TongTrang int      `json:"tongTrang,omitempty"` // pages of the batch
}

// TrangThai is the state of a received record.
type TrangThai string

// States in the order in which a record goes through them; LoiDinhDang and DaGiamDinh are final.
const (
	KhongCo      TrangThai = "KHONG_CO"       // not received
	DaTiepNhan   TrangThai = "DA_TIEP_NHAN"   // received
	DangGiamDinh TrangThai = "DANG_GIAM_DINH" // assessing
	LoiDinhDang  TrangThai = "LOI_DINH_DANG"  // format error
	DaGiamDinh   TrangThai = "DA_GIAM_DINH"   // assessed
)

// HoSo is what the portal knows of one version of one episode.
type HoSo struct {
	MaLK             string    `json:"maLK"`
	MaCSKCB          string    `json:"maCSKCB,omitempty"`
	MaGiaoDich       string    `json:"maGiaoDich,omitempty"`
	TiepNhan         bool      `json:"tiepNhan"`           // received, with effect
	PhienBan         uint64    `json:"phienBan,omitempty"` // PB of the file
	SHA256           string    `json:"sha256,omitempty"`   // FileHash of the file
	TrangThai        TrangThai `json:"trangThai"`
	ThoiGianTiepNhan string    `json:"thoiGianTiepNhan,omitempty"` // Stamp
	ThoiGianGiamDinh string    `json:"thoiGianGiamDinh,omitempty"` // Stamp; "" before the end of the assessment
	ChiTiet          []ChiTiet `json:"dsChiTiet,omitempty"`        // only when assessed
	Loi              []Loi     `json:"dsLoi,omitempty"`            // only for a format error
}

// ChiTiet is the decision on one line.
type ChiTiet struct {
	Bang         string `json:"bang"` // XML2 or XML3
	STT          int    `json:"stt"`
	TienDeNghi   Amount `json:"tienDeNghi"`   // T_BHTT as claimed, VND
	TienChapNhan Amount `json:"tienChapNhan"` // what the fund pays, VND
	MaLyDo       string `json:"maLyDo,omitempty"`
	LyDo         string `json:"lyDo,omitempty"`
}

// Loi is one format error of a record.
type Loi struct {
	Ma      string `json:"ma"`
	NoiDung string `json:"noiDung"`
}

// Amount is money in VND as its decimal text, such as 12000.00; never a float.
type Amount string

// UnmarshalJSON accepts a string or a number and keeps the digits as they stand.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*a = ""
		return nil
	}
	if len(b) > 2 && b[0] == '"' && !bytes.ContainsFunc(b[1:len(b)-1], func(c rune) bool { return (c < '0' || c > '9') && c != '.' }) {
		*a = Amount(b[1 : len(b)-1]) // nearly always: nothing in it is escaped
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(a))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*a = Amount(n)
	return nil
}
