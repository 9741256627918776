package search

// Prefix is how a number, date or quantity is compared. https://hl7.org/fhir/R4/search.html#prefix
type Prefix uint8

const (
	PrefixEQ Prefix = iota
	PrefixNE
	PrefixGT
	PrefixLT
	PrefixGE
	PrefixLE
	PrefixSA // starts after
	PrefixEB // ends before
	PrefixAP // approximately
)

var prefixes = map[string]Prefix{
	"eq": PrefixEQ, "ne": PrefixNE, "gt": PrefixGT, "lt": PrefixLT, "ge": PrefixGE, "le": PrefixLE,
	"sa": PrefixSA, "eb": PrefixEB, "ap": PrefixAP,
}

// cutPrefix takes the prefix off a value; without one it is eq. ok is false for two letters that are no prefix.
func cutPrefix(s string) (p Prefix, rest string, ok bool) {
	if len(s) < 2 || !letter(s[0]) || !letter(s[1]) {
		return PrefixEQ, s, true
	}
	p, ok = prefixes[s[:2]]
	return p, s[2:], ok
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
