package wire

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Legacy reads Vietnamese text of an encoding from before Unicode, as old hospital systems still write it, whatever they
// declare: windows-1258 (tone marks stand after their letter) or TCVN3 (TCVN 5712:1993 VN3, the ABC fonts). Which of the
// two it is follows from which one gives text. ok is false if neither does, or if the bytes have sequences of UTF-8: then
// they are UTF-8 that was broken on the way, and a guess would make it worse.
//
// TCVN3 has no accented capitals; fonts drew small letters as capitals. Names in it must be looked at.
func Legacy(raw []byte) (text string, ok bool) {
	for b := raw; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		if r != utf8.RuneError && n > 1 {
			return "", false
		}
		b = b[n:]
	}
	windows, err := charmap.Windows1258.NewDecoder().Bytes(raw)
	if err != nil {
		windows = nil
	}
	windows = norm.NFC.Bytes(windows)
	tcvn := fromTCVN3(raw)
	oddWindows, oddTCVN := odd(windows), odd(tcvn)
	switch {
	case windows != nil && oddWindows == 0 && (oddTCVN > 0 || marks(raw) > 0):
		return string(windows), true
	case oddTCVN == 0:
		return string(tcvn), true
	case windows != nil && oddWindows == 0:
		return string(windows), true
	}
	return "", false
}

// odd counts what stands in no Vietnamese text: lone marks, symbols, control characters, letters of other languages.
func odd(s []byte) (n int) {
	for _, r := range string(s) {
		switch {
		case r < 0x80 && (r >= ' ' || r == '\t' || r == '\n' || r == '\r'):
		case r >= 0x80 && unicode.IsLetter(r) && vietnamese[unicode.ToLower(r)]:
		case r >= 0x2010 && r <= 0x2030, r == '°', r == '±', r == '²', r == '³', r == 'µ', r == '×': // dashes, quotation marks, units
		default:
			n++
		}
	}
	return n
}

// marks counts the tone marks of windows-1258 that stand right after a vowel of ASCII.
func marks(raw []byte) (n int) {
	for i, c := range raw {
		if i > 0 && bytes.IndexByte([]byte("\xCC\xD2\xDE\xEC\xF2"), c) >= 0 && bytes.IndexByte([]byte("aeiouyAEIOUY\xE2\xE3\xEA\xF4\xF5\xFD\xC2\xC3\xCA\xD4\xD5\xDD"), raw[i-1]) >= 0 {
			n++
		}
	}
	return n
}

// tcvn3 has the letters of TCVN3 in the order of their bytes; "." is none.
var tcvn3 = map[byte]string{
	0xA1: "ĂÂÊÔƠƯĐăâêôơưđ",
	0xB5: "àảãáạ.ằẳẵắ",
	0xC6: "ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ",
}

var (
	tcvnLetters = func() (letters [256]rune) {
		for from, row := range tcvn3 {
			i := int(from)
			for _, r := range row {
				if r != '.' {
					letters[i] = r
				}
				i++
			}
		}
		return letters
	}()
	vietnamese = func() map[rune]bool {
		set := map[rune]bool{}
		for _, r := range tcvnLetters {
			if r != 0 {
				set[unicode.ToLower(r)] = true
			}
		}
		return set
	}()
)

func fromTCVN3(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/4)
	for _, c := range raw {
		switch {
		case c < 0x80:
			out = append(out, c)
		case tcvnLetters[c] != 0:
			out = utf8.AppendRune(out, tcvnLetters[c])
		default:
			out = utf8.AppendRune(out, utf8.RuneError)
		}
	}
	return out
}
