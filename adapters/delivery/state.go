package delivery

import "slices"

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
	Assessed  State = "assessed"  // decided line by line
	Settled   State = "settled"   // paid
	Withdrawn State = "withdrawn" // not to be sent: cancelled, deleted or superseded by a newer version
)

// States are all states, in the order of a claim's life.
var States = []State{Draft, Held, Queued, Sending, Unknown, Accepted, Rejected, Assessed, Settled, Withdrawn}

// next is the one table of transitions. No row has a timer in it: time alone changes no state.
var next = map[State][]State{
	Draft: {Queued},
	Held:  {Queued, Withdrawn}, // Queued: checked again without a fault
	Queued: {Held, Sending, Withdrawn, // never straight to Accepted: what was not recorded as sent was not sent
		Unknown}, // it had been sent, was said not to be received, and now turns up after all
	Sending: {Accepted, Rejected, Unknown, // Unknown also when the process died: the lease of the attempt is over
		Queued}, // only if it is certain that no byte of the file left the house
	// Unknown is left only by the answer to a status query, or by a person who gives a reason. Queued: the answer says
	// "not received", late enough and twice; Withdrawn: the same, and the version is not wanted any more.
	Unknown:   {Accepted, Rejected, Queued, Withdrawn},
	Accepted:  {Assessed, Rejected}, // Rejected: a format error found after acceptance
	Rejected:  {Queued, Withdrawn},  // Queued only by a person: the same version again, such as after a facility's right was granted
	Assessed:  {Settled},
	Settled:   {},
	Withdrawn: {}, // a newer version of the claim is another item
}

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

// display is the state in Vietnamese, for Task.businessStatus.text.
var display = map[State]string{
	Draft:     "Bản nháp",
	Held:      "Giữ lại do lỗi kiểm tra",
	Queued:    "Chờ gửi",
	Sending:   "Đang gửi",
	Unknown:   "Chưa rõ kết quả gửi",
	Accepted:  "Đã tiếp nhận",
	Rejected:  "Bị từ chối",
	Assessed:  "Đã giám định",
	Settled:   "Đã quyết toán",
	Withdrawn: "Đã rút",
}
