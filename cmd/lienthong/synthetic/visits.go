package synthetic

// visit is a kind of episode: who comes with what, and what is done. Prices are in đồng and invented, as are the codes
// of drugs and services but for their shape.
type visit struct {
	minAge, maxAge int // years, both included
	icd, name      string
	also           string // MA_BENH_KT
	reason         string // LY_DO_VV
	nights         int    // 0 = outpatient
	drugs          []drug
	services       []service
}

// drug is a line of XML2.
type drug struct {
	code, name, unit, strength, use string
	group                           string // MA_NHOM: 4 listed, 6 paid by rate
	route                           string // DUONG_DUNG
	quantity                        int
	price                           string // DON_GIA
	rate                            string // TYLE_TT_BH, percent
}

// service is a line of XML3.
type service struct {
	code, name, unit string
	group            string // MA_NHOM: 1 laboratory, 2 imaging, 10 supplies, 13 examination, 15 bed
	quantity         int
	price            string // DON_GIA_BV, DON_GIA_BH
	uncovered        bool   // PHAM_VI 2: the patient pays
}

var (
	examination = service{code: "13.1897", name: "Khám bệnh", unit: "Lần", group: "13", quantity: 1, price: "45000"}
	bloodCount  = service{code: "22.0121.1369", name: "Tổng phân tích tế bào máu ngoại vi", unit: "Lần", group: "1", quantity: 1, price: "47500"}
	glucose     = service{code: "23.0075.1494", name: "Định lượng glucose", unit: "Lần", group: "1", quantity: 1, price: "22400"}
	cholesterol = service{code: "23.0041.1506", name: "Định lượng cholesterol", unit: "Lần", group: "1", quantity: 1, price: "28000"}
	chestXRay   = service{code: "18.0119.0028", name: "Chụp X-quang ngực", unit: "Lần", group: "2", quantity: 1, price: "69000"}
	ultrasound  = service{code: "18.0015.0001", name: "Siêu âm ổ bụng", unit: "Lần", group: "2", quantity: 1, price: "49300"}
	syringes    = service{code: "N03.01", name: "Bơm tiêm 10ml", unit: "Cái", group: "10", quantity: 4, price: "1250.5", uncovered: true}
)

var visits = []visit{
	{
		minAge: 40, maxAge: 120, icd: "I10", name: "Tăng huyết áp nguyên phát", also: "E78.5", reason: "Khám theo hẹn",
		drugs: []drug{
			{"40.30", "Amlodipin", "Viên", "5mg", "Uống 1 viên buổi sáng", "4", "1.01", 30, "1250", "100"},
			{"40.549", "Atorvastatin", "Viên", "20mg", "Uống 1 viên buổi tối", "6", "1.01", 30, "1850.5", "50"},
		},
		services: []service{examination, cholesterol},
	},
	{
		minAge: 35, maxAge: 120, icd: "E11.9", name: "Đái tháo đường típ 2", also: "I10", reason: "Khám theo hẹn",
		drugs: []drug{
			{"40.807", "Metformin", "Viên", "850mg", "Uống 2 lần một ngày sau ăn", "4", "1.01", 60, "1995", "100"},
			{"40.775", "Gliclazid", "Viên", "30mg", "Uống 1 viên buổi sáng", "4", "1.01", 30, "2700", "100"},
		},
		services: []service{examination, glucose, cholesterol},
	},
	{
		minAge: 1, maxAge: 15, icd: "J00", name: "Viêm mũi họng cấp", reason: "Sốt, chảy mũi",
		drugs: []drug{
			{"40.48", "Paracetamol siro", "Chai", "120mg/5ml", "Uống 5 ml khi sốt", "4", "1.01", 1, "18000", "100"},
		},
		services: []service{examination},
	},
	{
		minAge: 1, maxAge: 17, icd: "J20.9", name: "Viêm phế quản cấp", reason: "Ho, sốt",
		drugs: []drug{
			{"40.154", "Amoxicilin", "Gói", "250mg", "Uống 3 lần một ngày", "4", "1.01", 15, "3150", "100"},
			{"40.48", "Paracetamol", "Gói", "150mg", "Uống khi sốt trên 38,5 độ", "4", "1.01", 10, "1680.75", "100"},
		},
		services: []service{examination, bloodCount},
	},
	{
		minAge: 0, maxAge: 5, icd: "A09", name: "Tiêu chảy và viêm dạ dày ruột", reason: "Tiêu chảy",
		drugs: []drug{
			{"40.1028", "Oresol", "Gói", "27,9g", "Pha uống theo hướng dẫn", "4", "1.01", 10, "2100", "100"},
			{"40.1062", "Kẽm gluconat", "Ống", "10mg", "Uống 1 ống một ngày", "4", "1.01", 14, "4410", "80"},
		},
		services: []service{examination},
	},
	{
		minAge: 18, maxAge: 120, icd: "K29.7", name: "Viêm dạ dày", reason: "Đau thượng vị",
		drugs: []drug{
			{"40.677", "Omeprazol", "Viên", "20mg", "Uống trước ăn sáng 30 phút", "4", "1.01", 28, "980", "100"},
			{"40.671", "Nhôm hydroxyd, magnesi hydroxyd", "Gói", "10ml", "Uống 3 lần một ngày", "4", "1.01", 30, "2940", "100"},
		},
		services: []service{examination, ultrasound},
	},
	{
		minAge: 20, maxAge: 120, icd: "M54.5", name: "Đau vùng thắt lưng", reason: "Đau lưng",
		drugs: []drug{
			{"40.42", "Meloxicam", "Viên", "7,5mg", "Uống 1 viên sau ăn", "4", "1.01", 10, "1470", "100"},
		},
		services: []service{examination},
	},
	{
		minAge: 2, maxAge: 120, icd: "J18.9", name: "Viêm phổi", reason: "Sốt, ho, khó thở", nights: 4,
		drugs: []drug{
			{"40.174", "Ceftriaxon", "Lọ", "1g", "Tiêm tĩnh mạch 1 lần một ngày", "4", "2.10", 4, "12300.25", "100"},
			{"40.48", "Paracetamol", "Viên", "500mg", "Uống khi sốt trên 38,5 độ", "4", "1.01", 12, "480", "100"},
		},
		services: []service{
			{code: "K02.1911", name: "Giường nội khoa", unit: "Ngày", group: "15", quantity: 5, price: "220000"},
			bloodCount, chestXRay, syringes,
		},
	},
}
