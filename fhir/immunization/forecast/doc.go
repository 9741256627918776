// Package forecast judges doses by vaccination schedules and says what is due. It is pure: the same person, doses, schedules
// and assessment date give the same answer, in whatever order the doses come. It knows no store and no clock.
//
// Each dose is judged in one series of each chain that takes its product (a chain: the primary doses and the boosters that
// follow them): the first that still wants a dose, else the last.
//
//	too-young           before the minimum age                         bounds: the day itself is valid
//	too-old             after the maximum age                          the day on which it is reached is valid
//	interval-too-short  from the last valid dose, not the last given
//	live-conflict       1 to 27 days after another parenteral live vaccine; on the same day is valid
//	previous-missing    the series that comes before is not finished, and not aged out
//	extra               the series was complete
//	duplicate           the same day again
//	wrong-product       no series takes the product, or not the one that the sender names
//	before-birth, after-assessment, date-incomplete, expired-lot, subpotent, not-done
//
// A late series is never started anew. An earlier valid dose never makes a later one less valid, so the doses of one
// series counted are the most that can be. Only live vaccines take from each other, and only within their interval.
//
// The next dose:
//
//	earliest     the latest of: minimum age, interval from the last valid dose, 28 days after the last live vaccine
//	recommended  the recommended age, or earliest if that is later
//	overdue      28 days after the recommended date (unless the schedule says else)
//	latest       the maximum age
//
// A series that wants a dose is contraindicated while one of the person's contraindications is against it
// (immunization.Contraindications), or after a dose was not given for a medical reason until one is. What was given counts all
// the same.
//
// Source of the terms: HL7 ImmDS, CDSi logic specification; of the rules: the schedule file and its notes.
package forecast
