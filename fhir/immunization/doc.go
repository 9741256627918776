// Package immunization knows vaccination schedules: which dose of which series is due at which age.
//
// A schedule is data, not code. The national one (Chương trình Tiêm chủng mở rộng, Thông tư 10/2024/TT-BYT) is committed
// as schedules/vn-epi.json, made by go generate; it names its version and its source, and what the circular does not say
// is marked "verify" in the notes. National returns it; Parse reads any other of the same shape, and LoadSet a folder of them:
// campaigns, catch-up, older circulars. Members that the national file does not have:
//
//	rules.overdueAfter, doses[].overdueAfter   "14d"         instead of 28 days after the recommended date
//	rules.forecastUntilAge                     "18y"         up to which series without a maximum age are forecast
//	series[].givenFrom, givenTo                "2025-03-01"  only doses of these days count, as in a campaign
//	series[].vaccine_en
//	antigens, contraindications                {...}         as in schedules/contraindications.json, for the file's own series
//
// Contraindications are data as well: schedules/contraindications.json says which codes of Conditions, allergies, adverse
// events and immune globulins are against which vaccines, for ever or for how long, by which article, and what is assumed.
// It holds for every schedule; a file contraindications.json in the folder stands in its place.
//
// What comes of doses and dates is forecast/; what Immunization resources say is history/.
//
// Ages and intervals are calendar units counted from a date, as the circular counts them:
//
//	"2m"     2 months                31 January + 1m = 28 or 29 February
//	"1y+1w"  1 year, then 1 week     the parts are added from the left
//	"0d"     the day itself
//
// Dates are days: a time.Time at midnight UTC stands for one, see Day.
package immunization
