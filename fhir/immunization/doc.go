// Package immunization knows vaccination schedules: which dose of which series is due at which age.
//
// A schedule is data, not code. The national one (Chương trình Tiêm chủng mở rộng, Thông tư 10/2024/TT-BYT) is committed
// as schedules/vn-epi.json, made by go generate; it names its version and its source, and what the circular does not say
// is marked "verify" in the notes. National returns it; Parse reads any other of the same shape.
//
// Ages and intervals are calendar units counted from a date, as the circular counts them:
//
//	"2m"     2 months                31 January + 1m = 28 or 29 February
//	"1y+1w"  1 year, then 1 week     the parts are added from the left
//	"0d"     the day itself
//
// Dates are days: a time.Time at midnight UTC stands for one, see Day.
package immunization
