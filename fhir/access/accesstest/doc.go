// Package accesstest has a small world of records and a naive reader of policies, who knows by reading documents what each
// caller may do with each: what the fences of fhir/access and the answers of a server are held against.
//
// The world has a document of every type in several relations (Relations): each is an example of R4 whose references lead to
// the people of its relation. The reader (Reader.May) parses the policy file on its own and looks at documents alone; it
// shares neither the binding of searches nor the index with what it checks.
//
// It may import access and what that stands on. Start reading at World.
package accesstest
