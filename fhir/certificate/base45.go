package certificate

// alphabet45 is what a QR code writes in its alphanumeric mode. Source: RFC 9285. There is no Go module of it that is kept.
const alphabet45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// encode45 writes two bytes as three characters, and a last single one as two.
func encode45(b []byte) string {
	out := make([]byte, 0, (len(b)+1)/2*3)
	for ; len(b) >= 2; b = b[2:] {
		n := int(b[0])<<8 | int(b[1])
		out = append(out, alphabet45[n%45], alphabet45[n/45%45], alphabet45[n/2025])
	}
	if len(b) == 1 {
		out = append(out, alphabet45[b[0]%45], alphabet45[b[0]/45])
	}
	return string(out)
}

// values45 are the characters' values, -1 for what is none.
var values45 = func() (v [256]int) {
	for i := range v {
		v[i] = -1
	}
	for i := range len(alphabet45) {
		v[alphabet45[i]] = i
	}
	return v
}()

// decode45 reads what encode45 writes, and nothing else.
func decode45(s string) ([]byte, bool) {
	out := make([]byte, 0, len(s)/3*2+1)
	for len(s) > 0 {
		n, factor, width := 0, 1, min(3, len(s))
		for i := range width {
			v := values45[s[i]]
			if v < 0 {
				return nil, false
			}
			n += v * factor
			factor *= 45
		}
		switch {
		case width == 1, width == 2 && n > 0xff, n > 0xffff:
			return nil, false
		case width == 2:
			out = append(out, byte(n))
		default:
			out = append(out, byte(n>>8), byte(n))
		}
		s = s[width:]
	}
	return out, true
}
