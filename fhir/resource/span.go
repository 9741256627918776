package resource

// Span gives the place of v in the bytes of its document: Raw is Document().Raw()[from:to]. Both are 0 for the zero Value.
func (v Value) Span() (from, to int) {
	if v.d == nil {
		return 0, 0
	}
	n := v.node()
	return int(n.start), int(n.end)
}
