package index

import (
	"fmt"
	"sync"

	"github.com/lienthong/lienthong/fhir/r4"
)

// encodings counts what the tables do not know: raise it when other values, or the same ones in other bytes, are made for
// a document.
const encodings = 7

// tables is the part of a definition that is the same for all indexes of this program.
var tables = sync.OnceValue(func() string {
	return fmt.Sprintf("r4-%s encodings-%d", r4.Fingerprint(), encodings)
})

// Definition names how documents are indexed with these options: the tables of R4, the encodings, the server's own base
// URLs. What was stored under another name has to be indexed anew. FoldSystem is a function and cannot be named here: who
// sets it adds what its results depend on.
func (o Options) Definition() string {
	return fmt.Sprintf("%s base=%q also=%q loopback=%q", tables(), o.Base, o.Also.URLs, o.Also.Loopback)
}
