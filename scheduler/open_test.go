package scheduler

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// openStore opens a store in a folder of its own, closed when the test ends.
func openStore(t testing.TB) store.Store {
	t.Helper()
	s, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
