package cases

import "github.com/lienthong/lienthong/fhir/outcome"

// Names are what the parameters of lists and cases are called where people read them; in English they go by their own names. The amounts
// are those of the claim file: THANH_TIEN_BV, THANH_TIEN_BH, T_BHTT, T_BNCCT.
var Names = map[outcome.Language]map[string]string{outcome.Vietnamese: {
	"case": "hồ sơ", "claim": "yêu cầu thanh toán", "version": "phiên bản", "state": "trạng thái", "assessment": "kết quả giám định",
	"since": "từ lúc", "discharged": "ngày ra viện", "submitted": "thành tiền BV", "eligible": "thành tiền BH", "requested": "đề nghị BHXH thanh toán",
	"copay": "người bệnh cùng chi trả", "paid": "BHXH thanh toán", "reduced": "giảm trừ", "reason": "lý do", "reason-text": "diễn giải lý do",
	"finding": "lỗi kiểm tra", "cut": "mã giảm trừ", "response": "phản hồi", "line": "dòng", "sequence": "thứ tự", "table": "bảng", "code": "mã",
	"name": "tên", "next": "trang sau",
}}
