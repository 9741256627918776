package synthetic

import "math/rand/v2"

// Names common in the province, by weight of repetition; no combination is meant to be anybody.
var (
	surnames     = []string{"Nguyễn", "Nguyễn", "Nguyễn", "Trần", "Trần", "Lê", "Lê", "Phạm", "Phạm", "Võ", "Huỳnh", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Trương", "Phan", "Đinh", "Tạ", "Lữ"}
	maleMiddle   = []string{"Văn", "Hữu", "Đức", "Minh", "Quốc", "Thanh", "Công", "Ngọc", "Tấn", "Xuân"}
	femaleMiddle = []string{"Thị", "Thị", "Thị", "Ngọc", "Thị Kim", "Thị Thu", "Thanh", "Thị Mỹ", "Hoàng", "Thị Bích"}
	maleGiven    = []string{"An", "Bình", "Cường", "Dũng", "Đạt", "Hải", "Hùng", "Khánh", "Khoa", "Lâm", "Long", "Nam", "Nghĩa", "Phong", "Phúc", "Quân", "Sơn", "Tâm", "Thịnh", "Trung", "Tuấn", "Việt", "Vinh"}
	femaleGiven  = []string{"Anh", "Chi", "Diễm", "Duyên", "Giang", "Hà", "Hạnh", "Hiền", "Hoa", "Hương", "Lan", "Linh", "Loan", "Mai", "My", "Nga", "Ngân", "Oanh", "Phương", "Quyên", "Thảo", "Trâm", "Vy", "Yến"}
)

// commune is a place to live. The names are those of the province; the codes are invented, as no list of them is at hand.
type commune struct{ name, code, station string }

var communes = []commune{
	{"Phường Cẩm Thành", "21901", "51903"},
	{"Phường Nghĩa Lộ", "21902", "51903"},
	{"Phường Trương Quang Trọng", "21903", "51903"},
	{"Xã Tịnh Khê", "21904", "51904"},
	{"Xã Bình Sơn", "21905", "51904"},
	{"Xã Sơn Tịnh", "21906", "51904"},
	{"Xã Mộ Đức", "21907", "51905"},
	{"Phường Đức Phổ", "21908", "51905"},
	{"Xã Ba Tơ", "21909", "51905"},
	{"Xã Trà Bồng", "21910", "51906"},
	{"Xã Sơn Hà", "21911", "51906"},
	{"Đặc khu Lý Sơn", "21912", "51906"},
}

// Facility is a place of care.
type Facility struct {
	Code string // MA_CSKCB
	Name string
	Kind string // what it is, in words
}

var facilities = []Facility{
	{"51901", "Bệnh viện Giả Định Sông Trà", "Bệnh viện"},
	{"51902", "Trung tâm Y tế Giả Định Núi Ấn", "Trung tâm y tế"},
	{"51903", "Trạm Y tế Giả Định Cẩm Thành", "Trạm y tế"},
	{"51904", "Trạm Y tế Giả Định Tịnh Khê", "Trạm y tế"},
	{"51905", "Trạm Y tế Giả Định Mộ Đức", "Trạm y tế"},
	{"51906", "Trạm Y tế Giả Định Trà Bồng", "Trạm y tế"},
}

// Practitioner is a member of staff.
type Practitioner struct {
	Number   string // social-insurance number, as in MA_BAC_SI
	Facility string // MA_CSKCB
	Name     string
	Role     string // in words
	Female   bool
}

// staff gives each facility two doctors and a nurse; their numbers are invented.
func staff(rng *rand.Rand) []Practitioner {
	var all []Practitioner
	for i, f := range facilities {
		for j, role := range []string{"Bác sĩ", "Bác sĩ", "Điều dưỡng"} {
			female := rng.IntN(2) == 0
			all = append(all, Practitioner{
				Number:   "51900" + pad(i*10+j+1, 5),
				Facility: f.Code,
				Name:     personName(rng, pick(rng, surnames), female),
				Role:     role,
				Female:   female,
			})
		}
	}
	return all
}

// personName puts surname, middle and given name together, in that order.
func personName(rng *rand.Rand, surname string, female bool) string {
	if female {
		return surname + " " + pick(rng, femaleMiddle) + " " + pick(rng, femaleGiven)
	}
	return surname + " " + pick(rng, maleMiddle) + " " + pick(rng, maleGiven)
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
