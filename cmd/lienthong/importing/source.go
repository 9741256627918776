package importing

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one file to import.
type source struct {
	path  string
	size  int64
	group group
}

// group says which files must be loaded before which.
type group int

const (
	hospitals group = iota
	practitioners
	others
	claims // claim files, and whatever else is not named as FHIR data
)

func groupOf(path string) group {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case kindOf(path) != ".json" && !isLines(path):
		return claims
	case strings.Contains(name, "hospital"):
		return hospitals
	case strings.Contains(name, "practitioner"):
		return practitioners
	}
	return others
}

// sources finds the files that paths name: files themselves, folders with all below them, patterns such as "*.json.bz2"
// where the shell did not expand them. In folders only names of FHIR data count, by their names' order. The result is in the order to load.
func sources(paths []string) ([]source, error) {
	var found []source
	seen := map[string]bool{}
	add := func(path string) error {
		if abs, err := filepath.Abs(path); err == nil {
			if seen[abs] {
				return nil
			}
			seen[abs] = true
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		found = append(found, source{path: path, size: info.Size(), group: groupOf(path)})
		return nil
	}
	for _, p := range paths {
		matches := []string{p}
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			var globErr error
			if matches, globErr = filepath.Glob(p); globErr != nil || len(matches) == 0 {
				return nil, fmt.Errorf("%s: there is no such file or folder", p)
			}
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				if path != m && !isData(path) {
					return nil
				}
				return add(path)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no files of FHIR data or claims (.json, .ndjson, .xml, also .gz and .bz2)", strings.Join(paths, ", "))
	}
	slices.SortStableFunc(found, func(a, b source) int { return cmp.Compare(a.group, b.group) })
	return found, nil
}

func isData(path string) bool {
	return kindOf(path) == ".json" || kindOf(path) == ".xml" || isLines(path)
}

// isLines says whether a name is one of NDJSON.
func isLines(path string) bool { return kindOf(path) == ".ndjson" || kindOf(path) == ".jsonl" }

// kindOf gives the extension of a name without that of the packing.
func kindOf(path string) string {
	name := strings.ToLower(path)
	return filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".bz2"))
}
