package delivery

import (
	"slices"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/wording"
)

// State is where a version of a claim is on its way; it is Task.businessStatus.
type State string

const (
	Draft     State = "draft"     // not handed over yet: no item
	Held      State = "held"      // our own check found faults that the insurer would refuse
	Queued    State = "queued"    // waits for its slot
	Sending   State = "sending"   // an attempt is under way; recorded before the first byte leaves
	Unknown   State = "unknown"   // sent, and no trustworthy reply: nobody knows whether it has an effect
	Accepted  State = "accepted"  // received by the assessment system, which gave a number
	Rejected  State = "rejected"  // refused, for certain without an effect
	Assessed  State = "assessed"  // decided line by line, see Assessment
	Settled   State = "settled"   // paid
	Withdrawn State = "withdrawn" // not to be sent: cancelled, deleted or superseded by a newer version
)

// States are all states, in the order of a claim's life.
var States = []State{Draft, Held, Queued, Sending, Unknown, Accepted, Rejected, Assessed, Settled, Withdrawn}

// Assessment is what an item in Assessed or Settled was granted. It is the second coding of Task.businessStatus.
type Assessment string

const (
	Approved Assessment = "approved" // every line as claimed
	Partly   Assessment = "partly"   // some line was cut
	Denied   Assessment = "denied"   // nothing is paid
)

// Assessments are all of them.
var Assessments = []Assessment{Approved, Partly, Denied}

// Transition is a way from one state to another, and what takes it.
type Transition struct {
	From, To State
	EN, VI   string
}

// Transitions is the one table of what may become of an item; the diagram of docs/claims.md is drawn from it. No line of it is
// a timer: time alone changes no state.
//
// Odd edges: queued never goes straight to accepted, since what was not recorded as sent was not sent. sending goes back to
// queued only if it is certain that no byte of the file left the house. unknown is left only by the answer to a status query
// or by a person who gives a reason. accepted goes back to unknown on proof alone: a status query says that the receipt number it
// rests on is another file's; that the other side does not have it any more is no proof, and only marks it. withdrawn has no way
// out: a newer version of the claim is another item.
var Transitions = []Transition{
	{Draft, Queued, "the claim is made active", "hồ sơ được kích hoạt"},
	{Queued, Held, "pre-check finds errors", "kiểm tra trước phát hiện lỗi"},
	{Held, Queued, "checked again without an error, or a person sends it", "kiểm tra lại không còn lỗi, hoặc người có trách nhiệm cho gửi"},
	{Queued, Sending, "its slot has come", "đến lượt gửi"},
	{Queued, Unknown, "said not to be received, it turns up after all", "đã trả lời chưa nhận nhưng lại xuất hiện"},
	{Queued, Withdrawn, "newer version, cancelled, deleted, or on request", "phiên bản mới, hủy, xóa, hoặc theo yêu cầu"},
	{Held, Withdrawn, "newer version, cancelled, deleted, or on request", "phiên bản mới, hủy, xóa, hoặc theo yêu cầu"},
	{Sending, Accepted, "maKetQua 200 with maGiaoDich", "maKetQua 200 kèm maGiaoDich"},
	{Sending, Rejected, "maKetQua with a refusal", "maKetQua từ chối"},
	{Sending, Unknown, "no trustworthy reply, or the sender died", "không có trả lời đáng tin, hoặc máy gửi dừng"},
	{Sending, Queued, "for certain no byte left", "chắc chắn chưa gửi byte nào"},
	{Unknown, Accepted, "status query, or a person: received", "truy vấn hoặc người: đã nhận"},
	{Unknown, Rejected, "status query, or a person: refused", "truy vấn hoặc người: bị từ chối"},
	{Unknown, Queued, "not received, said twice or by a person", "chưa nhận, hai lần trả lời hoặc do người"},
	{Unknown, Withdrawn, "not received, and not wanted any more", "chưa nhận, và không còn cần gửi"},
	{Accepted, Assessed, "the decision came", "có kết quả giám định"},
	{Accepted, Unknown, "its receipt number turns out to be another file's", "mã giao dịch hóa ra là của hồ sơ khác"},
	{Accepted, Rejected, "format error found afterwards", "lỗi định dạng phát hiện sau"},
	{Rejected, Queued, "a person sends the same version again", "người có trách nhiệm cho gửi lại"},
	{Rejected, Withdrawn, "on request", "theo yêu cầu"},
	{Assessed, Settled, "paid", "đã quyết toán"},
}

// next is Transitions by the state that is left.
var next = func() map[State][]State {
	m := map[State][]State{}
	for _, s := range States {
		m[s] = nil
	}
	for _, t := range Transitions {
		m[t.From] = append(m[t.From], t.To)
	}
	return m
}()

// Allowed says whether an item may go from one state to another.
func Allowed(from, to State) bool { return slices.Contains(next[from], to) }

// taskStatus is Task.status for each state.
var taskStatus = map[State]string{
	Draft:     "draft",
	Held:      "on-hold",
	Queued:    "requested",
	Sending:   "in-progress",
	Unknown:   "in-progress",
	Accepted:  "accepted",
	Rejected:  "rejected",
	Assessed:  "completed",
	Settled:   "completed",
	Withdrawn: "cancelled",
}

// In is the state in words.
func (s State) In(l outcome.Language) string { return wording.Of("delivery-state", string(s), l) }

// In is the assessment in words.
func (a Assessment) In(l outcome.Language) string {
	return wording.Of("delivery-assessment", string(a), l)
}

// Standing is a state with the assessment, if there is one, in words with the codes behind them: "Đã giám định: chấp nhận một phần
// [assessed, partly]".
func Standing(s State, a Assessment, l outcome.Language) string {
	if a == "" {
		return wording.With("delivery-state", string(s), l)
	}
	return s.In(l) + ": " + a.In(l) + " [" + string(s) + ", " + string(a) + "]"
}
