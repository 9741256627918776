package page

import "github.com/lienthong/lienthong/fhir/outcome"

// words are the texts of the page.
var words = map[outcome.Language]map[string]string{
	outcome.Vietnamese: {
		"title": "Kiểm tra giấy chứng nhận tiêm chủng", "lead": "Dán nội dung mã QR (shc:/… hoặc HC1:…). Nếu giấy có nhiều mã, dán tất cả, mỗi mã một dòng.",
		"text": "Nội dung mã QR", "check": "Kiểm tra", "valid": "Hợp lệ", "invalid": "Không hợp lệ", "unreadable": "Không đọc được",
		"genuine": "Chữ ký đúng và giấy chưa bị thu hồi. Hãy đối chiếu họ tên và ngày sinh với giấy tờ tùy thân của người xuất trình.",
		"name":    "Họ và tên", "birth": "Ngày sinh", "issued": "Ngày cấp", "expires": "Có giá trị đến", "issuer": "Khóa của nơi cấp",
		"date": "Ngày tiêm", "vaccine": "Vắc xin", "lot": "Số lô", "performer": "Cơ sở tiêm chủng",
		"kept": "Nội dung dán vào đây không được lưu lại.", "other": "English", "otherLang": "en",
	},
	outcome.English: {
		"title": "Check a vaccination certificate", "lead": "Paste the text of the QR code (shc:/… or HC1:…). If there are several codes, paste all of them, one on each line.",
		"text": "Text of the QR code", "check": "Check", "valid": "Valid", "invalid": "Not valid", "unreadable": "Cannot be read",
		"genuine": "The signature is right and the certificate is not revoked. Compare name and birth date with an identity document of the person who shows it.",
		"name":    "Name", "birth": "Date of birth", "issued": "Issued on", "expires": "Valid until", "issuer": "Keys of the issuer",
		"date": "Date", "vaccine": "Vaccine", "lot": "Lot", "performer": "Given by",
		"kept": "What is pasted here is not kept.", "other": "Tiếng Việt", "otherLang": "vi",
	},
}
