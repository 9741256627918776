package cases

import (
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Names are what the parameters of what is told about claims are called where people read them; in English they go by their own names.
// The amounts are those of the claim file: THANH_TIEN_BV, THANH_TIEN_BH, T_BHTT, T_BNCCT.
var Names = map[outcome.Language]map[string]string{outcome.Vietnamese: {
	"case": "hồ sơ", "claim": "yêu cầu thanh toán", "version": "phiên bản", "state": "trạng thái", "assessment": "kết quả giám định",
	"since": "từ lúc", "discharged": "ngày ra viện", "submitted": "thành tiền BV", "eligible": "thành tiền BH", "requested": "đề nghị BHXH thanh toán",
	"copay": "người bệnh cùng chi trả", "paid": "BHXH thanh toán", "reduced": "giảm trừ", "reason": "lý do", "reason-text": "diễn giải lý do",
	"finding": "lỗi kiểm tra", "cut": "mã giảm trừ", "response": "phản hồi", "line": "dòng", "sequence": "thứ tự", "table": "bảng", "code": "mã",
	"name": "tên", "next": "trang sau",
	// of $sync-status
	"about": "về", "standing": "từng phiên bản", "vi": "tiếng Việt", "en": "tiếng Anh", "field": "trường", "element": "phần tử FHIR", "attempt": "lần gửi", "number": "lần",
	"start": "bắt đầu", "end": "kết thúc", "deadline": "hạn chờ", "outcome": "kết quả", "http-status": "mã HTTP", "file-sha256": "SHA-256 của tệp",
	"reply-sha256": "SHA-256 của trả lời", "file-bytes": "cỡ tệp (byte)", "slot": "đợt chạy", "lease": "khóa phiên", "server": "máy chủ",
	"fencing-token": "số thứ tự khóa", "late": "đến muộn, không còn tác dụng", "called-off": "không còn gửi", "settlement": "đợt quyết toán", "paid-on": "ngày thanh toán",
	"other-maGiaoDich": "maGiaoDich khác", "not-received": "báo chưa nhận từ lúc", "clock-runs-out": "đến hạn", "overdue": "quá hạn",
	"decided": "quyết định", "decision": "nội dung", "who": "người quyết định", "at": "lúc",
	// of $precheck and $reconcile
	"result": "kết luận", "rule": "quy tắc", "severity": "mức độ", "row": "dòng", "message": "nội dung", "message_vi": "tiếng Việt", "message_en": "tiếng Anh",
	"path": "phần tử FHIR", "facility": "MA_CSKCB", "from": "từ tháng", "to": "đến tháng", "records": "hồ sơ ở cổng", "asked": "đã hỏi riêng", "matched": "khớp",
	"settlements": "đợt quyết toán", "settled": "đã quyết toán", "revised": "quyết định thay đổi", "opened": "sai lệch mới", "closed": "sai lệch đã khép",
	"kind": "loại", "issue": "sai lệch", "here": "ở đây", "there": "ở cổng",
}}

// Codes are the lists of fhir/wording that codes in these parameters are from.
var Codes = map[string]string{
	"state": "delivery-state", "assessment": "delivery-assessment", "outcome": "delivery-state", "decision": "delivery-decision",
	"overdue": "delivery-overdue", "finding": wording.Catalogue, "kind": "reconciliation", "severity": "issue-severity", "result": "precheck-result",
}
