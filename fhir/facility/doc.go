// Package facility decides of which facilities a caller may write. A facility is known to the social insurance by its code
// (MA_CSKCB), and numbers its treatment episodes (MA_LK) and its patients (MA_BN) itself: whoever could write a Claim or an Encounter
// under another's code would take its numbers, and send files in its name; and a record number that somebody else gave would find
// the wrong person.
//
//	what names a facility                                            where                                              may stand as it was
//	identifier of an episode, or of a row of its claim file          any resource, system …/malk/{MA_CSKCB},            in what is called off
//	                                                                 …/dong-xml/{MA_CSKCB}
//	provider of a Claim                                              the Organization it leads to, or its               in what is called off
//	                                                                 identifier …/cskcb
//	record number of a patient                                       any resource, system …/mabn/{MA_CSKCB}             yes
//	serviceProvider of an Encounter, provider of an                  as the provider of a Claim                         yes
//	ExplanationOfBenefit or CoverageEligibilityRequest
//	facility of these and of a Claim, owner of an Account,           the entry of the directory that it leads to, or    yes
//	issuer of an Invoice, what an entry of the directory             its identifier …/cskcb
//	belongs to
//	identifier …/cskcb                                               entry of the directory that may belong to one      yes
//
// Each must be one of the caller's own: those that are registered (access.Caller.Facilities), else those that the caller's
// Organization carries, which is why a caller cannot give that a code. What stood there in the version before may stay where the table
// says so, if the caller sees that version. An entry of the directory without a code counts as the one that it belongs to: an Organization as
// that which it is part of, such as a department, a Location as who manages it, a PractitionerRole and a HealthcareService as their
// Organization. The caller's own is always the caller's, but for claims. In the lower half of the table what leads to no code is nobody's,
// and may be named: a school where vaccines are given. What the policy lets write of any facility (facilities: any), and the
// server itself, are not asked. A reference may cite anybody's numbers (Reference.identifier). The places that a stay came from and
// leads to, where a line was done and who did it are not asked about: docs/decisions/0068 says of each why.
//
// A refusal is the same whether or not the other facility has such an episode or patient. It comes before all else that is said of the
// write, and says nothing that the caller did not send.
//
// It may import interaction, identity, access and what these stand on. Start reading at Facilities.Hook.
package facility
