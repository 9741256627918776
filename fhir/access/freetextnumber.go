package access

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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
