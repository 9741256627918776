package access_test

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// invented persons, of whom the texts below tell.
const inventedPersons = `"contained":[{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"Nguyễn","given":["Thị","Hà"]}],"telecom":[{"system":"phone","value":"+84 901 234 567"},{"system":"email","value":"Ha.Thu@mail.example"}],` +
	`"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051185000011"},{"system":"https://lienthong.example/sid/mabn/51901","value":"BN000001"},{"system":"https://lienthong.example/sid/bhyt","value":"GD4515100000011"},{"value":"123456"},{"system":"https://lienthong.example/sid/mabn/51902","value":"7654321"}],` +
	`"address":[{"text":"Xã Giả Định, tỉnh Quảng Ngãi"}]},` +
	`{"resourceType":"RelatedPerson","id":"r","patient":{"reference":"#p"},"name":[{"text":"Trần Văn Thử"}],"identifier":[{"system":"https://lienthong.example/sid/mabn/51902","value":"20458812"}]},` +
	`{"resourceType":"RelatedPerson","id":"s","patient":{"reference":"#p"},"name":[{"family":"LE","given":["NA"]},{"text":"Hồ An"}]}]`

// TestFreeTextOfPersons: what tells of known persons goes out of words that were freely written, and what only looks like it stays.
func TestFreeTextOfPersons(t *testing.T) {
	const name, number, line = "[tên bị che]", "[số bị che]", "[địa chỉ bị che]"
	for in, want := range map[string]string{
		"BN Nguyễn Thị Hà vào viện vì sốt":                             "BN " + name + " vào viện vì sốt",
		"NGUYEN THI HA, 41t":                                           name + ", 41t",
		"Hà Nguyễn Thị":                                                name,
		"Nguyễn\n Thị   Hà":                                            name,
		"nguyễn thị hà":                                                name,
		"Nguye\u0302\u0303n Thi\u0323 Ha\u0300":                        name,
		"Chị Thị Hà đau bụng":                                          "Chị " + name + " đau bụng",
		"bà Hà than mệt; ba Ha do":                                     "bà " + name + " than mệt; ba " + name + " do",
		"bệnh nhân: Hà":                                                "bệnh nhân: " + name,
		"N.T.Hà tái khám":                                              name + " tái khám",
		"Ng. Thị Hà":                                                   name,
		"NguyenThiHa_XN.pdf và nguyen_thi_ha":                          name + ".pdf và " + name,
		"uống thuốc thì hạ sốt, hà hơi, Hà Nội":                        "uống thuốc thì hạ sốt, hà hơi, Hà Nội",
		"BS Nguyễn Thị Lan khám, bệnh nhân hạ áp":                      "BS Nguyễn Thị Lan khám, bệnh nhân hạ áp",
		"con trai Tran Van Thu đưa đến, thử đường huyết":               "con trai " + name + " đưa đến, thử đường huyết",
		"anh Thử ký":                                                   "anh " + name + " ký",
		"CCCD 051185000011, 0511 8500 0011, 051.185.000.011":           "CCCD " + number + ", " + number + ", " + number,
		"CCCD051185000011":                                             "CCCD" + number,
		"gọi 0901234567, 0901.234.567, +84901234567, (84) 901 234 567": "gọi " + number + ", " + number + ", +" + number + ", (" + number,
		"thẻ GD4515100000011 hay gd 4 51 5100000011, BHXH 5100000011":  "thẻ " + number + " hay " + number + ", BHXH " + number,
		"thư ha.thu@MAIL.example.":                                     "thư " + number + ".",
		"MA BN000001; BN0000012; LK_BN000001_1":                        "MA " + number + "; BN0000012; LK_BN000001_1",
		"NguyễnThị Hà, Nguyễn ThịHà, nguyễnthị hà và HàNguyễn":         name + ", " + name + ", " + name + " và " + name,
		"Họ tên: Nguyễn\tThị         Hà      Nữ":                       "Họ tên: " + name + "      Nữ",
		"Nguyễn Thi HÀ, NGUYỄN thị Ha, nGUYEN tHỊ hÀ":                  name + ", " + name + ", " + name,
		"con lê na, Lê Na, LE NA, LeNa, lena":                          "con " + name + ", " + name + ", " + name + ", " + name + ", lena",
		"na lê, lẻ":                                                    "na lê, lẻ",
		"hoan toan binh thuong, hoàn toàn, HồAn":                       "hoan toan binh thuong, hoàn toàn, " + name,
		"MABN 7654321, số 7654321; 17654321, 7654321a, 765 4321":       "MABN " + number + ", số " + number + "; 17654321, 7654321a, 765 4321",
		"mẹ có MABN 20458812":                                          "mẹ có MABN " + number,
		"glucose 123456, 120/80 mmHg, 36.5":                            "glucose 123456, 120/80 mmHg, 36.5",
		"về xa gia dinh - tỉnh Quảng Ngãi. Gia đình khoẻ":              "về " + line + ". Gia đình khoẻ",
	} {
		got, found := freeText(t, in)
		if got != want || found != (in != want) {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestGivenNames: a given name behind a title in small letters goes, also with another tone where capital letters show that it is a name; and
// the words of the language that given names are stay.
func TestGivenNames(t *testing.T) {
	const hidden = "[tên bị che]"
	for _, c := range []struct{ name, text, want string }{
		{"Nguyễn Thị Lan", "chị lan đau bụng, chị lan.", "chị * đau bụng, chị *."},
		{"Nguyễn Thị Lan", "BN: lan, đau lan ra sau lưng, bà lan", "BN: *, đau lan ra sau lưng, bà *"},
		{"Nguyễn Thị Lan", "bệnh nhân đau lan xuống chân; con lan rộng", "bệnh nhân đau lan xuống chân; con lan rộng"},
		{"Phạm Văn Hùng", "bệnh nhân hùng vào viện lúc 8h, anh hùng tỉnh", "bệnh nhân * vào viện lúc 8h, anh * tỉnh"},
		{"Phạm Văn Hùng", "bn. hùng, cháu hùng khóc; cháu hùng hổ; nguyên nhân hùng", "bn. *, cháu * khóc; cháu hùng hổ; nguyên nhân hùng"},
		{"Phạm Văn Hùng", "gặp anh. hùng đến sau; anh, hùng", "gặp anh. hùng đến sau; anh, hùng"},
		{"Lê Hoài Nam", "bệnh nhân nam 45 tuổi; BỆNH NHÂN NAM, TRẺ NAM; Bệnh nhân Nam vào viện", "bệnh nhân nam 45 tuổi; BỆNH NHÂN NAM, TRẺ NAM; Bệnh nhân * vào viện"},
		{"Lê Thị Nhi", "bệnh nhân nhi, khoa nhi; chị Nhi", "bệnh nhân nhi, khoa nhi; chị *"},
		{"Trần Văn Bình", "cháu bình thường, anh bình ổn định, chú bình đến khám", "cháu bình thường, anh bình ổn định, chú * đến khám"},
		{"Trần Văn Bình", "BỆNH NHÂN BÌNH THƯỜNG. BỆNH NHÂN BÌNH. BN BÌNH 30T", "BỆNH NHÂN BÌNH THƯỜNG. BỆNH NHÂN *. BN * 30T"},
		{"Trần Văn Bình", "benh nhan binh thuong, chau binh", "benh nhan binh thuong, chau binh"}, // nobody types diacritics
		{"Trần Văn An", "bệnh nhân an toàn, bé an thần bằng midazolam, bé ăn kém, mẹ bé an khai", "bệnh nhân an toàn, bé an thần bằng midazolam, bé ăn kém, mẹ bé * khai"},
		{"Vũ Thị Hoa", "bệnh nhân hoa mắt chóng mặt, cô hoa ký", "bệnh nhân hoa mắt chóng mặt, cô * ký"},
		{"Vũ Thị Hoà", "bệnh nhân hoa mắt; bà hòa, bà hoà; cô hoa ký", "bệnh nhân hoa mắt; bà *, bà *; cô hoa ký"},
		{"Đỗ Thị Dung", "bệnh nhân dung nạp tốt, dùng thuốc; bệnh nhân dùng thuốc; chị dung về", "bệnh nhân dung nạp tốt, dùng thuốc; bệnh nhân dùng thuốc; chị * về"},
		{"Đỗ Văn Cường", "bệnh nhân cường giáp, cường độ đau; anh cường đau", "bệnh nhân cường giáp, cường độ đau; anh * đau"},
		{"Lý Thị Hồng", "trẻ hồng hào, mẹ hồng cầu giảm, bệnh nhân hồng ban; bà hồng mệt", "trẻ hồng hào, mẹ hồng cầu giảm, bệnh nhân hồng ban; bà * mệt"},
		{"Lý Thị Mai", "hẹn bn mai tái khám, bệnh nhân mai ra viện, chị Mai", "hẹn bn mai tái khám, bệnh nhân mai ra viện, chị *"},
		{"Bùi Văn Sỹ", "bác sỹ khám, bác sĩ ghi; ông sỹ", "bác sỹ khám, bác sĩ ghi; ông *"},
		{"Bùi Thị Ý", "chú ý theo dõi, bệnh nhân ý thức rõ", "chú ý theo dõi, bệnh nhân ý thức rõ"},
		{"Bùi Văn Trí", "bố trí giường; bố trí ký giấy", "bố trí giường; bố trí ký giấy"},
		{"Bùi Thị Em", "chị em bệnh nhân, anh em", "chị em bệnh nhân, anh em"},
		{"Ngô Văn Thông", "bệnh nhân thông khí tốt, ống thông; ông thông tiểu; ông Thông", "bệnh nhân thông khí tốt, ống thông; ông thông tiểu; ông *"},
		{"Ngô Văn Thu", "ba lần/ngày, huyết áp tâm thu, tuổi thu; chú thu", "ba lần/ngày, huyết áp tâm thu, tuổi thu; chú *"},
		{"Ngô Tâm Thu", "huyết áp tâm thu 120, Tâm Thu, tâm thu", "huyết áp tâm thu 120, *, tâm thu"},

		{"Nguyễn Thị Hà", "Thì Hạ và Nguyễn Hạ, và Nguyễn Hả, và Nguyen Hạ, uống thì hạ. Thì hạ sốt", "Thì Hạ và *, và *, và *, uống thì hạ. Thì hạ sốt"},
		{"Nguyễn Thị Hà", "chị Hạ khai, bà Hã; bà Hạ sốt, Bệnh nhân Hạ sốt, BN Hạ huyết áp", "chị * khai, bà *; bà Hạ sốt, Bệnh nhân Hạ sốt, BN Hạ huyết áp"},
		{"Nguyễn Thị Hà", "HàNguyễn, HaThiNguyen.pdf, hanguyenthi, hàthị, haNguyen", "*, *.pdf, *, hàthị, *"},
		{"Nguyễn Thị Mỹ", "Nguyễn Thị Mĩ và Thị Mĩ, là nguyen thi mi, chị Mĩ; mì, bà mì", "* và *, là *, chị *; mì, bà mì"},
		{"Trần Quý", "Trần Quí, quí vị", "*, quí vị"},
		{"Trần Văn Hải", "Văn Hay, anh hay đau đầu, Trần hay", "Văn Hay, anh hay đau đầu, Trần hay"},
	} {
		persons := `"contained":[{"resourceType":"Patient","id":"p","name":[{"text":"` + c.name + `"}]}]`
		if got, _ := freeTextOf(t, persons, c.text); got != strings.ReplaceAll(c.want, "*", hidden) {
			t.Errorf("%s: %q\n got %q\nwant %q", c.name, c.text, got, c.want)
		}
	}
}

// TestOrdinaryWordsStay: notes that name nobody stay as they are, whatever common given names the persons have.
func TestOrdinaryWordsStay(t *testing.T) {
	var persons []string
	for i, given := range strings.Fields("An Anh Ánh Bảo Bình Châu Chi Chiến Chính Cường Công Danh Diễn Dung Dũng Duy Đạt Đăng Định Đông Đức Giang Hà Hạ Hải Hạnh Hằng Hậu Hiền Hiếu Hoa Hoà Hoàn Hoàng Hồng Hợp Hùng " +
		"Hưng Hương Hướng Hy Khang Khoa Khôi Kiên Kim Kỳ Lâm Lan Lành Liên Linh Long Lợi Lực Lương Mai Mạnh Mẫn Minh Mỹ Nam Nga Ngân Ngọc Nguyên Nhàn Nhân Nhi Nhung Phát Phong Phúc Phương Quân Quang Quốc Quý Quyết Sang Sinh Sơn " +
		"Tài Tâm Tân Thái Thanh Thành Thảo Thắng Thi Thiện Thịnh Thoa Thông Thu Thuận Thuỷ Thư Thương Tiên Tiến Tín Tình Toàn Trang Trí Triển Trọng Trung Trường Tú Tuấn Tùng Tuyến Tư Vân Vi Viên Việt Vinh Xuân Ý Yên Yến") {
		persons = append(persons, `{"resourceType":"Patient","id":"p`+strconv.Itoa(i)+`","name":[{"text":"Trần Đình `+given+`"}]}`)
	}
	contained := `"contained":[` + strings.Join(persons, ",") + `,{"resourceType":"Patient","id":"p"}]`
	for _, text := range []string{
		"bệnh nhân nam, 45 tuổi, vào viện vì đau ngực trái lan ra cánh tay, khó thở khi nằm",
		"bệnh nhân nữ tỉnh, tiếp xúc tốt, da niêm hồng, không phù, không xuất huyết dưới da",
		"Bệnh nhân tự đi lại được, ăn uống bình thường, tiểu tiện bình thường, tinh thần ổn định",
		"trẻ sinh thường, đủ tháng, cân nặng lúc sinh 3.100 g, khóc ngay, trẻ hồng hào, bú tốt",
		"mẹ bình thường, con an toàn; bé phát ban sau 3 ngày, bé thủy đậu, cháu phát sốt",
		"bệnh nhân hoa mắt, chóng mặt, hồng ban rải rác, mạch quay rõ, bệnh nhân vàng da nhẹ",
		"bác sỹ khám lúc 8 giờ, chú ý theo dõi, bố trí giường, cụ thể: truyền dịch chậm",
		"bệnh nhân cường giáp, tuyến giáp to độ II, dung nạp thuốc tốt, hạ sốt bằng paracetamol",
		"Bệnh nhân hạ huyết áp tư thế, thông khí phổi đều hai bên, tâm thu 3/6 ở mỏm",
		"huyết áp tâm thu 150 mmHg, tâm trương 90 mmHg, tim đều, lâm sàng ổn, tiên lượng tốt",
		"bệnh nhân hưng phấn, nói nhiều, ý thức rõ, định hướng tốt; trí nhớ giảm",
		"bệnh nhân nhi, khoa Nhi; sản phụ sinh mổ lần hai, hậu phẫu ngày thứ ba, hậu sản thường",
		"bệnh nhân tiến triển tốt, toàn trạng khá, phương pháp điều trị: nội khoa, tái khám ngày mai",
		"BỆNH NHÂN NAM, TOÀN TRẠNG TRUNG BÌNH. BỆNH NHÂN BÌNH THƯỜNG. CHÁU HẠ SỐT",
		"benh nhan nam 45 tuoi, an uong binh thuong, dau lan ra sau lung, ha sot, khong ho, chi duoi phu nhe, ba lan/ngay",
		"Kết luận: viêm phổi thùy dưới phải; khai thác tiền sử: tăng huyết áp, đái tháo đường; gia đình: mẹ tăng huyết áp",
		"Bệnh viện Đa khoa tỉnh, Khoa Hồi sức, Trường Đại học Y Hà Nội; bệnh nhân chuyển từ tuyến dưới",
		"Amlodipin 5mg uống ngày một viên buổi sáng; thuốc mỡ thoa ngày hai lần; kháng sinh đường tĩnh mạch",
	} {
		if got, found := freeTextOf(t, contained, text); found {
			t.Errorf("\n got %q\nwant %q", got, text)
		}
	}
}

// TestShortNumbers: a number of a person that much else may be goes where the text says what it is, and stays where it is an amount.
func TestShortNumbers(t *testing.T) {
	const hidden = "[số bị che]"
	for _, c := range []struct{ number, text, want string }{
		{"123456", "MABN 123456, mã bệnh nhân: 123456, BN123456, mabn123456, BN 123456, hồ sơ số 123456", "MABN *, mã bệnh nhân: *, BN*, mabn*, BN *, hồ sơ số *"},
		{"123456", "glucose 123456, bạch cầu 123456/ml, 1234567, 0123456, BN1234567, typhoid 123456, LO123456", "glucose 123456, bạch cầu 123456/ml, 1234567, 0123456, BN1234567, typhoid 123456, LO123456"},
		{"1234", "mã BN 1234, MABN:1234, Mã bệnh nhân là số 1234, mã BN1234, PID 1234; BN 1234, số 1234, 1234 ml", "mã BN *, MABN:*, Mã bệnh nhân là số *, mã BN*, PID *; BN 1234, số 1234, 1234 ml"},
		{"45", "bệnh nhân 45 tuổi, BN 45t, số 45, mã hồ sơ 45", "bệnh nhân 45 tuổi, BN 45t, số 45, mã hồ sơ *"},
		{"7654321", "LK7654321, BN 7654321, x_7654321; 17654321, 7654321a", "LK*, BN *, x_*; 17654321, 7654321a"},
		{"K29", "chẩn đoán K29, mã bệnh K29; mã BN K29", "chẩn đoán K29, mã bệnh K29; mã BN *"},
		{"BN000001", "MABN000001, mã BN000001, LK_BN000001_1, BN0000012", "MA*, mã *, LK_BN000001_1, BN0000012"},
	} {
		persons := `"contained":[{"resourceType":"Patient","id":"p","identifier":[{"value":"` + c.number + `"}]}]`
		if got, _ := freeTextOf(t, persons, c.text); got != strings.ReplaceAll(c.want, "*", hidden) {
			t.Errorf("%s: %q\n got %q\nwant %q", c.number, c.text, got, strings.ReplaceAll(c.want, "*", hidden))
		}
	}
}

// freeText is what an auditor sees of a text about the invented persons; found says whether the document is marked.
func freeText(t *testing.T, text string) (string, bool) {
	t.Helper()
	return freeTextOf(t, inventedPersons, text)
}

func freeTextOf(t *testing.T, persons, text string) (string, bool) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	shown := shownToAuditor(t, "ClinicalImpression", persons+`,"status":"completed","description":`+string(quoted)+`,"subject":{"reference":"#p"}`)
	var out struct {
		Description string
		Meta        struct{ Security []struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(shown), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Meta.Security) != 1 { // the persons themselves are hidden
		t.Errorf("%s", shown)
	}
	return out.Description, out.Description != text
}

func shownToAuditor(t *testing.T, typ, members string) string {
	t.Helper()
	doc, err := resource.New([]byte(`{"resourceType":"` + typ + `","id":"x",` + members + `}`))
	if err != nil {
		t.Fatal(err)
	}
	f := hidden(t, auditor(t), store.Found{Key: fhir.Key{Type: fhir.Type(typ), ID: "x"}, Stored: doc.Root().Store("x")})
	if _, err := resource.Parse(f.Stored.Body, resource.Limits{}); err != nil {
		t.Fatalf("%v: %s", err, f.Stored.Body)
	}
	return string(f.Stored.Body)
}

// Attachments: text is shown without names, what cannot be read only in what claims cite as documents.
func TestAttachmentsOfPersons(t *testing.T) {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	letter, clean := encoded("Kính gửi, Nguyễn Thị Hà đau bụng"), encoded("Kính gửi, [tên bị che] đau bụng")
	const scan = "JVBERi0xLjcgTmd1eeG7hW4="
	for name, c := range map[string]struct {
		typ, members string
		has, not     string
	}{
		"a letter":                       {"DocumentReference", `"content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"` + letter + `","hash":"AAAA","size":3}}]`, `"data":"` + clean + `"}`, letter},
		"XML":                            {"DocumentReference", `"content":[{"attachment":{"contentType":"application/xml","data":"` + encoded("<a>Nguyễn Thị Hà</a>") + `"}}]`, encoded("<a>[tên bị che]</a>"), "AAAA"},
		"XML with escapes, as a scan":    {"Communication", `"payload":[{"contentAttachment":{"contentType":"application/xml","data":"` + encoded("<a>Nguy&#7877;n</a>") + `"}}]`, `"contentAttachment":{"contentType":"application/xml","extension":[`, `"data"`},
		"a letter elsewhere":             {"Communication", `"payload":[{"contentAttachment":{"contentType":"text/plain","data":"` + letter + `"}}]`, clean, letter},
		"a letter of nobody":             {"Communication", `"payload":[{"contentAttachment":{"contentType":"text/plain","data":"` + encoded("đau") + `","hash":"AAAA"}}]`, `"hash":"AAAA"`, "masked]"},
		"a scan that is cited":           {"DocumentReference", `"content":[{"attachment":{"contentType":"application/pdf","data":"` + scan + `","title":"Giấy của Nguyễn Thị Hà"}}]`, scan, "Nguyễn"},
		"a scan in a claim":              {"Claim", `"supportingInfo":[{"sequence":1,"valueAttachment":{"contentType":"image/png","data":"` + scan + `"}}]`, scan, "masked]"},
		"a scan in a message":            {"Communication", `"payload":[{"contentAttachment":{"contentType":"application/pdf","data":"` + scan + `","hash":"AAAA"}}]`, `"contentType":"application/pdf"`, scan},
		"a file elsewhere, in a message": {"Communication", `"payload":[{"contentAttachment":{"url":"https://x.example/1.pdf"}}]`, `"contentAttachment":{"extension":[`, "1.pdf"},
		"its name":                       {"Media", `"content":{"contentType":"image/png","url":"https://x.example/Nguyễn Thị Hà.png"}`, `"contentType":"image/png"`, "Hà.png"},
		"in an answer":                   {"QuestionnaireResponse", `"item":[{"linkId":"1","answer":[{"valueAttachment":{"contentType":"image/png","data":"` + scan + `"}}]}]`, `"contentType":"image/png"`, scan},
		"an extension is none":           {"Communication", `"extension":[{"url":"https://x.example/a","extension":[{"url":"b","valueString":"c"}]}]`, `{"url":"https://x.example/a","extension":[{"url":"b","valueString":"c"}]}`, "masked]}]"},
	} {
		t.Run(name, func(t *testing.T) {
			shown := shownToAuditor(t, c.typ, inventedPersons+","+c.members)
			_, shown, _ = strings.Cut(shown, `"RelatedPerson"`) // the persons themselves are hidden, see TestMaskedDocuments
			if !strings.Contains(shown, c.has) || strings.Contains(shown, c.not) {
				t.Error(shown)
			}
		})
	}
}

// BenchmarkFreeText is a claim of 50 lines as an auditor sees it, where all persons are known.
func BenchmarkFreeText(b *testing.B) {
	line := `{"sequence":1,"productOrService":{"coding":[{"system":"urn:x","code":"40.30","display":"Amlodipin 5mg viên nén bao phim"}]},"extension":[{"url":"https://x.example/xml2","extension":[{"url":"LIEU_DUNG","valueString":"2 lần/ngày"},{"url":"GHI_CHU","valueString":"BN Nguyễn Thị Hà uống sau ăn"}]}]}`
	doc, err := resource.New([]byte(`{"resourceType":"Claim","id":"x",` + inventedPersons + `,"item":[` + strings.Repeat(line+",", 49) + line + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	f := store.Found{Key: fhir.Key{Type: "Claim", ID: "x"}, Stored: doc.Root().Store("x")}
	for name, h := range map[string]store.Hider{"names": auditor(b), "elements": fenceOf(b, `roles: {auditor: {rules: [{types: [Claim], actions: rs}], mask: {Patient: [photo]}}}`, access.Caller{Role: access.RoleAuditor}, time.Now()).Hider()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.Stored.Body)))
			for b.Loop() {
				hidden(b, h, f)
			}
		})
	}
}
