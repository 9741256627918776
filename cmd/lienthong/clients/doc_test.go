// Package clients drives the real server, in a process of its own, with public FHIR clients that are not ours: their
// idea of the interface is the one that a hospital's programmer brings along.
//
//	testdata/node/    fhir-kit-client
//	testdata/python/  fhirpy, fhirclient with its models of R4, fhir.resources with its models of R4B
//	certificate.*     kill-the-clipboard (node), cwt, base45, zxing-cpp, PDFium (python): certificates of vaccinations
//	testdata/java/    the client of HAPI, its parser strict, and the validator of HL7 in it
//
// .ci/clients installs them at pinned versions into .cache/clients, or into the folder that LIENTHONG_CLIENTS names;
// what is not installed is skipped. Each script prints a line for each check, which becomes a subtest:
//
//	ok<TAB>name
//	fail<TAB>name<TAB>what was got and what was wanted
//	done
package clients
