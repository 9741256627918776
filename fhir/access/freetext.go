package access

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir/search"
)

// told is what persons are told by, to be found again in what somebody wrote freely.
type told struct {
	names   []fullName
	lines   [][]word // addresses and workplaces, found as they stand
	numbers []string // letters and digits alone, in upper case; addresses of e-mail in lower case
	short   []string // numbers of few digits, found as a word of their own
}

// What stands where something of a person stood.
const (
	hiddenName   = "[tên bị che]"
	hiddenLine   = "[địa chỉ bị che]"
	hiddenNumber = "[số bị che]"
)

// shortestNumber is how many digits a number of digits has at least to be found however it is divided: of fewer, amounts and dates would be
// taken for it. With shortestWord it is found where it stands as it is, such as the record number of a hospital.
const (
	shortestNumber = 9
	shortestWord   = 7
)

// word is a run of letters, digits and "_".
type word struct {
	text     string
	from, to int // bytes of the text around it
	fold     string
	dot      bool // a full stop follows
	near     bool // next to the word before: nothing but space is between them, or next to nothing
}

func wordsIn(text string) (all []word) {
	from, before, space := -1, 0, true
	var room [64]byte
	end := func(at int) {
		if from < 0 {
			return
		}
		w := word{text: text[from:at], from: from, to: at, dot: at < len(text) && text[at] == '.', near: space || from-before <= 3}
		before, space = at, true
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

// close says whether a word of a text is this word of a name, also alone or beside one other: "thì hạ" is not Thị Hạ.
func (w word) close(name word) bool {
	return w.plain() || w.toned() == name.toned() || name.plain() && w.capital()
}

// initial says whether w is a name's word shortened, as in Ng. V. Thử.
func (w word) initial(name word) bool {
	return w.dot && len(w.fold) <= 2 && w.capital() && strings.HasPrefix(name.fold, w.fold)
}

// titles come before a given name that stands alone, plainTitles where nobody typed diacritics. Given names are words of the language, so
// without one they stay.
var (
	titles      = setOf("ông bà anh chị cô chú bác dì cậu cháu bé em con mẹ má bố ba cha vợ chồng trẻ cụ thím mợ tên nhân bn mr mrs ms pt patient name")
	plainTitles = setOf("ong ba chi co chu bac chau be me bo vo chong tre cu ten nhan")
)

func setOf(words string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		all[w] = true
	}
	return all
}

func (w word) title() bool {
	return titles[strings.ToLower(w.text)] || w.plain() && plainTitles[w.fold]
}

// fullName is a name, taken apart once: it is looked for in many texts. A Vietnamese name ends with the given name.
type fullName struct {
	words []word
	whole string // all words, folded, without spaces
	plain bool   // nobody typed diacritics in any of them
}

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
			}
			return
		}
		t.numbers = append(t.numbers, number)
		for _, prefix := range []string{"84", "0"} { // a telephone, as it is dialled from abroad and at home
			if rest, ok := strings.CutPrefix(digits, prefix); ok && len(rest) == shortestNumber {
				t.numbers = append(t.numbers, "84"+rest, "0"+rest, rest)
			}
		}
	case len(number) >= 6 && strings.ContainsAny(number, "0123456789"):
		t.numbers = append(t.numbers, number)
		if onlyDigits && len(digits) > 10 { // an insurance card ends with the number of social insurance
			t.numbers = append(t.numbers, digits[len(digits)-10:])
		}
	}
}

func (t *told) empty() bool { return len(t.names)+len(t.lines)+len(t.numbers)+len(t.short) == 0 }

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

// in finds a name: three of its words or more in any order, with or without diacritics and the spaces between them; of two the given name
// must be one; the given name behind a title; and all words of one that nobody typed diacritics in.
func (n *fullName) in(words []word) (places []place) {
	for i := 0; i < len(words); i++ {
		if len(n.words) > 1 && len(n.whole) >= longEnough && len(words[i].fold) >= len(n.whole) &&
			strings.Contains(strings.ReplaceAll(words[i].fold, " ", ""), n.whole) { // NguyenVanThu_1.pdf; "_" folds to a space
			places = append(places, place{words[i].from, words[i].to, hiddenName})
			continue
		}
		parts, most := n.run(words[i:])
		for count := most; count > 0; count-- {
			here := words[i : i+count]
			if n.means(here, parts[:count]) || count == 1 && i > 0 && n.givenBehind(words[i-1], here[0], parts[0]) {
				places = append(places, place{here[0].from, here[count-1].to, hiddenName})
				i += count - 1
				break
			}
		}
	}
	return places
}

// longEnough is how many letters words of a name have that are known where they are typed together, alone and in small letters: "hoan" is
// not Ho An.
const longEnough = 8

