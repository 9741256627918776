package bhxhmock

import (
	"crypto/sha256"
	"fmt"
	"math/big"
)

// reason is why a line is cut. The codes are the mock's own: the insurer's list is not public.
type reason struct{ code, text string }

var (
	reductions = []reason{
		{"GD01", "Đơn giá vượt kết quả đấu thầu"},
		{"GD02", "Số lượng vượt chỉ định"},
		{"GD03", "Áp sai tỷ lệ thanh toán"},
	}
	denials = []reason{
		{"GD11", "Chỉ định không phù hợp chẩn đoán"},
		{"GD12", "Dịch vụ trùng lặp trong cùng đợt điều trị"},
		{"GD13", "Ngoài danh mục được phê duyệt của cơ sở"},
	}
)

// fullShare of the lines in a hundred are accepted as claimed, reducedShare are reduced, the rest is denied.
const (
	fullShare    = 85
	reducedShare = 10
)

// assess decides on one line by a hash of facility, episode, table and STT: the same line has the same decision in every
// run and in every version.
func assess(facility, maLK string, l Line) Line {
	out := Line{Table: l.Table, STT: l.STT, BHTT: l.BHTT, Accepted: l.BHTT}
	claimed, ok := hundredths(string(l.BHTT))
	if !ok || claimed.Sign() == 0 {
		return out
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d", facility, maLK, l.Table, l.STT))
	switch pick := (int(h[0])<<8 | int(h[1])) % 100; {
	case pick < fullShare:
	case pick < fullShare+reducedShare:
		percent := int64(50 + 10*(h[2]%5)) // 50 to 90
		kept := new(big.Int).Mul(claimed, big.NewInt(percent))
		kept.Div(kept, big.NewInt(100))
		r := reductions[int(h[3])%len(reductions)]
		out.Accepted, out.Code, out.Text = amount(kept), r.code, r.text
	default:
		r := denials[int(h[3])%len(denials)]
		out.Accepted, out.Code, out.Text = amount(new(big.Int)), r.code, r.text
	}
	return out
}
