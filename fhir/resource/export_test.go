package resource

// Plain says whether a text is one that is read without its tokens.
func Plain(raw []byte, lim Limits) bool {
	p := parser{raw: raw, lim: lim.orDefault(), total: len(raw)}
	return p.plain()
}
