package index

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// Stored gives the function that makes the entries of a stored document anew, as a store asks for it when it reindexes or
// verifies itself. It fails for a document that is not one; faults within leave no entries, as in Document.
func Stored(o Options) func(fhir.Key, resource.Stored) (search.Indexed, error) {
	x := New(o)
	return func(_ fhir.Key, s resource.Stored) (search.Indexed, error) {
		doc, err := resource.New(s.Body)
		if err != nil {
			return search.Indexed{}, err
		}
		found, _ := x.Document(doc.Root(), 1)
		return found, nil
	}
}
