package r4

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// Fingerprint names the contents of the tables: what was derived from others, such as an index, has to be made anew.
var Fingerprint = sync.OnceValue(func() string {
	h := sha256.New()
	for _, table := range []string{typesTable, elementsTable, paramsTable, compartmentsTable} {
		h.Write([]byte(table))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})
