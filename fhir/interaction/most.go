package interaction

// _maxresults bounds the matches of a search over all its pages. It comes from R5, and R4 lets servers have more parameters
// than it names. The total stays the number of all that match.

// size is how many matches the page may have.
func (p *Page) size(o SearchOptions) int {
	if p.Request.Most == 0 {
		return p.Count
	}
	return min(p.Count, p.Request.Most-o.Shown)
}

// more says that matches follow on those of the page, the last of which is at place: on a next page, or cut off.
func (p *Page) more(place []byte, o SearchOptions) {
	if p.Request.Most > 0 && o.Shown+p.size(o) >= p.Request.Most {
		p.cut = true
		return
	}
	p.Next = place
}
