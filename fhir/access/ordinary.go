package access

import "strings"

// Given names are words of the language, and who writes in small letters leaves it to the reader which is meant. Behind a title such a
// word is a name, unless it is said of the person, or makes one word with the next, or with the title:
//
//	bệnh nhân hùng vào viện       a name
//	bệnh nhân nam, 45 tuổi        said of the person
//	cháu bình thường              one word
//	bác sỹ khám, chú ý, bố trí    one word with the title
//
// The lists have what records of care say behind titles and is a given name too. What they lack is masked without need; what they have too
// much shows a given name.

// saidOf are words that are said of somebody.
var saidOf = tonedSet(`nam nữ nhi sinh già trẻ gái trai lớn nhỏ út tỉnh tự được đến vào ra lên xuống về đi có cho xin đã đang sẽ thì sau trước mới cũ
	khỏe mạnh yếu lành sống chết nằm ngồi ngủ thở ăn uống nói kể khai than đau sốt ho mệt nặng nhẹ mê liệt tê phù mổ hen hết còn ổn yên vui buồn
	tuổi một hai ba bốn tư năm sáu bảy tám chín mười mai nay hôm này ấy kia đó là và với bị tên số hiện chưa không rất do khi tại từ theo trên dưới`)

// compounds are words of two syllables: a given name or a title, and what follows it.
var compounds = compoundsOf(`
an toàn thần tâm ủi dưỡng giấc
ánh sáng mắt
bảo hiểm vệ quản
bình thường ổn phục tĩnh minh quân phương thản
cảnh giác báo
châu âu á
chi trên dưới phí tiết
chiến đấu
chính xác là thức
chung sống
công tác thức nhân việc
cường giáp độ lách tuyến
danh sách mục
diễn biến tiến ra
dũng cảm
dung nạp dịch môi tích mạo
duy trì nhất
duyên hải
đại tiện tràng tiểu học
đạo đức
đạt yêu mục
đăng ký
định hướng kỳ lượng bệnh danh
đông máu y đảo
đồng tử ý thời thuận tình
đức tính
giang mai
hà hơi nội tĩnh tiện
hạ sốt áp huyết đường thân nhiệt natri kali vị sườn chi
hải sản
hân hoan hạnh
hạnh phúc kiểm
hằng ngày tháng năm số
hậu sản phẫu môn covid quả
hiền lành hòa
hiển thị
hiếu động thắng
hiệp hội
hoa mắt quả liễu
hòa hoãn nhập đồng
hoài thai nghi
hoàn toàn thành cảnh tất
hoàng đản điểm hôn thể
học sinh tập vấn
hồng cầu ban hào ngoại
hợp tác lý nhất tính
hùng hổ hồn
hưng phấn cảm
hương vị
hướng dẫn tới về
hữu ích hiệu
hy vọng sinh
khang phục kiện
khoa nội ngoại sản nhi học
khôi phục ngô
khởi phát bệnh sự
kiên trì quyết nhẫn
kiệt sức
kim loại tiêm
kính thưa gửi mắt
kỳ vọng kinh
lâm sàng chung
lan rộng tỏa ra sang xuống lên tràn
lành tính lặn mạnh
liên quan tục hệ lạc
liễu dương
linh hoạt động
long đờm móng
lợi tiểu răng ích
luân phiên chuyển
lực lưỡng cơ
lương y thực
lưu ý thai thông viện
mạnh mẽ dạn
mẫn cảm
minh mẫn bạch
mộng du tinh mị
mỹ phẫu thuật
ngân quỹ
nghĩa vụ là
nghị lực
ngoan ngoãn cường
nguyên nhân phát vẹn
nhã nhặn
nhàn rỗi nhã
nhân viên dịp hậu đôi
nhất định trí là
phát ban sốt hiện bệnh triển âm tán phì
phi thường
phong thấp tê phú cùi
phúc mạc lợi tra
phục hồi vụ
phương pháp án
quân nhân y
quang tuyến trị
quảng cáo
quốc tịch gia tế
quý khách vị báo
quyền lợi
quyết định tâm
sang chấn thương khám viện
sơn móng
sương mù
tài chính liệu khoản
tâm thần lý thất nhĩ trương thu sự trạng
tân sinh sản
tấn công
thái độ dương quá
thanh quản toán thiếu khí dịch
thành phần phố viên công tật
thảo luận dược
thắng lợi
thân nhân thể nhiệt mật hình thiện
thi đấu
thiên đầu hướng
thiện cảm chí
thịnh hành
thoa thuốc kem
thông tin báo khí tiểu thường thoáng
thời gian kỳ
thu nhận nhập hẹp gom xếp nhỏ hoạch dung
thuận lợi tiện tay chiều
thùy phổi trán
thủy đậu tinh thũng
thư giãn
thực hiện tế phẩm quản thể đơn
thường xuyên gặp ngày trực hay
thương tích tổn hàn binh
tiên lượng phát thiên
tiến triển hành bộ sĩ
tín hiệu nhiệm
tình trạng cảm dục cờ nguyện
tịnh tiến dưỡng
toàn trạng thân bộ thể diện
trang thiết bị
trí nhớ tuệ thức
triển khai vọng
triệu chứng tập
trọng lượng điểm
trung bình tâm niên ương thất thực
trực tràng tiếp khuẩn
trường hợp học
tuân thủ
tuyến giáp vú thượng yên tiền
uy tín
vân tay
vàng da mắt nhợt
vi khuẩn rút phạm trùng
viên thuốc nén
việt nam
vinh dự hạnh
vĩnh viễn
xuyên thấu
ý thức kiến muốn định nghĩ nghĩa
yên tĩnh tâm ổn
bác sĩ sỹ bỏ
chú ý thích trọng giải
cô lập đặc đơn
bố trí cục mẹ
cụ thể bị
ông bà ngoại nội
bà con ngoại nội
em út ruột họ
anh em ruột họ
chị em ruột họ
con người ngươi số đường cái dâu rể nuôi đầu thứ
tên tuổi thuốc gọi khoa
mẹ con đẻ nuôi kế
cha mẹ đẻ nuôi
trẻ em trung
cháu ngoại nội
ba lần ngày mẹ
`)

func compoundsOf(lines string) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for line := range strings.Lines(lines) {
		if first, seconds, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[word{text: first}.toned()] = tonedSet(seconds)
		}
	}
	return all
}

func tonedSet(words string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		all[word{text: w}.toned()] = true
	}
	return all
}

// compound says whether two words that stand together are one.
func compound(first, second word) bool {
	return second.open && compounds[first.toned()][second.toned()]
}
