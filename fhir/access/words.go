package access

import (
	"bytes"
	"context"
	"unicode/utf8"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Words gives what the caller may see of a text that is kept beside the resource key, such as a message of the portal about a claim: of a
// caller to whom names are shown, all of it. s is a Masked store.
func Words(ctx context.Context, s store.Store, key fhir.Key) (func(string) string, error) {
	hider, ok := hiderOf(ctx).(*mask)
	behind, masked := s.(masked)
	if !ok || !masked {
		return func(text string) string { return text }, nil
	}
	known := persons{mask: hider, ctx: store.Ourselves(ctx), store: behind.Store, known: map[fhir.Key][]*told{}}
	all, err := known.about(key)
	if err != nil {
		return nil, err
	}
	return func(text string) string {
		text, _ = hide(text, all)
		return text
	}, nil
}

// Answer gives a JSON document of ours about key with Words in the place of its texts.
func Answer(ctx context.Context, s store.Store, key fhir.Key, body []byte) ([]byte, error) {
	if hiderOf(ctx) == nil {
		return body, nil
	}
	words, err := Words(ctx, s, key)
	if err != nil {
		return nil, err
	}
	doc, err := resource.New(body)
	if err != nil {
		return nil, err
	}
	eachText(doc.Root(), func(v resource.Value) {
		text := v.Text()
		if shown := words(text); shown != text {
			v.ReplaceString(shown)
		}
	})
	return doc.Root().AppendTo(nil), nil
}

// Untold says whether a body from elsewhere about key, which can be shown as it is or not at all, tells the caller nothing that Words leave out.
// Of what has escapes of characters nobody knows.
func Untold(ctx context.Context, s store.Store, key fhir.Key, body []byte) (bool, error) {
	if hiderOf(ctx) == nil {
		return true, nil
	}
	words, err := Words(ctx, s, key)
	if err != nil {
		return false, err
	}
	if doc, err := resource.New(body); err == nil {
		same := true
		eachText(doc.Root(), func(v resource.Value) { same = same && words(v.Text()) == v.Text() })
		return same, nil
	}
	return utf8.Valid(body) && !bytes.Contains(body, []byte("&#")) && words(string(body)) == string(body), nil
}

func eachText(v resource.Value, do func(resource.Value)) {
	if v.Kind() == resource.String {
		do(v)
		return
	}
	for m := v.First(); m.Kind() != resource.None; m = m.Next() {
		eachText(m, do)
	}
}
