package bhxhmock

import "hash/maphash"

// names gives texts numbers, from 0. Whatever their count it has no more pointers than its fields, so that the garbage collector has
// nothing to follow in it.
type names struct {
	hash  func(string) uint64
	text  []byte           // of all, one after the other
	ends  []int            // of each in text
	first map[uint64]int32 // the last one with a hash
	next  []int32          // of each, the one before with the same hash; -1 if there is none
}

func newNames() names {
	seed := maphash.MakeSeed()
	return names{hash: func(s string) uint64 { return maphash.String(seed, s) }, first: map[uint64]int32{}}
}

// find gives the number of a text; -1 if it has none.
func (n *names) find(s string) int32 {
	i, ok := n.first[n.hash(s)]
	if !ok {
		return -1
	}
	for i >= 0 && string(n.at(i)) != s {
		i = n.next[i]
	}
	return i
}

// number gives the number of a text, a new one if it has none.
func (n *names) number(s string) int32 {
	if i := n.find(s); i >= 0 {
		return i
	}
	i := int32(len(n.ends)) //nolint:gosec // a ledger of two thousand million rows does not fit in memory
	hash := n.hash(s)
	same, ok := n.first[hash]
	if !ok {
		same = -1
	}
	n.first[hash], n.next = i, append(n.next, same)
	n.text = append(n.text, s...)
	n.ends = append(n.ends, len(n.text))
	return i
}

// at gives a text by its number; it is not to be kept.
func (n *names) at(i int32) []byte {
	from := 0
	if i > 0 {
		from = n.ends[i-1]
	}
	return n.text[from:n.ends[i]]
}

func (n *names) name(i int32) string { return string(n.at(i)) }
