package forecast

import (
	_ "embed"
	"encoding/json"
	"sync"
)

//go:generate go run ./gen -in ../../../../shared/domain/vaccination/evaluation-reasons.json -out reasons.json

// Reason is a code that says why: those of the field's table, and ours.
type Reason string

// Reasons of the field's table.
const (
	TooYoung         Reason = "too-young"
	IntervalTooShort Reason = "interval-too-short"
	TooOld           Reason = "too-old"
	WrongProduct     Reason = "wrong-product"
	LiveConflict     Reason = "live-conflict"
	ExtraDose        Reason = "extra"
	BeforeBirth      Reason = "before-birth"
	Duplicate        Reason = "duplicate"
	NotDone          Reason = "not-done"
	ExpiredLot       Reason = "expired-lot"
)

// Reasons that the field's table has no word for.
const (
	AfterAssessment Reason = "after-assessment"
	DateIncomplete  Reason = "date-incomplete"
	Subpotent       Reason = "subpotent"
	PreviousMissing Reason = "previous-missing"
	OutsideAge      Reason = "outside-programme-age"
	Precaution      Reason = "medical-precaution"
	IsImmune        Reason = "immune"
	AfterLive       Reason = "after-live-vaccine"
)

// ours are the texts of the reasons that are not in the table, vi and en.
var ours = map[Reason][2]string{
	AfterAssessment: {"Sau ngày đánh giá", "After the assessment date"},
	DateIncomplete:  {"Không rõ ngày tiêm", "Day of the dose is not known"},
	Subpotent:       {"Liều không đủ hiệu lực", "Subpotent dose"},
	PreviousMissing: {"Chưa hoàn thành loạt mũi trước", "The series before is not complete"},
	OutsideAge:      {"Ngoài độ tuổi của chương trình", "Outside the age of the programme"},
	Precaution:      {"Hoãn hoặc chống chỉ định vì lý do y tế", "Medical precaution or contraindication on record"},
	IsImmune:        {"Đã có miễn dịch", "Immune"},
	AfterLive:       {"Chờ đủ 28 ngày sau vắc xin sống khác", "Wait for the interval after another live vaccine"},
}

//go:embed reasons.json
var table []byte

var texts = sync.OnceValue(func() map[Reason][2]string {
	all := map[Reason][2]string{}
	if err := json.Unmarshal(table, &all); err != nil {
		panic("forecast: the committed reasons cannot be read: " + err.Error())
	}
	for r, t := range ours {
		all[r] = t
	}
	return all
})

// Vi is the text in Vietnamese.
func (r Reason) Vi() string { return texts()[r][0] }

// En is the text in English.
func (r Reason) En() string { return texts()[r][1] }
