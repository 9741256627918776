// Package cron turns an expression and a zone into slots: the instants at which a job is due. It is pure; nothing here
// looks at a clock, so that two servers, or one server before and after a restart, agree on every slot.
//
//	30 2 * * *        02:30 every day
//	*/10 * * * * *    every ten seconds (six fields: the first is the second)
//	@daily            midnight
//	@every 90s        multiples of 90 s since 1970-01-01T00:00:00Z: the same for all servers, whenever they started
//
// The zone is Asia/Ho_Chi_Minh unless another one is named. Vietnam has no summer time; in zones that do, an hour that
// is skipped makes no slot of that hour and an hour that comes twice makes its slots twice (at different instants).
//
// Caveats: "TZ=" and "CRON_TZ=" prefixes are refused, since the zone is a setting of its own; slots are whole seconds.
//
// Source of the grammar: https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format
package cron
