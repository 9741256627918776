package wire

import (
	"net/url"
	"strconv"
)

// BatchRequest asks for the assessment batches of a facility's month. Assumed.
type BatchRequest struct {
	Username, MaCSKCB string
	Nam, Thang        int
}

// Form is the request as the portal wants it.
func (r BatchRequest) Form() url.Values {
	return url.Values{"username": {r.Username}, "maCSKCB": {r.MaCSKCB}, "nam": {strconv.Itoa(r.Nam)}, "thang": {strconv.Itoa(r.Thang)}}
}

// BatchReply lists them.
type BatchReply struct {
	MaKetQua  MaKetQua `json:"maKetQua"`
	ThongDiep string   `json:"thongDiep,omitempty"`
	DSDot     []Dot    `json:"dsDot,omitempty"`
}

// Dot is one assessment batch.
type Dot struct {
	MaDot     string    `json:"maDot"`
	Ky        string    `json:"ky"`     // yyyyMM
	SoHoSo    int       `json:"soHoSo"` // episodes, whatever the number of their versions
	TrangThai TrangThai `json:"trangThai"`
}

// SettlementRequest asks for the settlement of a facility's quarter, or of one month of it. Assumed; that months can be
// asked for, that the runs are told, and that each record that was paid can be listed, too.
type SettlementRequest struct {
	Username, MaCSKCB string
	Nam               int
	Quy               int // 1 to 4; or
	Thang             int // 1 to 12
	Trang             int // page of the records to list, from 1; 0: none
}

// Form is the request as the portal wants it.
func (r SettlementRequest) Form() url.Values {
	v := url.Values{"username": {r.Username}, "maCSKCB": {r.MaCSKCB}, "nam": {strconv.Itoa(r.Nam)}}
	if r.Thang > 0 {
		v.Set("thang", strconv.Itoa(r.Thang))
	} else {
		v.Set("quy", strconv.Itoa(r.Quy))
	}
	setPage(v, r.Trang)
	return v
}

// SettlementReply is the settlement of a facility's quarter or month. TienDaTra is the sum of the runs.
type SettlementReply struct {
	MaKetQua     MaKetQua  `json:"maKetQua"`
	ThongDiep    string    `json:"thongDiep,omitempty"`
	MaCSKCB      string    `json:"maCSKCB,omitempty"`
	Nam          int       `json:"nam,omitempty"`
	Quy          int       `json:"quy,omitempty"`
	Thang        int       `json:"thang,omitempty"` // only when a month was asked for
	SoHoSo       int       `json:"soHoSo"`
	TienDeNghi   Amount    `json:"tienDeNghi"`       // claimed, of what is assessed
	TienChapNhan Amount    `json:"tienChapNhan"`     // accepted
	TienGiam     Amount    `json:"tienGiam"`         // reduced
	TienDaTra    Amount    `json:"tienDaTra"`        // paid
	NgayQT       string    `json:"ngayQT,omitempty"` // yyyyMMdd of the last run; "" while something is not settled
	DSQuyetToan  []DotQT   `json:"dsQuyetToan,omitempty"`
	DSHoSo       []HoSoDQT `json:"dsHoSo,omitempty"`    // of the page asked for
	TongTrang    int       `json:"tongTrang,omitempty"` // pages
}

// DotQT is one run of a month's settlement: the first has what was assessed by then, a later one what came in or was
// corrected afterwards. A run that was made does not change.
type DotQT struct {
	MaQT         string `json:"maQT"`
	Ky           string `json:"ky"`     // yyyyMM
	Lan          int    `json:"lan"`    // from 1
	NgayQT       string `json:"ngayQT"` // yyyyMMdd
	SoHoSo       int    `json:"soHoSo"`
	TienDeNghi   Amount `json:"tienDeNghi"`
	TienChapNhan Amount `json:"tienChapNhan"`
	TienGiam     Amount `json:"tienGiam"`
	TienDaTra    Amount `json:"tienDaTra"` // paid with this run; negative where more is taken back than given
}

// HoSoDQT is one record of a run.
type HoSoDQT struct {
	MaQT         string `json:"maQT"`
	MaLK         string `json:"maLK"`
	MaGiaoDich   string `json:"maGiaoDich"`
	PhienBan     uint64 `json:"phienBan"`
	TienDeNghi   Amount `json:"tienDeNghi"`
	TienChapNhan Amount `json:"tienChapNhan"`
	TienDaTra    Amount `json:"tienDaTra"` // accepted, less what an earlier run paid for the episode
	NgayTra      string `json:"ngayTra"`   // yyyyMMdd
}

func setPage(v url.Values, page int) {
	if page > 0 {
		v.Set("trang", strconv.Itoa(page))
	}
}
