package access

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// shownAsDocument are the types whose attachments are what somebody cites who cites the resource, such as a scanned discharge paper: of
// other types, scans and files that cannot be read here are left out.
var shownAsDocument = map[fhir.Type]bool{"Claim": true, "DocumentReference": true, "Media": true, "DiagnosticReport": true}

var attachmentMembers = map[string]bool{"id": true, "extension": true, "contentType": true, "language": true, "data": true, "url": true,
	"size": true, "hash": true, "title": true, "creation": true}

// isAttachment says whether v is an Attachment, by its members: it has what is attached, or where that is, and nothing that others have.
func isAttachment(v resource.Value) bool {
	if v.Get("data").Kind() != resource.String && v.Get("url").Kind() != resource.String {
		return false
	}
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		if !attachmentMembers[strings.TrimPrefix(m.Name(), "_")] {
			return false
		}
	}
	holder := v.Name()
	if holder == "" {
		holder = v.Parent().Name()
	}
	return !strings.HasSuffix(strings.ToLower(holder), "extension")
}

// attachment writes an attachment of which something is hidden; false if there is nothing to hide.
func (w *redactor) attachment(v resource.Value) bool {
	if !w.mask.hides("name") {
		return false
	}
	data, readable := readableText(v)
	text, found := "", false
	if readable {
		text, found = hide(data, w.told)
	}
	url, _ := hide(v.Get("url").Text(), w.told)
	moved := url != v.Get("url").Text()
	gone := !readable && !w.cited
	if !found && !moved && !gone {
		return false
	}
	w.left = true
	first := true
	w.out = append(w.out, '{')
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		switch name := strings.TrimPrefix(m.Name(), "_"); {
		case name == "hash" || name == "size": // of what was attached
			continue
		case name == "url" && (moved || gone), name == "data" && gone:
			continue
		case name == "extension" && gone:
			continue
		case name == "data" && found && m.Name() == "data":
			w.member("data", &first)
			w.out, _ = jsontext.AppendQuote(w.out, base64.StdEncoding.EncodeToString([]byte(text)))
			continue
		}
		w.member(m.Name(), &first)
		w.value(m)
	}
	if gone || first {
		w.member("extension", &first)
		w.out = append(w.out, "["+absent+"]"...)
	}
	w.out = append(w.out, '}')
	return true
}

// readableText is what is attached, where it is text in which names stand as they are written; what has escapes of characters is not.
func readableText(v resource.Value) (string, bool) {
	data := v.Get("data")
	media, _, _ := strings.Cut(strings.ToLower(v.Get("contentType").Text()), ";")
	media = strings.TrimSpace(media)
	structured := strings.HasSuffix(media, "xml") || strings.HasSuffix(media, "json") || media == "text/html"
	if data.Kind() != resource.String || !structured && media != "text/plain" && media != "text/csv" && media != "text/markdown" {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Text()), ""))
	if err != nil || !utf8.Valid(raw) {
		return "", false
	}
	if text := string(raw); !structured || !strings.Contains(text, "&#") && !strings.Contains(text, `\u`) && !(media == "text/html" && strings.Contains(text, "&")) {
		return text, true
	}
	return "", false
}

// named are members whose text is no words, or is what a machine finds something by: identifiers are hidden by their element.
var named = map[string]bool{"resourceType": true, "id": true, "url": true, "system": true, "reference": true, "profile": true, "contentType": true, "data": true}

// text writes a string, without what tells of a person.
func (w *redactor) text(v resource.Value) {
	if len(w.told) > 0 && len(v.Raw()) > 2+2 {
		name := v.Name()
		if name == "" {
			name = v.Parent().Name()
		}
		if !named[name] && !(name == "value" && v.Parent().Get("system").Kind() == resource.String) {
			if text, found := hide(v.Text(), w.told); found {
				w.left = true
				w.out, _ = jsontext.AppendQuote(w.out, text)
				return
			}
		}
	}
	w.out = append(w.out, v.Raw()...)
}
