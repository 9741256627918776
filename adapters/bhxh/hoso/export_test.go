package hoso

// Decided lists the rules that have a function.
func Decided() (ids []string) {
	for _, c := range checks {
		ids = append(ids, c.rule)
	}
	return ids
}
