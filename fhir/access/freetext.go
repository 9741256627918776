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
	names   [][]word // a Vietnamese name ends with the given name
	lines   [][]word // addresses and workplaces, found as they stand
	numbers []string // letters and digits alone, in upper case; addresses of e-mail in lower case
}

// What stands where something of a person stood.
const (
	hiddenName   = "[tên bị che]"
	hiddenLine   = "[địa chỉ bị che]"
	hiddenNumber = "[số bị che]"
)

// shortestNumber is how many digits a number of digits has at least: of fewer, amounts and dates would be taken for it.
const shortestNumber = 9

// word is a run of letters, digits and "_".
type word struct {
	text     string
	from, to int // bytes of the text around it
	fold     string
	dot      bool // a full stop follows
}

func wordsIn(text string) (all []word) {
	from := -1
	var room [64]byte
	end := func(at int) {
		if from < 0 {
			return
		}
		w := word{text: text[from:at], from: from, to: at, dot: at < len(text) && text[at] == '.'}
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

// name takes a name, written in full.
func (t *told) name(text string) {
	words := wordsIn(text)
	for _, w := range words {
		if strings.ContainsFunc(w.text, unicode.IsDigit) {
			t.line(text)
			return
		}
	}
	if len(words) > 0 && len(words) <= 10 {
		t.names = append(t.names, words)
	}
}

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

func (t *told) empty() bool { return len(t.names)+len(t.lines)+len(t.numbers) == 0 }

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
		for _, n := range t.names {
			places = append(places, namesIn(words, n)...)
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

// namesIn finds a name: three of its words or more in any order, with or without diacritics; of two the given name must be one;
// and the given name behind a title.
func namesIn(words []word, name []word) (places []place) {
	given := len(name) - 1
	whole := ""
	for _, n := range name {
		whole += n.fold
	}
	for i := 0; i < len(words); i++ {
		if len(name) > 1 && len(whole) >= 8 && strings.Contains(strings.ReplaceAll(words[i].fold, " ", ""), whole) { // NguyenVanThu_1.pdf; "_" folds to a space
			places = append(places, place{words[i].from, words[i].to, hiddenName})
			continue
		}
		n := run(words[i:], name)
		for ; n > 0; n-- {
			if meant(words, i, n, name, given) {
				places = append(places, place{words[i].from, words[i+n-1].to, hiddenName})
				i += n - 1
				break
			}
		}
	}
	return places
}

// run is how many words, from the first one on and next to each other, are words of a name, each used once.
func run(words []word, name []word) (n int) {
	var used uint16
	for ; n < len(words) && n < len(name); n++ {
		if n > 0 && words[n].from-words[n-1].to > 3 {
			return n
		}
		k := wordOf(words[n], name, used)
		if k < 0 {
			return n
		}
		used |= 1 << k
	}
	return n
}

func wordOf(w word, name []word, used uint16) int {
	for k, n := range name {
		if used&(1<<k) == 0 && w.fold == n.fold {
			return k
		}
	}
	for k, n := range name {
		if used&(1<<k) == 0 && w.initial(n) {
			return k
		}
	}
	return -1
}

// meant says whether the n words from i on, all of which are words of the name, mean the person.
func meant(words []word, i, n int, name []word, given int) bool {
	here := words[i : i+n]
	if n >= 3 && !slices.ContainsFunc(here, func(w word) bool { return !w.stands(name) }) {
		return true
	}
	hasGiven := slices.ContainsFunc(here, func(w word) bool { return w.fold == name[given].fold && w.close(name[given]) })
	switch {
	case n >= 2:
		return hasGiven && !slices.ContainsFunc(here, func(w word) bool {
			return w.stands(name) && !slices.ContainsFunc(name, func(m word) bool { return w.fold == m.fold && w.close(m) })
		})
	case len(name) == 1:
		return hasGiven && words[i].capital() && len(words[i].fold) > 1
	}
	return hasGiven && words[i].capital() && i > 0 && words[i-1].title() && words[i].from-words[i-1].to <= 3
}

// stands says whether a word is one of the name's as it stands, not by its initial.
func (w word) stands(name []word) bool {
	return slices.ContainsFunc(name, func(m word) bool { return w.fold == m.fold })
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
