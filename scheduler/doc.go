// Package scheduler runs jobs at their slots: each slot once, however many servers look at the same store.
//
// robfig/cron only rings the bell. What is true is in the store, in three spaces (times in ms since 1970):
//
//	jobs|bhxh-sync                                   -> {"cursor":1772323200000,"current":"bhxh-sync/2026-03-01T00:00:00.000Z"}
//	slots|bhxh-sync/2026-03-01T00:00:00.000Z         -> {"state":"running","at":…,"try":1,"holder":"may-chu-1/4711/6c1f","token":7,"started":…}
//	slots|bhxh-sync/2026-03-01T00:00:03.120Z/manual  -> {"state":"requested","manual":true,"by":"…"}
//	leases|job/bhxh-sync                             -> see package lease
//
// The cursor is the newest slot that was decided on; a slot at or before it is never taken by schedule again, so old
// slot rows can be trimmed. Taking a slot moves the cursor, writes the slot's row and takes the job's lease in one
// commit of compare-and-sets: of two servers one succeeds. A job never runs beside itself.
//
//	requested -> running                       somebody asked for a run now
//	running   -> finished, failed              the job returned
//	running   -> running (try + 1), lost       its server died: the lease ran out; by the policy of the job
//	missed                                     the slot went by while nothing ran, and the policy says: let it go
//
// What becomes of slots that went by while no server ran, or while the job was paused, is the job's Policy:
// Latest (default) runs the newest of them once, Skip lets them go, All runs each in order. With a Jitter a slot keeps its time as
// its name and begins somewhat later.
//
// A run is not exactly once: a server can die after the job's work and before the row that says so. A job therefore
// keeps its own account of what it did, under Slot.Lease.Fence(), as adapters/delivery does.
//
// Start reading at Job, then Runner.step.
package scheduler
