package resource

// equal compares; members for which skip says true count as absent, skip may be nil.
func equal(a, b Value, skip func(Value) bool) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case Object:
		n := 0
		for x := a.First(); x.d != nil; x = x.Next() {
			if skip != nil && skip(x) {
				continue
			}
			n++
			if !equal(x, b.Get(x.Name()), skip) {
				return false
			}
		}
		for y := b.First(); y.d != nil; y = y.Next() {
			if skip == nil || !skip(y) {
				n--
			}
		}
		return n == 0
	case Array:
		x, y := a.First(), b.First()
		for x.d != nil && y.d != nil && equal(x, y, skip) {
			x, y = x.Next(), y.Next()
		}
		return x.d == nil && y.d == nil
	}
	return a.Text() == b.Text()
}

// Equal says whether a and b are the same JSON value: the same members in any order, the same elements in order, the
// same decoded texts (with edits), and number literals that are alike character by character.
func Equal(a, b Value) bool { return equal(a, b, nil) }

// EqualResource is Equal for two resources, apart from what the server sets: id, meta.versionId and meta.lastUpdated
// (with their companions), and a meta that holds nothing else. It is the measure of LOSSLESS.
func EqualResource(a, b Value) bool {
	return equal(a, b, func(m Value) bool {
		switch at := m.Parent(); {
		case at == a || at == b:
			return m.Name() == "id" || m.Name() == "meta" && !m.hasMore()
		case at.Name() == "meta" && (at.Parent() == a || at.Parent() == b):
			return isStamp(m.Name())
		}
		return false
	})
}

// hasMore says whether a meta has members besides those the server sets.
func (v Value) hasMore() bool {
	for c := v.First(); c.d != nil; c = c.Next() {
		if !isStamp(c.Name()) {
			return true
		}
	}
	return v.Kind() != Object
}
