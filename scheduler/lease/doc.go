// Package lease gives one holder at a time the right to do something, for a limited time, with a fencing token that
// only grows, so that a holder which was asleep past its time can do no harm when it wakes.
//
// A lease is two rows, because its fence must stay the same while its end moves:
//
//	leases|job/bhxh-sync        -> {"token":7,"holder":"may-chu-1/4711/6c1f"}   changes when the lease changes hands
//	leases|job/bhxh-sync/until  -> {"token":7,"until":1772323200000}             changes with each renewal (ms since 1970)
//
// All changes are compare-and-set in a commit of the store. A holder puts Held.Fence among the preconditions of what it
// commits: the commit fails once the lease has changed hands (FENCED in the sense of Kleppmann's fencing tokens). The
// rows stay after a release, with no holder, so that the token never starts again.
//
// Caveats: whether a lease is over is judged by the clock of who wants it. A fast clock takes a lease early, which costs
// the holder its run and nothing else, because commits are fenced and not timed. What leaves the house, such as a request
// to a gateway, cannot be fenced: see adapters/delivery for how that is handled.
package lease
