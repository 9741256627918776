package certificate

import (
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// words are the texts of the printed page.
type words struct {
	title, name, birth, issuer, issued, expires string
	number, date, vaccine, lot, performer       string
	shc, hc1, part, verify, undated, noHC1, key string
	page                                        string
}

var wordsOf = map[outcome.Language]words{
	outcome.Vietnamese: {
		title: "GIẤY CHỨNG NHẬN TIÊM CHỦNG", name: "Họ và tên", birth: "Ngày sinh", issuer: "Nơi cấp", issued: "Ngày cấp", expires: "Có giá trị đến",
		number: "STT", date: "Ngày tiêm", vaccine: "Vắc xin", lot: "Số lô", performer: "Cơ sở tiêm chủng",
		shc: "SMART Health Card", hc1: "Mã dạng EU DCC (HC1)", part: "mã %d/%d: cần quét tất cả các mã", verify: "Kiểm tra giấy chứng nhận tại",
		undated: "Số mũi tiêm không ghi ngày nên không có trong giấy này: %d", noHC1: "Quá nhiều mũi tiêm cho một mã QR dạng EU DCC.", key: "Khóa ký", page: "Trang %d",
	},
	outcome.English: {
		title: "VACCINATION CERTIFICATE", name: "Name", birth: "Date of birth", issuer: "Issued by", issued: "Issued on", expires: "Valid until",
		number: "No.", date: "Date", vaccine: "Vaccine", lot: "Lot", performer: "Given by",
		shc: "SMART Health Card", hc1: "EU DCC style code (HC1)", part: "code %d of %d: scan all of them", verify: "Check this certificate at",
		undated: "Doses without a date in the record, not on this certificate: %d", noHC1: "Too many doses for one QR code in EU DCC style.", key: "Signing key", page: "Page %d",
	},
}

// VaccineName is what a dose's product is called for people: as the record has it, else as the schedule names the usual
// product of a series, else its code.
func VaccineName(d Dose, set *immunization.Set, lang outcome.Language) string {
	if d.Text != "" {
		return d.Text
	}
	if d.System == cvx {
		for _, s := range set.All() {
			for _, series := range s.Series {
				switch {
				case series.CVX[0] != d.Code: // the others of a series are accepted for it, but called something else
				case lang == outcome.Vietnamese:
					return series.VaccineVi
				default:
					return series.DiseaseEn
				}
			}
		}
	}
	return codeName(d)
}

// codeName is the code with the short name of its system.
func codeName(d Dose) string {
	switch {
	case d.Code == "":
		return ""
	case d.System == cvx:
		return "CVX " + d.Code
	}
	return d.Code
}

// Day writes a date of FHIR as people of the language do: 12/04/1985 in Vietnamese.
func Day(date string, lang outcome.Language) string {
	if lang != outcome.Vietnamese {
		return date
	}
	parts := strings.Split(date, "-")
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// vietnam is where days of issue are counted.
var vietnam = time.FixedZone("+07", 7*3600)

// DayOf gives the day of a moment of issue, end or revocation as yyyy-mm-dd: the same on paper and wherever it is verified.
func DayOf(t time.Time) string { return t.In(vietnam).Format(time.DateOnly) }
