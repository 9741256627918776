package bench

import (
	"bytes"
	"compress/bzip2"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// bundle is one Synthea file: a transaction, or one of the two batches that the transactions refer to.
type bundle struct {
	name    string
	raw     []byte
	entries int
	patient string // logical id of its Patient in the file, also the value of its record number; "" for the batches
}

// recordNumber is the system of the identifier that Synthea gives each patient with the same value as its id.
const recordNumber = "https://github.com/synthetichealth/synthea"

// loadSynthea reads the bundles of a folder: the batches of hospitals and practitioners first.
func loadSynthea(dir string) (first, patients []bundle, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json.bz2"))
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("no Synthea bundles (*.json.bz2) in %s: name their folder with --synthea", dir)
	}
	slices.Sort(files)
	for _, file := range files {
		b, err := loadBundle(file)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		if b.patient == "" {
			first = append(first, b)
		} else {
			patients = append(patients, b)
		}
	}
	slices.SortFunc(first, func(a, b bundle) int { return strings.Compare(a.name, b.name) })
	return first, patients, nil
}

func loadBundle(file string) (bundle, error) {
	f, err := os.Open(file)
	if err != nil {
		return bundle{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		return bundle{}, err
	}
	var head struct {
		Entry []struct {
			Resource struct {
				ResourceType string `json:"resourceType"`
				ID           string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return bundle{}, err
	}
	b := bundle{name: filepath.Base(file), raw: raw, entries: len(head.Entry)}
	for _, e := range head.Entry {
		if e.Resource.ResourceType == "Patient" {
			b.patient = e.Resource.ID
			break
		}
	}
	return b, nil
}

// copyOf gives the bundle of another person: the same story under another record number.
func (b bundle) copyOf(n int) bundle {
	if n == 0 || b.patient == "" {
		return b
	}
	other := fmt.Sprintf("%08x%s", n, b.patient[8:])
	c := b
	c.raw = bytes.ReplaceAll(b.raw, []byte(b.patient), []byte(other))
	c.patient = other
	return c
}
