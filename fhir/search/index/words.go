package index

import (
	"html"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// wordParams are the parameters of _text and _content.
var wordParams = sync.OnceValue(func() (p struct{ text, content search.ParamID }) {
	p.text = search.ParamID(r4.Param("Patient", "_text").ID)
	p.content = search.ParamID(r4.Param("Patient", "_content").ID)
	return p
})

// words adds the words of the narrative and, if the index has them, of the whole document.
func (x *Indexer) words(t fhir.Type, root resource.Value) {
	if x.index.o.Text == TextNone {
		return
	}
	if div := root.Get("text").Get("div"); div.Kind() == resource.String {
		x.plain = appendWithoutTags(x.plain[:0], div.Text())
		x.wordsOf(wordParams().text, string(x.plain))
	}
	if x.index.o.Text != TextContent {
		return
	}
	start := len(x.refs)
	for s := range root.Strings() {
		switch s.Name() {
		case "resourceType", "id", "reference", "system", "url", "fullUrl", "data", "hash", "contentType", "versionId", "lastUpdated":
			continue
		case "div":
			x.plain = appendWithoutTags(x.plain[:0], s.Text())
			x.wordsOf(wordParams().content, string(x.plain))
		default:
			x.wordsOf(wordParams().content, s.Text())
		}
		if len(x.refs)-start > search.MaxWords {
			return
		}
	}
}

func (x *Indexer) wordsOf(p search.ParamID, text string) {
	n := 0
	x.room = search.AppendWords(x.room, text, func(word []byte) {
		if n++; n > search.MaxWords {
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
