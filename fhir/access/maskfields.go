package access

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir/resource"
)

// maskedExtension is what a mask calls extensions by: fields that have no element of their own are hidden by their name, which
// is the end of the extension's URL, wherever such an extension stands.
//
//	mask: {Extension: [HO_TEN, "MA_THE_BHYT last 4"]}
const maskedExtension = "Extension"

// maskFields are names of extensions in upper case, of each how many characters at the end of its text stay.
type maskFields map[string]int

func newMaskFields(in []string) (maskFields, error) {
	out := maskFields{}
	for _, text := range in {
		name, last, err := parseMasked(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", maskedExtension, err)
		}
		if name == "" || strings.ContainsAny(name, " /#:") {
			return nil, fmt.Errorf("%s: %q is not the end of the URL of an extension", maskedExtension, name)
		}
		out[strings.ToUpper(name)] = last
	}
	return out, nil
}

// of says whether v is an extension that is hidden, and how many characters of it stay.
func (f maskFields) of(v resource.Value) (last int, hidden bool) {
	if len(f) == 0 {
		return 0, false
	}
	url := v.Get("url")
	if url.Kind() != resource.String {
		return 0, false
	}
	name := url.Text()
	last, hidden = f[strings.ToUpper(name[strings.LastIndexAny(name, "/#:")+1:])]
	return last, hidden
}

// field writes what is left of an extension that is hidden: its URL, and the end of its text, or of each of several separated by
// ";" as the claim file has cards. What else is in it goes.
func (w *redactor) field(v resource.Value, last int) {
	w.left = true
	first := true
	w.out = append(w.out, '{')
	w.member("url", &first)
	w.value(v.Get("url"))
	left := ""
	if value := v.Get("valueString"); last > 0 && value.Kind() == resource.String {
		parts := strings.Split(value.Text(), ";")
		for i, p := range parts {
			parts[i] = ending(strings.TrimSpace(p), last)
		}
		left = strings.Join(parts, ";")
	}
	if strings.Trim(left, ";") == "" {
		w.member("extension", &first)
		w.out = append(w.out, "["+absent+"]}"...)
		return
	}
	w.member("valueString", &first)
	w.out, _ = jsontext.AppendQuote(w.out, left)
	w.out = append(w.out, '}')
}
