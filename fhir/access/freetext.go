package access

import (
	"slices"
	"strings"
	"unicode"
)

// told is what persons are told by, to be found again in what somebody wrote freely.
type told struct {
	names   []fullName
	lines   [][]word // addresses and workplaces, found as they stand
	numbers []string // letters and digits alone, in upper case; addresses of e-mail in lower case
	short   []string // numbers of few digits, found as a word of their own, or behind letters
	labeled []string // numbers that much else may be, in small letters, found behind a word that says what they are
}

// What stands where something of a person stood.
const (
	hiddenName   = "[tên bị che]"
	hiddenLine   = "[địa chỉ bị che]"
	hiddenNumber = "[số bị che]"
)

// shortestNumber is how many digits a number of digits has at least to be found however it is divided: of fewer, amounts and dates would be
// taken for it. With shortestWord it is found where it stands as it is, such as the record number of a hospital; of fewer only where the
// words before say that it is one.
const (
	shortestNumber = 9
	shortestWord   = 7
	longNumber     = 15 // from here on also within other letters and digits
)

// name takes a name, written in full.
func (t *told) name(text string) {
	n := fullName{words: wordsIn(text), plain: true}
	for _, w := range n.words {
		if strings.ContainsFunc(w.text, unicode.IsDigit) {
			t.line(text)
			return
		}
		n.whole += w.fold
		n.plain = n.plain && w.plain()
	}
	if len(n.words) > 0 && len(n.words) <= mostWords {
		t.names = append(t.names, n)
	}
}

// mostWords is how many words a name has at most.
const mostWords = 10

// line takes an address; of fewer than three words much else may be meant.
func (t *told) line(text string) {
	if words := wordsIn(text); len(words) >= 3 {
		t.lines = append(t.lines, words)
	}
}

// number takes a number of a person, a telephone or an address of e-mail.
func (t *told) number(text string) {
	if name, domain, ok := strings.Cut(strings.TrimSpace(text), "@"); ok {
		if name != "" && domain != "" {
			t.numbers = append(t.numbers, strings.ToLower(strings.TrimSpace(text)))
		}
		return
	}
	number, _ := compact(text)
	number = strings.ReplaceAll(number, "\x00", "")
	digits := strings.TrimLeft(number, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	switch onlyDigits := strings.Trim(digits, "0123456789") == ""; {
	case len(digits) == len(number) && onlyDigits:
		if len(digits) < shortestNumber {
			if len(digits) >= shortestWord {
				t.short = append(t.short, number)
			} else if number != "" {
				t.labeled = append(t.labeled, number)
			}
			return
		}
		t.numbers = append(t.numbers, number)
		for _, prefix := range []string{"84", "0"} { // a telephone, as it is dialled from abroad and at home
			if rest, ok := strings.CutPrefix(digits, prefix); ok && len(rest) == shortestNumber {
				t.numbers = append(t.numbers, "84"+rest, "0"+rest, rest)
			}
		}
	case !strings.ContainsAny(number, "0123456789"):
	case len(number) < 6: // as K29 and B12 are
		t.labeled = append(t.labeled, strings.ToLower(number))
	default:
		t.numbers = append(t.numbers, number)
		if len(number) < longNumber {
			t.labeled = append(t.labeled, strings.ToLower(number)) // typed together with what it is
		}
		if onlyDigits && len(digits) > 10 { // an insurance card ends with the number of social insurance
			t.numbers = append(t.numbers, digits[len(digits)-10:])
		}
	}
}

func (t *told) empty() bool {
	return len(t.names)+len(t.lines)+len(t.numbers)+len(t.short)+len(t.labeled) == 0
}

// compact is a text with its ASCII letters, in upper case, and digits alone; what may stand within a number is left out, all else
// is a 0 byte. at are the places of its bytes.
func compact(text string) (string, []int) {
	out, at := make([]byte, 0, len(text)), make([]int, 0, len(text)+1)
	for i, r := range text {
		c := byte(0)
		switch {
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			c = byte(r)
		case r >= 'a' && r <= 'z':
			c = byte(r) - 'a' + 'A'
		case unicode.IsSpace(r) || strings.ContainsRune(".-–/()+", r):
			continue
		}
		out, at = append(out, c), append(at, i)
	}
	return string(out), at
}

// place is a part of a text that is hidden.
type place struct {
	from, to int
	says     string
}

// hide gives a text without what tells of persons; found is false if it is as it was.
func hide(text string, all []*told) (out string, found bool) {
	var places []place
	words := wordsIn(text)
	numbers, at := "", []int(nil)
	for _, t := range all {
		for i := range t.names {
			places = append(places, t.names[i].in(words)...)
		}
		for _, l := range t.lines {
			places = append(places, linesIn(words, l)...)
		}
		if len(t.numbers) > 0 && at == nil && strings.ContainsAny(text, "0123456789@") {
			numbers, at = compact(text)
		}
		for _, n := range t.numbers {
			places = append(places, numberIn(text, numbers, at, n)...)
		}
		for _, n := range t.short {
			places = append(places, shortIn(words, n)...)
		}
		for _, n := range t.labeled {
			places = append(places, labeledIn(words, n)...)
		}
	}
	if len(places) == 0 {
		return text, false
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.from != b.from {
			return a.from - b.from
		}
		if a.to != b.to {
			return b.to - a.to
		}
		return strings.Compare(a.says, b.says)
	})
	var b strings.Builder
	end := 0
	for _, p := range places {
		if p.from >= end {
			b.WriteString(text[end:p.from])
			b.WriteString(p.says)
		}
		end = max(end, p.to)
	}
	b.WriteString(text[end:])
	return b.String(), true
}

// linesIn finds the words of a line as they stand.
func linesIn(words []word, line []word) (places []place) {
	for i := 0; i+len(line) <= len(words); i++ {
		here := words[i : i+len(line)]
		if slices.EqualFunc(here, line, func(a, b word) bool { return a.fold == b.fold }) {
			places = append(places, place{here[0].from, here[len(here)-1].to, hiddenLine})
			i += len(line) - 1
		}
	}
	return places
}
