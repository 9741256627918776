package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/engine"
)

// TestNoStoreToOpen: a folder without a store is told from one whose disk fails, and none is made there.
func TestNoStoreToOpen(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(filepath.Join(other, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{filepath.Join(dir, "none"), other, filepath.Join(other, "store")} {
		if _, err := engine.OpenLog(at, engine.Options{}); !errors.Is(err, engine.ErrNoStore) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(other, "store")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("the folder was made")
	}
}
