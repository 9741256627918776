// Package fhirtest is for tests: it finds the shared test data, which lies beside the project and is never copied into it.
package fhirtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Data gives the path of a file or folder of the shared test data, such as Data(t, "data", "synthea").
// The test is skipped, and says why, where the data is not beside the project.
func Data(tb testing.TB, elem ...string) string {
	tb.Helper()
	root, err := Root()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(append([]string{root, "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no test data at %s: this test needs the shared folder beside the project", filepath.Join(elem...))
	}
	return path
}

// Root gives the project's root: the folder with go.mod, upwards from the test's working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}
