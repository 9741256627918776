// Package searchtest makes random resources and random searches, and knows what each search finds by reading documents.
//
//	g := searchtest.New(seed)
//	g.Document()             -> `{"resourceType":"Observation","id":"o3",…}`   small, from a vocabulary that collides
//	q := g.Query()           -> q.Type "Observation", q.Text "patient.name=van%20ng&_has:…"
//	q.Matches(key, world)    -> what the specification says, by FHIRPath and plain comparison
//
// A search is made as a tree and written out from it; the answer comes from the same tree, by reading the documents of a
// World. So nothing of the language (parsing, binding, value encodings, ranges) is shared with what is tested: only the
// FHIRPath that says where values are.
//
// It may import r4, resource, fhirpath. Start reading at Generator.
package searchtest
