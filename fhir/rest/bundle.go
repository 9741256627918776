package rest

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// bundle is a Bundle that is being written: its parts are appended in order (total, links, entries), the resources as
// the bytes that are stored.
type bundle struct {
	buf     *buffer
	links   int
	entries int
}

func newBundle(typ string) *bundle {
	b := &bundle{buf: buffers.get()}
	b.buf.b = append(b.buf.b, `{"resourceType":"Bundle","type":"`...)
	b.buf.b = append(append(b.buf.b, typ...), '"')
	return b
}

// reserve makes room at once for entries with documents of so many bytes in all: a large page would be copied again and again as
// it grows.
func (b *bundle) reserve(base string, entries, size int) {
	b.buf.b = slices.Grow(b.buf.b, size+entries*(len(base)+300)) // 300: id twice, type, what stands around
}

func (b *bundle) total(n int) {
	b.buf.b = strconv.AppendInt(append(b.buf.b, `,"total":`...), int64(n), 10)
}

func (b *bundle) link(relation, url string) {
	if b.links++; b.links == 1 {
		b.buf.b = append(b.buf.b, `,"link":[`...)
	} else {
		b.buf.b = append(b.buf.b, ',')
	}
	b.buf.b = appendQuoted(append(b.buf.b, `{"relation":`...), relation)
	b.buf.b = append(appendQuoted(append(b.buf.b, `,"url":`...), url), '}')
}

// open begins an entry.
func (b *bundle) open() {
	if b.links > 0 {
		b.buf.b, b.links = append(b.buf.b, ']'), 0
	}
	if b.entries++; b.entries == 1 {
		b.buf.b = append(b.buf.b, `,"entry":[{`...)
	} else {
		b.buf.b = append(b.buf.b, `,{`...)
	}
}

// fullURL is the first member of an entry.
func (b *bundle) fullURL(base string, key fhir.Key) {
	b.buf.b = appendQuoted(append(b.buf.b, `"fullUrl":`...), base)
	b.buf.b = append(append(b.buf.b[:len(b.buf.b)-1], '/'), key.Type...) // names of types and ids need no quoting
	b.buf.b = append(append(append(b.buf.b, '/'), key.ID...), '"')
}

// entry adds a resource that a search found.
func (b *bundle) entry(base string, f store.Found, show show, mode string) {
	b.open()
	b.fullURL(base, f.Key)
	b.buf.b = append(b.buf.b, `,"resource":`...)
	b.buf.b = show.append(b.buf.b, f)
	b.buf.b = append(b.buf.b, `,"search":{"mode":"`...)
	b.buf.b = append(append(b.buf.b, mode...), `"}}`...)
}

// contained adds what stands at place n, from 1 on, of the contained resources of a version: its URL is that of the resource
// around it and its id there. What the caller may not see of it is not there.
// Source: https://hl7.org/fhir/R4/search.html#contained
func (b *bundle) contained(base string, f store.Found, n int, show show) {
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return
	}
	for v := range doc.Root().Get("contained").Elements() {
		if n--; n > 0 {
			continue
		}
		id, _ := v.ID()
		b.open()
		b.buf.b = appendQuoted(append(b.buf.b, `"fullUrl":`...), base+"/"+f.Key.String()+"#"+id)
		b.buf.b = append(b.buf.b, `,"resource":`...)
		if def := r4.Resource(v.ResourceType()); show.whole() || def == nil {
			b.buf.b = append(b.buf.b, v.Raw()...)
		} else {
			b.buf.b = show.subset(b.buf.b, v, def)
		}
		b.buf.b = append(b.buf.b, `,"search":{"mode":"match"}}`...)
		return
	}
}

// outcome adds what the caller should know about the search itself.
func (b *bundle) outcome(o outcome.Outcome) {
	b.open()
	b.buf.b = append(b.buf.b, `"resource":`...)
	b.buf.b = o.AppendJSON(b.buf.b)
	b.buf.b = append(b.buf.b, `,"search":{"mode":"outcome"}}`...)
}

// end closes the bundle and gives its text.
func (b *bundle) end() *buffer {
	if b.links > 0 {
		b.buf.b = append(b.buf.b, ']')
	}
	if b.entries > 0 {
		b.buf.b = append(b.buf.b, ']')
	}
	b.buf.b = append(b.buf.b, '}')
	return b.buf
}

func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // what is not UTF-8 becomes U+FFFD
	return dst
}
