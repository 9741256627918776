package terminology

// reach gives i and all that it leads to over links, each once, nearest first. It ends also where the links go in a circle.
func (t *table) reach(i int32, over links) []int32 {
	out := []int32{i}
	if len(over.of(i)) == 0 {
		return out
	}
	seen := make([]uint64, (len(t.concepts)+63)/64)
	seen[i>>6] |= 1 << (i & 63)
	for n := 0; n < len(out); n++ {
		for _, next := range over.of(out[n]) {
			if bit := uint64(1) << (next & 63); seen[next>>6]&bit == 0 {
				seen[next>>6] |= bit
				out = append(out, next)
			}
		}
	}
	return out
}

// subsumes tells whether b is a or lies below it. It walks up: ancestors are few.
func (t *table) subsumes(a, b int32) bool {
	if a == b {
		return true
	}
	for _, above := range t.reach(b, t.up) {
		if above == a {
			return true
		}
	}
	return false
}

// Subsumption is how two codes of a system stand to each other, in the words of CodeSystem/$subsumes.
type Subsumption string

const (
	Equivalent  Subsumption = "equivalent"
	Subsumes    Subsumption = "subsumes"    // the first is above the second
	SubsumedBy  Subsumption = "subsumed-by" // the first is below the second
	NotSubsumed Subsumption = "not-subsumed"
)
