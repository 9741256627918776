package delivery

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// leastBase64 is the shortest text of an element that is opened, in characters; a word is none.
const leastBase64 = 256

// openBase64 gives a text with what is base64 between two tags decoded: the length of what stands before it, that, the number of bytes that
// it stands for, those, and so on; after the last one the length of the rest, and the rest.
func openBase64(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+binary.MaxVarintLen64)
	told := 0 // what of raw is in out
	for i := 0; ; {
		start := bytes.IndexByte(raw[i:], '>') + 1
		n := bytes.IndexByte(raw[i+start:], '<')
		if start == 0 || n < 0 {
			return append(binary.AppendUvarint(out, uint64(len(raw)-told)), raw[told:]...)
		}
		text := raw[i+start : i+start+n]
		i += start + n
		if n < leastBase64 || n%4 != 0 || bytes.ContainsAny(text, "\r\n") { // the decoder passes over line ends
			continue
		}
		next := binary.AppendUvarint(out, uint64(i-n-told))
		next = append(next, raw[told:i-n]...)
		next = binary.AppendUvarint(next, uint64(base64.StdEncoding.DecodedLen(n)-bytes.Count(text[n-2:], []byte("="))))
		next, err := base64.StdEncoding.Strict().AppendDecode(next, text)
		if err == nil { // else it is none
			out, told = next, i
		}
	}
}

var errTorn = errors.New("the body is torn")

// closeBase64 undoes openBase64.
func closeBase64(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b)+len(b)/3)
	for {
		before, rest, ok := counted(b)
		if !ok {
			return nil, errTorn
		}
		if out = append(out, before...); len(rest) == 0 {
			return out, nil
		}
		decoded, rest, ok := counted(rest)
		if !ok {
			return nil, errTorn
		}
		out, b = base64.StdEncoding.AppendEncode(out, decoded), rest
	}
}

// counted takes off a length and as many bytes.
func counted(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}