// part says which words of a name a word of a text is: one, or several typed together.
type part struct {
	first, last uint8
	initial     bool // of the first one alone
}

// run gives how many words, from the first one on and next to each other, are words of the name, each used once, and which.
func (n *fullName) run(words []word) (parts [mostWords]part, count int) {
	var used uint16
	for count < min(len(words), len(n.words)) && (count == 0 || words[count].near) {
		p, ok := n.part(words[count], used)
		if !ok {
			break
		}
		for k := p.first; k <= p.last; k++ {
			used |= 1 << k
		}
		parts[count] = p
		count++
	}
	return parts, count
}

func (n *fullName) part(w word, used uint16) (p part, ok bool) {
	for k, m := range n.words {
		if used&(1<<k) == 0 && w.fold == m.fold {
			return part{uint8(k), uint8(k), false}, true
		}
	}
	for k, m := range n.words {
		if used&(1<<k) == 0 && w.initial(m) {
			return part{uint8(k), uint8(k), true}, true
		}
	}
	for k := range n.words {
		rest := w.fold
		for j := k; j < len(n.words) && used&(1<<j) == 0 && strings.HasPrefix(rest, n.words[j].fold); j++ {
			if rest = rest[len(n.words[j].fold):]; rest == "" {
				return part{uint8(k), uint8(j), false}, true
			}
		}
	}
	return part{}, false
}

// close says whether a word that is a part of the name is that also alone or beside one other.
func (n *fullName) close(w word, p part) bool {
	if p.first == p.last {
		return slices.ContainsFunc(n.words, func(m word) bool { return w.fold == m.fold && w.close(m) })
	}
	var all word
	for _, m := range n.words[p.first : p.last+1] {
		all.text, all.fold = all.text+m.text, all.fold+m.fold
	}
	return w.close(all)
}

// given says whether a word that is a part of the name is the given name, or ends with it.
func (n *fullName) given(w word, p part) bool {
	given := n.words[len(n.words)-1]
	if p.first == p.last {
		return w.fold == given.fold && w.close(given)
	}
	return int(p.last) == len(n.words)-1 && n.close(w, p)
}

// means says whether words that stand together mean the person.
func (n *fullName) means(words []word, parts []part) bool {
	count, whole, initials, ordered, given := 0, true, false, true, false
	for i, p := range parts {
		count += int(p.last-p.first) + 1
		initials = initials || p.initial
		ordered = ordered && (i == 0 || p.first > parts[i-1].last)
	}
	if len(words) == 1 && count > 1 && len(words[0].fold) < longEnough && !words[0].capitalWithin() {
		return false
	}
	if count >= 3 && !initials {
		return true
	}
	for i, p := range parts {
		whole = whole && (p.initial || n.close(words[i], p))
		given = given || n.given(words[i], p)
	}
	if count >= 2 {
		return whole && given || n.plain && count == len(n.words) && ordered && !initials
	}
	return len(n.words) == 1 && given && words[0].capital() && len(words[0].fold) > 1
}

// givenBehind says whether w is the given name behind a title.
func (n *fullName) givenBehind(title, w word, p part) bool {
	return n.given(w, p) && w.capital() && w.near && title.title()
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

// shortIn finds a number of few digits, where it is a word of its own.
func shortIn(words []word, number string) (places []place) {
	for _, w := range words {
		if w.fold == number {
			places = append(places, place{w.from, w.to, hiddenNumber})
		}
	}
	return places
}

// numberIn finds a number however it is divided. One with letters of its own ends where they do: BN000001 is not in BN0000012.
func numberIn(text, numbers string, at []int, number string) (places []place) {
	if strings.Contains(number, "@") {
		low := strings.ToLower(text)
		if len(low) != len(text) {
			return nil
		}
		for from := 0; ; {
			i := strings.Index(low[from:], number)
			if i < 0 {
				return places
			}
			places = append(places, place{from + i, from + i + len(number), hiddenNumber})
			from += i + len(number)
		}
	}
	bounded := strings.Trim(number, "0123456789") != "" && len(number) < 15
	for from := 0; ; {
		i := strings.Index(numbers[from:], number)
		if i < 0 {
			return places
		}
		first, last := at[from+i], at[from+i+len(number)-1]
		from += i + len(number)
		if bounded && (joins(text[:first], utf8.DecodeLastRuneInString) || joins(text[last+1:], utf8.DecodeRuneInString)) {
			continue
		}
		places = append(places, place{first, last + 1, hiddenNumber})
	}
}

func joins(text string, next func(string) (rune, int)) bool {
	r, _ := next(text)
	return text != "" && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}
