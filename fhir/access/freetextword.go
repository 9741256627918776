package access

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir/search"
	"golang.org/x/text/unicode/norm"
)

// word is a run of letters, digits and "_".
type word struct {
	text     string
	from, to int // bytes of the text around it
	fold     string
	dot      bool // a full stop follows
	near     bool // next to the word before: nothing but space is between them, or next to nothing
	open     bool // nothing but space or a colon is between it and the word before
}

func wordsIn(text string) (all []word) {
	from, before, space, open := -1, 0, true, true
	var room [64]byte
	end := func(at int) {
		if from < 0 {
			return
		}
		w := word{text: text[from:at], from: from, to: at, dot: at < len(text) && text[at] == '.', near: space || from-before <= 3, open: open}
		before, space, open = at, true, true
		if w.fold = string(search.AppendFolded(room[:0], w.text, 0)); w.fold != "" {
			all = append(all, w)
		}
		from = -1
	}
	for i, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_':
			if from < 0 {
				from = i
			}
		case from >= 0 && strings.ContainsRune("'’ʼ", r): // H'Hen
		default:
			end(i)
			space = space && unicode.IsSpace(r)
			open = open && (unicode.IsSpace(r) || r == ':')
		}
	}
	end(len(text))
	return all
}

// plain says that nobody typed diacritics: then the word may stand for one with any.
func (w word) plain() bool { return strings.EqualFold(w.text, w.fold) }

func (w word) capital() bool {
	r, _ := utf8.DecodeRuneInString(w.text)
	return unicode.IsUpper(r)
}

// capitals says whether w has two letters or more and no small one: then its capital letter tells nothing.
func (w word) capitals() bool {
	return utf8.RuneCountInString(w.text) > 1 && !strings.ContainsFunc(w.text, unicode.IsLower)
}

// capitalWithin says whether words are typed together with capital letters, as in LeNa.
func (w word) capitalWithin() bool {
	small := strings.IndexFunc(w.text, unicode.IsLower)
	return small >= 0 && strings.ContainsFunc(w.text[small:], unicode.IsUpper)
}

// toned is the word in lower case with its tones at the end, since they are typed on either of two vowels (hoà, hòa).
func (w word) toned() string {
	var letters, tones []rune
	for _, r := range norm.NFD.String(strings.ToLower(w.text)) {
		if strings.ContainsRune("\u0300\u0301\u0303\u0309\u0323", r) {
			tones = append(tones, r)
			continue
		}
		letters = append(letters, r)
	}
	return string(append(letters, tones...))
}

// spelt says whether w is a word of a name but for letter case and diacritics: i may be y where it is the only vowel (Mĩ, Mỹ).
func (w word) spelt(name word) bool {
	if w.fold == name.fold {
		return true
	}
	end := len(w.fold) - 1
	return end > 0 && end == len(name.fold)-1 && w.fold[:end] == name.fold[:end] && strings.IndexByte("iy", w.fold[end]) >= 0 && strings.IndexByte("iy", name.fold[end]) >= 0 &&
		(strings.IndexByte("aeiou", w.fold[end-1]) < 0 || strings.HasSuffix(w.fold[:end], "qu"))
}

// close says whether a word of a text is this word of a name, also alone or beside one other: "thì hạ" is not Thị Hạ.
func (w word) close(name word) bool {
	return w.plain() || w.toned() == name.toned() || name.plain() && w.capital() || w.fold != name.fold && withI(w.toned()) == withI(name.toned())
}

func withI(toned string) string { return strings.ReplaceAll(toned, "y", "i") }

// initial says whether w is a name's word shortened, as in Ng. V. Thử.
func (w word) initial(name word) bool {
	return w.dot && len(w.fold) <= 2 && w.capital() && strings.HasPrefix(name.fold, w.fold)
}
