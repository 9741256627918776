// Package delivery takes what must go out of the house there, once (ONCE), and says at any time what became of it.
//
// A version of a claim is an item. It enters by Enqueue, in the commit that writes the Claim, and moves by the table in
// state.go. Each move is one commit of the store: the item's row as it was read is demanded (EXACT), and the item, its
// place among the due ones, the attempt, the Task and the ClaimResponse change together (ATOMIC).
//
//	draft -> queued -> sending -> accepted -> assessed -> settled
//	           |  ^       |  \-> rejected
//	         held |       v
//	              +--- unknown -> accepted, rejected     by a status query or a person, never by a timer
//	withdrawn: cancelled, deleted, superseded before it was sent
//
// Why ONCE holds: sending is on disk before the first byte leaves, and only queued goes to sending, so an item is sent
// again only after it came back to queued. From sending it comes back only if no byte left; from unknown only if the
// other side says that it has not received it, asked at least Config.Settle after the attempt had closed, or a person
// says so. An attempt has closed when its sender has stopped, or at its deadline if the sender died.
//
// Rows (times in ms since 1970, versions in ten digits so that they sort; facility and episode are path-escaped):
//
//	outbox|c17/0000000002                                   -> {"state":"accepted","claim":"c17","version":2,"pb":2,"facility":"51901",…}
//	outbox-heads|c17                                        -> {"version":2}, or {"version":2,"off":"deleted"}
//	outbox-episodes|51901/LK-0042                           -> {"claim":"c17","pb":2}
//	outbox-due|send/51901/1772323200000/c17/0000000002      -> 1     queued, held: send or check again at that time
//	outbox-due|sent/51901/1772323230000/c17/0000000002      -> 1     sending
//	outbox-due|ask/51901/1772323400000/c17/0000000002       -> 1     unknown, accepted: ask at that time
//	attempts|c17/0000000002/0001                            -> {"n":1,"lease":"job/bhxh-sync","token":7,"sha256":"…","started":…}
//
// Caveats: a process that is stopped for longer than its deadline between its last look at the clock and its first byte
// could still send when it wakes, for a byte cannot be fenced; Config.Settle bounds what of that may go unseen. Summary
// reads all items. Items and attempts are evidence and are not trimmed.
//
// FHIR: one Task and one ClaimResponse for a claim, with ids made from the claim's; their versions are the history. Older
// versions of a claim move without touching them.
//
// Start reading at state.go, then Enqueue, Begin, Finish, Learn.
package delivery
