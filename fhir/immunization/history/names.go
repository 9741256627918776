package history

import "github.com/lienthong/lienthong/fhir/outcome"

// Names are what the parameters of a summary are called where people read them; in English they go by their own names.
var Names = map[outcome.Language]map[string]string{outcome.Vietnamese: {
	"patient": "người bệnh", "merged": "hồ sơ đã gộp", "assessmentDate": "ngày đánh giá", "schedule": "lịch tiêm chủng",
	"dose": "mũi tiêm", "date": "ngày", "status": "tình trạng", "statusReason": "lý do không tiêm", "vaccine": "vắc xin", "lot": "số lô",
	"expiration": "hạn dùng", "manufacturer": "nhà sản xuất", "site": "vị trí tiêm", "route": "đường dùng", "quantity": "liều lượng",
	"performer": "nơi tiêm", "source": "nguồn", "evaluation": "đánh giá", "series": "loạt mũi", "doseNumber": "mũi thứ", "reason": "lý do",
	"reaction": "phản ứng", "adverseEvent": "biến cố bất lợi", "event": "biến cố", "severity": "mức độ", "seriousness": "tính nghiêm trọng",
	"outcome": "kết cục", "reportStatus": "tình trạng báo cáo", "warning": "cảnh báo", "enteredInError": "bản ghi nhầm",
	"forecast": "dự báo", "disease": "bệnh", "earliest": "sớm nhất", "recommended": "khuyến cáo", "latest": "muộn nhất", "overdue": "quá hạn từ",
	"contraindication": "chống chỉ định", "lasting": "lâu dài", "until": "đến ngày",
}}
