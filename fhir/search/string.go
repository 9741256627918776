package search

// AppendString appends the value of a string: folded, and the text itself where it differs.
func AppendString(dst []byte, s string) []byte {
	from := len(dst)
	dst = AppendFolded(dst, s, maxFolded)
	if string(dst[from:]) == s {
		return dst
	}
	return appendField(append(dst, 0), s, maxField)
}

// AppendNameOrders calls add with a value for a whole name, begun at each of its words: "nguyen van an", "van an nguyen",
// "an nguyen van". So a name is found from any word on, family name first or last. The values are not found by :exact.
// add must not keep its argument; room is a buffer to work in.
func AppendNameOrders(room []byte, name string, add func(value []byte)) []byte {
	folded := AppendFolded(room[:0], name, maxFolded)
	n := len(folded)
	buf := folded
	for at := 0; at < n; at++ {
		if at > 0 && folded[at-1] != ' ' {
			continue
		}
		buf = append(buf[:n], folded[at:n]...)
		if at > 0 {
			buf = append(append(buf, ' '), folded[:at-1]...)
		}
		buf = append(buf, 0, 1)
		folded = buf[:n]
		add(buf[n:])
	}
	return buf
}

// stringSpans finds the strings that begin with s, folded; exact: those that are s.
func stringSpans(s string, exact bool) ([]span, bool) {
	if exact {
		return []span{exactly(AppendString(nil, s))}, s != ""
	}
	prefix := AppendFolded(nil, s, maxFolded)
	return []span{beginning(prefix)}, len(prefix) > 0
}
