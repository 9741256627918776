package access

import (
	"slices"
	"strings"
)

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
