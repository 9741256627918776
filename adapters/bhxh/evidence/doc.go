// Package evidence puts all that is known of a claim into one file that a third party can check without us: with the public
// key of the audit journal and nothing else.
//
//	case.json      the case: lines claimed against assessed, attempts, what it cites, issues, reviews    (cases.Case)
//	fhir.json      the resources that it is made of, a Bundle
//	history.json   each version of the Claim, its ClaimResponse and its Task that the reader may see, oldest first, a Bundle
//	case.xlsx      the same for people, as a spreadsheet
//	case.pdf       the same for people, to print
//	attempts/…     what each attempt sent and got, byte by byte, where it was kept and the reader may see all of it
//	manifest.json  what is above: name, bytes, SHA-256 of each, chained; which line of the journal wrote which version
//	head.note      signed note (golang.org/x/mod/sumdb/note): lienthong-evidence/1, SHA-256 of manifest.json
//	trail.json     lines of the audit journal with their way to a signed checkpoint: those that wrote the versions, and
//	               the one that says that this file was given out, to whom and when: it has the SHA-256 of manifest.json
//
// The chain: chain(0) is the SHA-256 of "lienthong-evidence/1\n", chain(i) that of chain(i-1) as lower-case hex, a line feed, and
// "sha256  bytes  name\n" of file i. The manifest holds each chain(i), so a file that was changed, taken out, added or moved shows.
//
// The ZIP itself is held to what pack makes (container.go): nothing before, between or behind the parts. How they are compressed is
// not: the compressor may change, so up to seven bits before the end of each part, which stand for nothing, may be otherwise.
//
// What it proves: the server whose key this is gave out exactly this, at that place of its journal; and each version was
// written by the commit that the journal has at that place. Not that what a hospital wrote is true, nor that the server
// is honest about what it left out; a checkpoint that was kept elsewhere ties the journal itself down (lienthong verify-audit).
//
// Fence and mask of who asks hold: a file for an auditor has no names. A line of the journal that tells of other things than the
// reader may see is withheld: its hash stands in its place, with its way to the checkpoint, so that it can be shown later. A claim file
// has the patient's name in it, so a masked file, and one for who may not see all that the claim cites, has of attempts the hashes alone.
//
// It may import fhir, audit, cases, delivery. Start reading at Exporter.Export, then Verify.
package evidence
