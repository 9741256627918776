// Package facility decides of which facilities a caller may write. A facility is known to the social insurance by its code
// (MA_CSKCB), and numbers its treatment episodes (MA_LK) itself: an episode is one of one facility, and whoever could write a
// Claim or an Encounter under another's code would take its numbers, and send files in its name.
//
//	what names a facility                                            where
//	identifier of an episode, or of a row of its claim file          any resource, system …/malk/{MA_CSKCB}, …/dong-xml/{MA_CSKCB}
//	provider of a Claim                                              the Organization it leads to, or its identifier …/cskcb
//	identifier …/cskcb                                               Organization, unless it carried the code before
//
// Each must be one of the caller's own: those that are registered (access.Caller.Facilities), else those that the caller's
// Organization carries, which is why a caller cannot give that a code. What the policy lets write of any facility (facilities:
// any), and the server itself, are not asked.
//
// A refusal is the same whether or not the other facility has such an episode. It comes before all else that is said of the
// write, and says nothing that the caller did not send.
//
// It may import interaction, identity, access and what these stand on. Start reading at Facilities.Hook.
package facility
