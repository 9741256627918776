package evidence

import (
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// texts are those for people, in one language.
type texts struct {
	title, summary, lines, versions, attempts, cited, issues, reviews string

	claim, facility, episode, state, since, discharged, submitted, requested, paid, reduced, receipt, decision, exported, masked string

	lineHead, versionHead, attemptHead, citedHead, issueHead, reviewHead []string
	proof                                                                string

	lang outcome.Language
}

var textsOf = map[outcome.Language]texts{
	outcome.Vietnamese: {
		title: "Hồ sơ chứng cứ giám định BHYT", summary: "Tóm tắt", lines: "Chi tiết", versions: "Phiên bản", attempts: "Lần gửi", cited: "Viện dẫn", issues: "Sai lệch", reviews: "Rà soát",
		claim: "Hồ sơ (Claim)", facility: "MA_CSKCB", episode: "MA_LK", state: "Trạng thái", since: "Từ lúc", discharged: "Ngày ra", submitted: "Tổng chi",
		requested: "Đề nghị quỹ BHYT", paid: "Quỹ chấp nhận", reduced: "Giảm trừ", receipt: "maGiaoDich", decision: "Kết luận của cổng", exported: "Xuất lúc",
		masked:      "Thông tin định danh người bệnh được che theo quyền của người yêu cầu.",
		lineHead:    []string{"#", "Bảng", "STT", "Mã", "Tên", "Số lượng", "Đơn giá", "Thành tiền", "Đề nghị", "Chấp nhận", "Giảm trừ", "Lý do"},
		versionHead: []string{"Phiên bản", "Trạng thái", "Từ lúc", "Mã", "Trường", "Lý do"},
		attemptHead: []string{"Phiên bản", "Lần", "Bắt đầu", "Kết thúc", "Kết quả", "maKetQua", "maGiaoDich", "SHA-256 tệp", "SHA-256 trả lời"},
		citedHead:   []string{"Tài nguyên", "Phiên bản", "Tại"},
		issueHead:   []string{"Loại", "Trạng thái", "Phát hiện", "Nội dung", "Xử lý"},
		reviewHead:  []string{"Kết quả", "Người rà soát", "Lúc", "Ghi chú"},
		proof:       "Bản in này là một phần của tệp chứng cứ; kiểm tra toàn bộ tệp bằng: lienthong verify-evidence TỆP --key KHÓA-CÔNG-KHAI",
	},
	outcome.English: {
		title: "Evidence of a claim to the social insurance", summary: "Summary", lines: "Lines", versions: "Versions", attempts: "Attempts", cited: "Cited", issues: "Differences", reviews: "Reviews",
		claim: "Claim", facility: "MA_CSKCB", episode: "MA_LK", state: "State", since: "Since", discharged: "Discharged", submitted: "Total cost",
		requested: "Asked of the fund", paid: "Paid by the fund", reduced: "Reduced", receipt: "maGiaoDich", decision: "The portal's conclusion", exported: "Exported",
		masked:      "Who the patient is was left out, by the right of who asked.",
		lineHead:    []string{"#", "Table", "STT", "Code", "Name", "Quantity", "Unit price", "Amount", "Claimed", "Assessed", "Reduced", "Reason"},
		versionHead: []string{"Version", "State", "Since", "Code", "Field", "Reason"},
		attemptHead: []string{"Version", "Attempt", "Started", "Ended", "Outcome", "maKetQua", "maGiaoDich", "SHA-256 of file", "SHA-256 of reply"},
		citedHead:   []string{"Resource", "Version", "At"},
		issueHead:   []string{"Kind", "Status", "Found", "Detail", "Action"},
		reviewHead:  []string{"Outcome", "Reviewer", "At", "Note"},
		proof:       "This page is a part of the file of evidence; the whole file is checked by: lienthong verify-evidence FILE --key PUBLIC-KEY",
	},
}

func in(lang outcome.Language) texts {
	if _, ok := textsOf[lang]; !ok {
		lang = outcome.Vietnamese
	}
	w := textsOf[lang]
	w.lang = lang
	return w
}

// clock is a time for people, in Việt Nam; "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(wire.Zone).Format("2006-01-02 15:04:05")
}
