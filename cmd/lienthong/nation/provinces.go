package nation

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// Province is one of the 63 provinces in which births were registered until 2025, and what became of it.
type Province struct {
	Code   string // first three digits of a citizen ID (Circular 07/2016/TT-BCA, annex 1)
	Name   string
	Part   int    // index of today's province, which is a partition (Resolution 202/2025/QH15)
	Region string // north, centre, south: where patients are referred to
	People int    // census of 1 April 2019
}

//go:embed provinces.tsv
var table string

// Provinces reads the table: the provinces by code, and the names of today's provinces, which are the partitions.
func Provinces() (provinces []Province, parts []string, err error) {
	index := map[string]int{}
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			return nil, nil, fmt.Errorf("provinces.tsv: %q", line)
		}
		people, err := strconv.Atoi(f[4])
		if err != nil {
			return nil, nil, fmt.Errorf("provinces.tsv: %q: %w", line, err)
		}
		part, known := index[f[2]]
		if !known {
			part = len(parts)
			index[f[2]], parts = part, append(parts, f[2])
		}
		provinces = append(provinces, Province{Code: f[0], Name: f[1], Part: part, Region: f[3], People: people})
	}
	return provinces, parts, nil
}
