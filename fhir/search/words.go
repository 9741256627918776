package search

import (
	"bytes"

	"github.com/lienthong/lienthong/fhir/r4"
)

const (
	maxWord = 40 // bytes of a word that are kept
	// MaxWords is how many words of one text are indexed, from its beginning on.
	MaxWords = 4000
)

// ContentParam gives the parameter that is to be added (Registered) for _content to have an index. Without that it is refused:
// the words of whole documents are more entries than all others together.
func ContentParam() *r4.SearchParam {
	p := *r4.Param("Patient", "_content")
	p.ID = 0
	return &p
}

// IsContent says whether a parameter is that of ContentParam.
func IsContent(p *r4.SearchParam) bool {
	return p.ID >= r4.FirstCustom && p.Base == "Resource" && p.Code == "_content"
}

// AppendWords calls add for each word of a text, folded as strings are; a word that comes twice comes twice. add must not
// keep its argument; room is a buffer to work in.
func AppendWords(room []byte, text string, add func(word []byte)) []byte {
	folded := AppendFolded(room[:0], text, 0)
	for rest := folded; len(rest) > 0; {
		word, after, _ := bytes.Cut(rest, []byte(" "))
		if rest = after; len(word) > 0 {
			add(cut(word, 0, maxWord))
		}
	}
	return folded
}

// wordsCondition finds the resources whose text has all words of one of the values; a word with * at its end stands for
// all that begin so. Order and nearness do not count. ok is false if a value has no word.
func wordsCondition(p ParamID, name string, values []string) (c Condition, terms int, ok bool) {
	var any Either
	for _, value := range values {
		var all All
		for _, piece := range bytes.Fields([]byte(unescape(value))) {
			stem, prefix := bytes.CutSuffix(piece, []byte("*"))
			var words [][]byte
			AppendWords(nil, string(stem), func(w []byte) { words = append(words, bytes.Clone(w)) })
			for i, w := range words {
				one := exactly(w)
				if prefix && i == len(words)-1 {
					one = beginning(w)
				}
				all.Of = append(all.Of, Terms{Name: name, Any: []Term{{Param: p, Low: one.low, High: one.high, Exact: one.exact}}})
			}
		}
		terms += len(all.Of)
		switch len(all.Of) {
		case 0:
			return nil, 0, false
		case 1:
			any.Of = append(any.Of, all.Of[0])
		default:
			any.Of = append(any.Of, all)
		}
	}
	if len(any.Of) == 1 {
		return any.Of[0], terms, true
	}
	return any, terms, true
}
