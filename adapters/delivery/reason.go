package delivery

import "github.com/lienthong/lienthong/fhir/outcome"

// Reason is why an item is in its state, in the words of the house or of the other side.
type Reason struct {
	Code string `json:"code"`
	VI   string `json:"vi,omitempty"`
	EN   string `json:"en,omitempty"`
	Path string `json:"path,omitempty"` // field of the claim file at fault such as XML3[4].SO_LUONG; "" if none
	// Element is the FHIRPath that the field comes from, such as Claim.item[4].quantity; "" if it is not known.
	Element string `json:"element,omitempty"`
}

// In is the reason in the words of a language.
func (r Reason) In(l outcome.Language) string { return l.Pick(r.VI, r.EN) }

// Codes of reasons that this room gives; those of pre-check rules (XML1-07) and gateways (403) come from elsewhere.
const (
	ReasonSuperseded    = "superseded"
	ReasonCancelled     = "cancelled"
	ReasonDeleted       = "deleted"
	ReasonInError       = "entered-in-error"
	ReasonNoReply       = "no-reply"
	ReasonStopped       = "stopped"
	ReasonNotSent       = "not-sent"
	ReasonNotReceived   = "not-received"
	ReasonOtherFile     = "other-file"
	ReasonOtherReceipt  = "other-receipt"
	ReasonForgotten     = "forgotten"
	ReasonEarlier       = "earlier-open"
	ReasonNoAccount     = "no-account"
	ReasonUnreadable    = "unreadable"
	ReasonAfterwards    = "cancelled-afterwards"
	ReasonDecidedByHand = "decided-by-hand"
	ReasonSecondEffect  = "second-effect"
	ReasonLateEffect    = "late-effect"
	ReasonAwaitsPerson  = "not-received-awaits-person"
	ReasonLoginRefused  = "login-refused"
	ReasonNotLoggedIn   = "not-logged-in"
	ReasonForeign       = "facility-foreign"
)

var reasons = map[string]Reason{
	ReasonSuperseded:    {VI: "Đã có phiên bản mới hơn của hồ sơ trước khi gửi", EN: "A newer version of the claim came before this one was sent"},
	ReasonCancelled:     {VI: "Hồ sơ không còn hiệu lực thanh toán trước khi gửi", EN: "The claim is no longer an active claim for the insurer"},
	ReasonInError:       {VI: "Hồ sơ được đánh dấu nhập nhầm trước khi gửi", EN: "The claim was marked as entered in error before it was sent"},
	ReasonDeleted:       {VI: "Hồ sơ đã bị xóa trước khi gửi", EN: "The claim was deleted before it was sent"},
	ReasonNoReply:       {VI: "Đã gửi nhưng không có trả lời đáng tin cậy", EN: "Sent, and no trustworthy reply came"},
	ReasonStopped:       {VI: "Máy chủ dừng trong lúc gửi", EN: "The server stopped while it was sending"},
	ReasonNotSent:       {VI: "Chưa gửi được, chắc chắn chưa có dữ liệu nào rời đi", EN: "Not sent: for certain nothing has left"},
	ReasonNotReceived:   {VI: "Cổng giám định xác nhận chưa nhận được hồ sơ", EN: "The assessment system says that it has not received the claim"},
	ReasonOtherFile:     {VI: "Cổng giám định giữ một tệp khác cho phiên bản này, cần người quyết định", EN: "The assessment system holds another file for this version: a person must decide"},
	ReasonOtherReceipt:  {VI: "Trả lời mang mã giao dịch của một hồ sơ khác, chưa rõ kết quả gửi", EN: "The reply has the receipt number of another file: what became of this one is not known"},
	ReasonForgotten:     {VI: "Cổng giám định đã tiếp nhận nhưng nay trả lời không có hồ sơ", EN: "The assessment system had accepted the claim and now says it does not have it"},
	ReasonEarlier:       {VI: "Chờ phiên bản trước có kết quả rõ ràng", EN: "Waits until the outcome of an earlier version is known"},
	ReasonNoAccount:     {VI: "Cơ sở chưa có tài khoản trên cổng giám định", EN: "The facility has no account at the assessment system"},
	ReasonUnreadable:    {VI: "Chưa lập được tệp hồ sơ do lỗi hệ thống, sẽ thử lại", EN: "The claim file could not be made because of a fault of ours; it is tried again"},
	ReasonAfterwards:    {VI: "Hồ sơ bị hủy sau khi đã gửi, cần báo cơ quan bảo hiểm", EN: "The claim was cancelled after it was sent: the insurer must be told"},
	ReasonSecondEffect:  {VI: "Cổng giám định đã tiếp nhận phiên bản này nhiều hơn một lần, cần báo cơ quan bảo hiểm", EN: "The assessment system has taken this version more than once: the insurer must be told"},
	ReasonLateEffect:    {VI: "Cổng giám định đã tiếp nhận phiên bản này sau khi trả lời chưa nhận, cần báo cơ quan bảo hiểm", EN: "The assessment system has taken this version after saying that it had not: the insurer must be told"},
	ReasonAwaitsPerson:  {VI: "Cổng giám định xác nhận chưa nhận được hồ sơ, cần người quyết định gửi lại", EN: "The assessment system says that it has not received the claim: a person decides whether it is sent again"},
	ReasonLoginRefused:  {VI: "Cổng giám định từ chối tài khoản khi đăng nhập, chưa gửi dữ liệu nào", EN: "The assessment system refused the account at log-in: nothing was sent"},
	ReasonNotLoggedIn:   {VI: "Cổng giám định từ chối tệp vì phiên đăng nhập không hợp lệ (401), hồ sơ chưa được tiếp nhận", EN: "The assessment system refused the file: not logged in (401). Nothing was taken"},
	ReasonForeign:       {VI: "Bên gửi chưa được đăng ký gửi hồ sơ cho cơ sở này (MA_CSKCB); hồ sơ chờ đến khi người vận hành máy chủ đăng ký", EN: "Who sent it is not registered to send for this facility (MA_CSKCB): it waits until the server's operator registers it"},
	ReasonDecidedByHand: {VI: "Do người có trách nhiệm quyết định", EN: "Decided by a person"},
}

// Because gives a reason of this room with its texts.
func Because(code string) *Reason {
	r := reasons[code]
	r.Code = code
	return &r
}
