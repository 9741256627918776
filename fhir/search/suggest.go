package search

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// distance is the number of letters to change, add, leave out or swap with a neighbour to make b of a.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}

// nearest lists the parameters of t whose names are most like name.
func (b *binder) nearest(t fhir.Type, name string) string {
	const most = 5
	if len(name) > 64 {
		name = name[:64]
	}
	type candidate struct {
		code string
		far  int
	}
	var list []candidate
	for _, p := range b.o.Registry.Params(t) {
		if unsupported[p.Code] != "" {
			continue
		}
		far := distance(strings.ToLower(name), p.Code)
		if strings.HasPrefix(p.Code, name) || strings.HasPrefix(name, p.Code) {
			far = 1
		}
		list = append(list, candidate{p.Code, far})
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	var out []string
	for _, c := range list[:min(most, len(list))] {
		out = append(out, c.code)
	}
	return strings.Join(out, ", ")
}
