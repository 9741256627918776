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
// taken for it. With shortestWord it is found where it stands as it is, such as the record number of a hospital; of fewer only where the words before say that
// it is one.
const (
	shortestNumber = 9
	shortestWord   = 7
	longNumber     = 15 // from here on also within other letters and digits
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

// titles come before a given name that stands alone, plainTitles where nobody typed diacritics. Given names are words of the language, so
// without one they stay.
var (
	titles      = setOf("ông bà anh chị cô chú bác dì cậu cháu bé em con mẹ má bố ba cha vợ chồng trẻ cụ thím mợ tên nhân bn mr mrs ms pt patient name")
	plainTitles = setOf("ong ba chi co chu bac chau be me bo vo chong tre cu ten nhan")
	shortened   = setOf("bn mr mrs ms pt")
	calls       = setOf("ông bà anh chị cô chú bác dì cậu cụ thím mợ mr mrs ms") // by which somebody is called, as nobody is by bệnh nhân
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

// in finds a name: three of its words or more in any order, with any diacritics or none and the spaces between them; of two the given name
// must be one, and another diacritic wants capital letters; the given name behind a title; and all words of one that nobody typed diacritics in.
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
			if n.means(here, parts[:count]) || count == 1 && i > 0 && n.givenBehind(words, i, parts[0]) {
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

// part says which words of a name a word of a text is: one, or several typed together, in the order in which they stand there.
type part struct {
	words   [mostWords]uint8
	count   uint8
	initial bool // of the first one alone
}

func (p *part) all() []uint8 { return p.words[:p.count] }

func one(k int, initial bool) part {
	return part{words: [mostWords]uint8{uint8(k)}, count: 1, initial: initial}
}

// run gives how many words, from the first one on and next to each other, are words of the name, each used once, and which.
func (n *fullName) run(words []word) (parts [mostWords]part, count int) {
	var used uint16
	for count < min(len(words), len(n.words)) && (count == 0 || words[count].near) {
		p, ok := n.part(words[count], used)
		if !ok {
			break
		}
		for _, k := range p.all() {
			used |= 1 << k
		}
		parts[count] = p
		count++
	}
	return parts, count
}

func (n *fullName) part(w word, used uint16) (p part, ok bool) {
	for k, m := range n.words {
		if used&(1<<k) == 0 && w.spelt(m) {
			return one(k, false), true
		}
	}
	for k, m := range n.words {
		if used&(1<<k) == 0 && w.initial(m) {
			return one(k, true), true
		}
	}
	return p, n.joined(w.fold, used, &p)
}

// joined takes apart what is typed together.
func (n *fullName) joined(rest string, used uint16, p *part) bool {
	if rest == "" {
		return p.count > 0
	}
	for k, m := range n.words {
		if used&(1<<k) != 0 || !strings.HasPrefix(rest, m.fold) {
			continue
		}
		p.words[p.count] = uint8(k)
		p.count++
		if n.joined(rest[len(m.fold):], used|1<<k, p) {
			return true
		}
		p.count--
	}
	return false
}

// close says whether a word that is a part of the name is that also alone or beside one other.
func (n *fullName) close(w word, p part) bool {
	if p.count == 1 {
		return slices.ContainsFunc(n.words, func(m word) bool { return w.spelt(m) && w.close(m) })
	}
	var all word
	for _, k := range p.all() {
		m := n.words[k]
		all.text, all.fold = all.text+m.text, all.fold+m.fold
	}
	return w.close(all)
}

// given says whether a word that is a part of the name is the given name, or has it.
func (n *fullName) given(w word, p part) bool {
	given := n.words[len(n.words)-1]
	if p.count == 1 {
		return w.spelt(given) && w.close(given)
	}
	return slices.Contains(p.all(), uint8(len(n.words)-1)) && n.close(w, p)
}

// means says whether words that stand together mean the person.
func (n *fullName) means(words []word, parts []part) bool {
	count, last, initials, ordered := 0, -1, false, true
	for _, p := range parts {
		count += int(p.count)
		initials = initials || p.initial
		for _, k := range p.all() {
			ordered = ordered && int(k) > last
			last = int(k)
		}
	}
	if len(words) == 1 && count > 1 && len(words[0].fold) < longEnough && !words[0].capitalWithin() {
		return false
	}
	if count >= 3 && !initials {
		return true
	}
	if len(words) == 2 && count == 2 && !words[0].capital() && !words[1].capital() && compound(words[0], words[1]) { // tâm thu, of Tâm Thu
		return false
	}
	whole, given, some, capitals := true, false, false, true
	for i, p := range parts {
		close := !p.initial && n.close(words[i], p)
		whole = whole && (p.initial || close)
		some = some || close
		given = given || n.given(words[i], p)
		capitals = capitals && words[i].capital()
	}
	if count >= 2 {
		return whole && given || n.plain && count == len(n.words) && ordered && !initials ||
			capitals && some && !initials && n.givenAmong(parts) // with another tone: Thị Hạ
	}
	return len(n.words) == 1 && given && words[0].capital() && len(words[0].fold) > 1
}

// givenAmong says whether the given name is among parts, with whatever diacritics.
func (n *fullName) givenAmong(parts []part) bool {
	return slices.ContainsFunc(parts, func(p part) bool { return slices.Contains(p.all(), uint8(len(n.words)-1)) })
}

// givenBehind says whether words[i] is the given name behind a title.
func (n *fullName) givenBehind(words []word, i int, p part) bool {
	title, w := words[i-1], words[i]
	given := n.words[len(n.words)-1]
	if p.initial || p.count == 1 && !w.spelt(given) || !w.near || !title.title() {
		return false
	}
	switch is := n.given(w, p); {
	case !w.capital():
		return is && (p.count > 1 || w.toned() == given.toned()) && smallName(words, i)
	case is:
		return !inCapitals(words, i) || !ordinary(words, i)
	}
	return p.count == 1 && calls[strings.ToLower(title.text)] && !ordinary(words, i) // with another tone: chị Hạ
}

// inCapitals says whether words[i] and what is around it is in capital letters, which therefore tell nothing. BN always is.
func inCapitals(words []word, i int) bool {
	return words[i].capitals() && words[i-1].capitals() && (len(words[i-1].text) > 2 || i+1 < len(words) && words[i+1].capitals())
}

// ordinary says whether words[i] behind a title is a word of the language there.
func ordinary(words []word, i int) bool {
	return saidOf[words[i].toned()] || compound(words[i-1], words[i]) || i+1 < len(words) && compound(words[i], words[i+1])
}

// smallName says whether words[i] behind a title is a name though it has no capital letter. Where nobody types diacritics, nobody knows:
// "ba lan" is Mrs Lan, father Lan and three times.
func smallName(words []word, i int) bool {
	title, w := strings.ToLower(words[i-1].text), words[i]
	switch {
	case !titles[title] || titles[strings.ToLower(w.text)] || ordinary(words, i):
		return false
	case !w.open && (!words[i-1].dot || !shortened[title]): // of another sentence
		return false
	case title == "nhân" && (i < 2 || words[i-2].fold != "benh"): // nguyên nhân
		return false
	}
	return slices.ContainsFunc(words, func(w word) bool { return !w.plain() })
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

// shortIn finds a number of few digits, where it is a word of its own or stands behind letters.
func shortIn(words []word, number string) (places []place) {
	for _, w := range words {
		if before, ok := strings.CutSuffix(w.fold, number); ok && strings.Trim(before, "abcdefghijklmnopqrstuvwxyz ") == "" {
			places = append(places, place{w.to - len(number), w.to, hiddenNumber})
		}
	}
	return places
}

// What stands before the number of a person, folded and typed together. Behind clues much else may stand, such as an age: a number there has
// fewestBehindClue characters.
var (
	labels = setOf("mabn mabenhnhan manguoibenh manb sobn sobenhnhan mahoso sohoso mahs sohs mayte mayt madinhdanh sodinhdanh mathe sothe " +
		"pid mrn cccd cmnd cmtnd hochieu passport bhyt bhxh dienthoai sdt")
	clues   = setOf("bn benhnhan nguoibenh nb hs hoso id ma maso so dt")
	fillers = setOf("la so no") // mã bệnh nhân là 1234
)

const (
	fewestBehindClue = 5
	longestLabel     = 4 // words
)

// labeledIn finds a number that much else may be, behind what says that it is one: MABN 1234, mã bệnh nhân: 1234, BN123456.
func labeledIn(words []word, number string) (places []place) {
	for i, w := range words {
		if before, ok := strings.CutSuffix(w.fold, number); ok && labeled(words[:i+1], strings.TrimRight(before, " "), len(number)) {
			places = append(places, place{w.to - len(number), w.to, hiddenNumber})
		}
	}
	return places
}

// labeled says whether a number of so many characters, at the end of the last of words, stands behind its label; before is what that word has
// before it.
func labeled(words []word, before string, characters int) bool {
	first := before == ""
	for k := len(words) - 1; ; k-- {
		if labels[before] || characters >= fewestBehindClue && clues[before] {
			return true
		}
		if k == 0 || !words[k].near || len(words)-k > longestLabel {
			return false
		}
		before = words[k-1].fold + before
		if first && fillers[before] && labeled(words[:k], "", characters) {
			return true
		}
		first = false
	}
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
	bounded := strings.Trim(number, "0123456789") != "" && len(number) < longNumber
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
