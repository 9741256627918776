package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"time"
)

// SendRequest carries a check-in or a claim file. The session goes in the headers.
type SendRequest struct {
	Username string
	LoaiHoSo string // LoaiHoSoCheckIn or LoaiHoSoClaim
	MaTinh   string // province of the facility, 2 digits
	MaCSKCB  string // facility, 5 digits
	File     []byte // the file itself; Form puts the outer base64 layer on
}

// Form is the request as the portal wants it.
func (r SendRequest) Form() url.Values {
	v := r.about()
	v.Set("fileHSBase64", base64.StdEncoding.EncodeToString(r.File))
	return v
}

// about is what the form says beside the file.
func (r SendRequest) about() url.Values {
	return url.Values{"username": {r.Username}, "loaiHoSo": {r.LoaiHoSo}, "maTinh": {r.MaTinh}, "maCSKCB": {r.MaCSKCB}}
}

// Encode is Form().Encode(), without the copies of a large file in between.
func (r SendRequest) Encode() []byte {
	rest := r.about().Encode() // the file's name sorts before all of these
	b := make([]byte, 0, len("fileHSBase64=&")+len(rest)+base64.StdEncoding.EncodedLen(len(r.File))*9/8)
	b = append(b, "fileHSBase64="...)
	var piece [4096]byte
	for file := r.File; len(file) > 0; {
		n := min(len(file), len(piece)/4*3)
		b = appendEscaped(b, base64.StdEncoding.AppendEncode(piece[:0], file[:n]))
		file = file[n:]
	}
	return append(append(b, '&'), rest...)
}

// appendEscaped appends base64 as a form has it: of its characters only three are escaped.
func appendEscaped(b, text []byte) []byte {
	from := 0
	for i, c := range text {
		var as string
		switch c {
		case '+':
			as = "%2B"
		case '/':
			as = "%2F"
		case '=':
			as = "%3D"
		default:
			continue
		}
		b = append(append(b, text[from:i]...), as...)
		from = i + 1
	}
	return append(b, text[from:]...)
}

// SendReply is the answer to a sending call.
type SendReply struct {
	MaKetQua         MaKetQua `json:"maKetQua"`
	MaGiaoDich       string   `json:"maGiaoDich,omitempty"`
	ThoiGianTiepNhan string   `json:"thoiGianTiepNhan,omitempty"` // Stamp
	ThongDiep        string   `json:"thongDiep,omitempty"`
}

// FileHash is the SHA-256 of a file as sent (before the outer base64 layer), lower-case hex: what ledgers compare.
func FileHash(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// Zone is Asia/Ho_Chi_Minh, the zone of all times in the contract and in the claim file: +07:00 without summer time.
var Zone = time.FixedZone("+07", 7*60*60)

// Stamp prints t as the replies do: yyyyMMddHHmmss in Zone.
func Stamp(t time.Time) string { return t.In(Zone).Format("20060102150405") }

// ParseStamp reads what Stamp prints.
func ParseStamp(s string) (time.Time, error) { return time.ParseInLocation("20060102150405", s, Zone) }
