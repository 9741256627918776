package index

import (
	"bytes"
	"html"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// textParam is the parameter of _text.
var textParam = sync.OnceValue(func() search.ParamID { return search.ParamID(r4.Param("Patient", "_text").ID) })

// passed are the names of strings that are no text: references, urls, bytes.
var passed = map[string]bool{
	"resourceType": true, "id": true, "reference": true, "system": true, "url": true, "fullUrl": true, "data": true, "hash": true,
	"contentType": true, "versionId": true, "lastUpdated": true,
}

// words adds the words of the narrative and, if the index has them, of the whole document.
func (x *Indexer) words(root resource.Value) {
	x.known.now++
	if x.index.o.Text == TextNone {
		return
	}
	if div := root.Get("text").Get("div"); div.Kind() == resource.String {
		x.plain = appendWithoutTags(x.plain[:0], div.Text())
		x.wordsOf(textParam(), string(x.plain))
	}
	if x.index.content == 0 {
		return
	}
	start := len(x.refs)
	for s := range root.Strings() {
		name := s.Name()
		if passed[name] {
			continue
		}
		if name == "div" {
			x.plain = appendWithoutTags(x.plain[:0], s.Text())
			x.wordsOf(x.index.content, string(x.plain))
		} else {
			x.wordsOf(x.index.content, s.Text())
		}
		if len(x.refs)-start > search.MaxWords {
			return
		}
	}
}

// wordsOf adds the words of a text that the parameter does not have yet.
func (x *Indexer) wordsOf(p search.ParamID, text string) {
	n := 0
	x.room = search.AppendWords(x.room, text, func(word []byte) {
		if n++; n > search.MaxWords || x.hasWord(p, word) {
			return
		}
		from := len(x.buf)
		x.buf = append(x.buf, word...)
		x.add(p, from)
	})
}

// appendWithoutTags appends the text of XHTML: a tag is a space, entities are what they stand for.
func appendWithoutTags(dst []byte, s string) []byte {
	if strings.IndexByte(s, '&') >= 0 {
		from := len(dst)
		dst = appendWithoutTags(dst, strings.ReplaceAll(s, "&", "\x00"))
		text := html.UnescapeString(strings.ReplaceAll(string(dst[from:]), "\x00", "&"))
		return append(dst[:from], text...)
	}
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(append(dst, s[:i]...), ' ')
		s = s[i:]
		if strings.HasPrefix(s, "<!--") {
			if i = strings.Index(s, "-->"); i >= 0 {
				i += 2
			}
		} else {
			i = tagEnd(s)
		}
		if i < 0 {
			return dst
		}
		s = s[i+1:]
	}
}

// tagEnd finds the > of a tag, passing over quoted attributes.
func tagEnd(s string) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// wordSet tells most words that come again; what it does not tell is sorted out with all other entries. Each place has the
// entry of the word that took it last.
type wordSet struct {
	places [256]struct{ document, ref uint32 }
	now    uint32 // of the documents seen
}

// hasWord says whether the parameter is known to have a word already; if not, the next entry is to be of that word.
func (x *Indexer) hasWord(p search.ParamID, word []byte) bool {
	h := uint32(p)
	for _, c := range word {
		h = (h ^ uint32(c)) * 16777619
	}
	place := &x.known.places[(h^h>>16)&255]
	if place.document == x.known.now && int(place.ref) < len(x.refs) {
		if r := x.refs[place.ref]; r.param == p && bytes.Equal(x.value(r), word) {
			return true
		}
	}
	place.document, place.ref = x.known.now, uint32(len(x.refs))
	return false
}
