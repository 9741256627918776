package scheduler

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// openStore opens a store in a folder of its own, closed when the test ends.
func openStore(t testing.TB) store.Store {
	t.Helper()
	s := enginetest.Open(t, engine.Options{})
	return s
}
