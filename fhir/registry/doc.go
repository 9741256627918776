// Package registry is what a vaccination registry asks of all persons at once: coverage, drop-out, who is due, who had a lot.
//
// Its state is derived from the store's feed (FEED) and kept as records of one space, so that no request reads more than it
// shows. Rows (with | between the parts of a key; in the keys it is the byte 1F):
//
//	state                    -> up to which commit, for which day, by which schedules
//	p|person                 -> what the person counts for: members, commune, cohort, clinics, each series (row)
//	m|patient                -> person: of Patients that were merged, whose rows stand under the smallest id
//	c|commune|year           -> tally of the persons of a commune who were born in a year
//	n|commune                -> how the commune is called
//	d|commune|date|person    -> (none): the earliest dose that is due or will be, by its recommended date
//	o|clinic|date|person     -> the same by the organizations that look after the person
//	r|date|person            -> (none): on this day something about the person changes by itself
//
// A tally is the sum of its persons' rows and of nothing else. A person's row is a function of the store as of a commit and
// of a day: whatever happens to a dose, an address or a link, the person is looked at anew, the old row is taken off the
// tallies and the new one added, in one commit that has the place in the feed and demands that nobody else moved it. So the
// state is exact after any crash, and two servers do not count twice. The calendar is no exception: each row says on which
// day it has to be looked at again.
//
// Other schedules, or another one in force, make every row be looked at anew, while requests are answered "registry-building".
//
// Who is counted: every person whose Patient in use is active, not deceased, and has a whole birth date, once, however many
// Patients are linked. Persons that cannot be judged are counted as unknown. What $immds-forecast says of a person is what
// is counted, but that nobody is taken to be pregnant and that contraindications of other resources than doses are not
// counted: a number would tell of a diagnosis. Who is contraindicated is left out of a list when the caller sees why.
//
// It may import fhir/operation/vaccination and what that stands on. Start reading at Registry.CatchUp, then row.
package registry
