package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/engine"
)

// Who names the folder of a demo is told where its store is.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	if err := elsewhere(dir, engine.ErrNoStore); err.Error() != engine.ErrNoStore.Error() {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(dir, demoStore), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := elsewhere(dir, engine.ErrNoStore); !strings.Contains(err.Error(), "did you mean "+filepath.Join(dir, demoStore)) {
		t.Error(err)
	}
}
