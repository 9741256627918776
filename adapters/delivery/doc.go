// Package delivery takes what must go out of the house there, once (ONCE), and says at any time what became of it.
//
// A version of a claim is an item. It enters by Enqueue, in the commit that writes the Claim, and moves by the table in
// state.go. Each move is one commit of the store: the item's row as it was read is demanded (EXACT), and the item, its
// place among the due ones, the attempt, the Task and the ClaimResponse change together (ATOMIC).
//
//	draft -> queued -> sending -> accepted -> assessed -> settled     (held, unknown, rejected, withdrawn: see Transitions)
//
// Why ONCE holds: sending is on disk before the first byte leaves, and only queued goes to sending, so an item is sent
// again only after it came back to queued. From sending it comes back only if no byte left; from unknown only if the
// other side says that it has not received it, asked at least Config.Settle after the attempt had closed, and once more
// Config.Settle later, or a person says so. An attempt has closed when its sender has stopped, or at its deadline if the
// sender died.
//
// What is assumed: no request takes effect more than twice Config.Settle after its sender gave up, and "not received" is
// true of that moment. Where that fails (a proxy that keeps a request longer, a portal whose answer lags behind) the item
// may come to two effects. That is not prevented, it is seen: what was sent again is watched for Config.Watch, and a receipt
// too many marks the item and its Task, see Observe. With Config.ByPerson nothing is sent again without a person.
//
// Rows (times in ms since 1970, versions in ten digits so that they sort; facility and episode are path-escaped):
//
//	outbox|c17/0000000002                                   -> {"state":"accepted","claim":"c17","version":2,"pb":2,"facility":"51901",…}
//	outbox-heads|c17                                        -> {"version":2}, or {"version":2,"off":"deleted"}
//	outbox-episodes|51901/LK-0042                           -> {"claim":"c17","pb":2}
//	outbox-due|send/51901/1772323200000/c17/0000000002      -> 1     queued, held: send or check again at that time
//	outbox-due|sent/51901/1772323230000/c17/0000000002      -> 1     sending
//	outbox-due|ask/51901/1772323400000/c17/0000000002       -> 1     unknown, accepted: ask at that time
//	outbox-clocks|1772323400000/c17/0000000002              -> 1     a clock runs out at that time, see Alarms
//	attempts|c17/0000000002/0001                            -> {"n":1,"lease":"job/bhxh-sync","token":7,"sha256":"…","started":…}
//	attempt-bodies|c17/0000000002/0001/request              -> the file, packed (body.go)
//	outbox-receipts|GD519010000000042                       -> {"sha256":"…","item":"c17/0000000002"}  of the file that got it
//
// Caveats: a process that is stopped for longer than its deadline between its last look at the clock, which is when the file
// is written to the line, and the byte itself could still send when it wakes; it counts as a request that lingers. Summary
// reads all items. Items and attempts are evidence and are not trimmed.
//
// FHIR: one Task and one ClaimResponse for a claim, with ids made from the claim's; their versions are the history. The
// Task has the state of the newest version, and as output that of each earlier one that left the house; each step of
// either is a version of it. The ClaimResponse has the decision on the newest version that has one.
//
// Start reading at state.go, then Enqueue, Begin, Finish, Learn.
package delivery
