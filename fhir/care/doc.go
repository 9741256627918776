// Package care decides who may say that a patient is in somebody's care. The policy lets an organization see a patient of whom
// it has an Encounter or an EpisodeOfCare, and those it writes itself: so to write one must not be enough. A Claim is made into a
// file with the patient's name and with what its references lead to (the Encounter, the card, the results), which its hospital may
// read: so it is held to the same, and may refer to nothing that its sender neither sees nor sends along.
//
//	who writes an Encounter, EpisodeOfCare or Claim of a patient      counts
//	may see the patient, by what was there before                     yes
//	sends the patient along, as a resource of its own                 yes
//	refers to the patient by identifier and birth date                yes: Hook tells the trail that they met for the first time
//	gives a reason to break the glass, where its role may             yes: the trail has the reason
//	knows an id, and nothing else                                     no, whether or not there is such a patient
//
// The identifier is one that the patient shows (citizen ID, old card, passport, insurance card), and with the birth date stands
// for having the person, or the person's card, at hand. It is the one way to find a patient registered elsewhere, and finds
// nothing but the id (interaction.Config.Introduce).
//
// What leads to nobody is counted for each caller (tries.go): whoever guesses is refused for the rest of the hour, and the trail
// has each try.
//
// It may import interaction, identity, access and what these stand on. Start reading at Care.
package care
