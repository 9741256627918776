package audit

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// typeName is what people call a type of resource: one of it, several in English, and in Vietnamese. Others keep their names.
type typeName struct{ one, several, vi string }

var typeNames = map[fhir.Type]typeName{
	"AllergyIntolerance":         {"allergy", "allergies", "dị ứng"},
	"Appointment":                {"appointment", "appointments", "lịch hẹn"},
	"AuditEvent":                 {"entry of this list", "entries of this list", "dòng nhật ký truy cập"},
	"CarePlan":                   {"care plan", "care plans", "kế hoạch chăm sóc"},
	"CareTeam":                   {"care team", "care teams", "nhóm chăm sóc"},
	"Claim":                      {"insurance claim", "insurance claims", "hồ sơ đề nghị thanh toán BHYT"},
	"ClaimResponse":              {"decision on a claim", "decisions on claims", "kết quả giám định"},
	"Composition":                {"document", "documents", "văn bản y tế"},
	"Condition":                  {"diagnosis", "diagnoses", "chẩn đoán"},
	"Consent":                    {"consent", "consents", "văn bản đồng ý"},
	"Coverage":                   {"insurance card", "insurance cards", "thẻ BHYT"},
	"DiagnosticReport":           {"report of findings", "reports of findings", "phiếu kết quả"},
	"DocumentReference":          {"document", "documents", "tài liệu"},
	"Encounter":                  {"visit", "visits", "lần khám chữa bệnh"},
	"EpisodeOfCare":              {"course of care", "courses of care", "đợt chăm sóc"},
	"ExplanationOfBenefit":       {"settlement of a claim", "settlements of claims", "bảng thanh toán BHYT"},
	"ImagingStudy":               {"imaging study", "imaging studies", "lần chụp chiếu"},
	"Immunization":               {"vaccination", "vaccinations", "mũi tiêm chủng"},
	"ImmunizationRecommendation": {"vaccination plan", "vaccination plans", "lịch tiêm chủng đề xuất"},
	"MedicationDispense":         {"dispensed medicine", "dispensed medicines", "lần cấp thuốc"},
	"MedicationRequest":          {"prescription", "prescriptions", "đơn thuốc"},
	"MedicationStatement":        {"medicine in use", "medicines in use", "thuốc đang dùng"},
	"Observation":                {"measurement or finding", "measurements or findings", "chỉ số hoặc kết quả xét nghiệm"},
	"Organization":               {"facility", "facilities", "cơ sở"},
	"Patient":                    {"personal record", "personal records", "hồ sơ cá nhân"},
	"Practitioner":               {"health worker", "health workers", "nhân viên y tế"},
	"Procedure":                  {"procedure", "procedures", "thủ thuật"},
	"Provenance":                 {"note of who did it", "notes of who did it", "ghi chú nguồn gốc"},
	"RelatedPerson":              {"relative", "relatives", "người thân"},
	"ServiceRequest":             {"order", "orders", "chỉ định"},
	"Specimen":                   {"specimen", "specimens", "mẫu xét nghiệm"},
	"Task":                       {"task", "tasks", "việc cần xử lý"},
}

func nameOfType(t fhir.Type, n int, l outcome.Language) string {
	name, known := typeNames[t]
	switch {
	case !known:
		return string(t)
	case l == outcome.Vietnamese:
		return name.vi
	case n == 1:
		return name.one
	}
	return name.several
}

// operationNames are what an operation does, in words; others have their name alone.
var operationNames = map[string][2]string{ // English, Vietnamese
	"$everything": {"the whole record", "xem toàn bộ hồ sơ"}, "$summary": {"the summary of the record", "xem tóm tắt hồ sơ"},
	"$immunization-summary": {"the vaccination history", "xem lịch sử tiêm chủng"}, "$immunization-certificate": {"the vaccination certificate", "giấy chứng nhận tiêm chủng"},
	"$health-cards-issue": {"the vaccination certificate", "giấy chứng nhận tiêm chủng"}, "$immds-forecast": {"the vaccines that are due", "các mũi tiêm đến hạn"},
	"$match": {"looking for entries of one person", "tìm các hồ sơ của cùng một người"}, "$merge": {"joining two entries of one person", "gộp hai hồ sơ của cùng một người"},
	"$unmerge": {"separating entries that were joined", "tách các hồ sơ đã gộp"}, "$access-report": {"the list of who looked", "xem danh sách ai đã xem hồ sơ"},
	"$case": {"the check of a claim", "giám định một hồ sơ"}, "$evidence": {"the evidence on a claim", "chứng cứ của một hồ sơ"},
}

// operationOf gives what the operation of a request does, in parentheses, "" where it was none.
func operationOf(on string, l outcome.Language) string {
	for part := range strings.SplitSeq(on, "/") {
		if !strings.HasPrefix(part, "$") {
			continue
		}
		name, known := operationNames[part]
		switch {
		case !known:
			return " (" + part + ")"
		case l == outcome.Vietnamese:
			return " (" + name[1] + ")"
		}
		return " (" + name[0] + ")"
	}
	return ""
}

// called names what a request named: the kind of record in words, and its address for who wants to ask about it.
func called(on string, l outcome.Language) string {
	t, rest, _ := strings.Cut(on, "/")
	if _, known := typeNames[fhir.Type(t)]; !known || rest == "" {
		return on
	}
	return nameOfType(fhir.Type(t), 1, l) + operationOf(on, l) + " (" + on + ")"
}
