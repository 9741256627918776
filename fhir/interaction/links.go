package interaction

import (
	"context"
	"errors"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// linker knows the references within a transaction: those to its entries, by fullUrl, and those by criteria. They are
// found once, by one scan of the tape; each decision then puts the keys in.
//
// Replaced are Reference.reference, elements of type uri, url, oid and uuid that equal a fullUrl (such as an attachment's),
// and href and src in narratives; never a string such as an identifier's value, nor a canonical. A Bundle as an entry's
// resource is left alone: its links are its own. Source: https://hl7.org/fhir/R4/http.html#trules
type linker struct {
	entries map[string]int  // entry by fullUrl
	bases   map[string]bool // of fullUrls such as http://host/fhir/Patient/1: relative references may mean them
	links   []bundleLink
}

// bundleLink is one string to be replaced: by the key of an entry, by that of the one match of criteria, or, in a
// narrative, piece by piece.
type bundleLink struct {
	link
	from, to  int // entries: of the string, and the one it points at (-1 = criteria or narrative)
	narrative bool
}

// link finds the links, at the first decision, and puts the keys of this one in.
func (tx *transaction) link(ctx context.Context) (err error) {
	if tx.links == nil {
		if tx.links, err = tx.newLinker(); err != nil {
			return err
		}
	}
	if err := tx.point(ctx, tx.links.links); err != nil {
		return err
	}
	for i, e := range tx.entries {
		if e.verb == Patch && tx.changes[i] != nil { // made by this decision
			links, err := tx.links.find(tx, i, tx.changes[i].value, nil)
			if err != nil {
				return err
			}
			if err := tx.point(ctx, links); err != nil {
				return err
			}
		}
	}
	return nil
}

// newLinker indexes the fullUrls and scans the resources.
func (tx *transaction) newLinker() (*linker, error) {
	l := &linker{entries: make(map[string]int, len(tx.entries)), bases: map[string]bool{}}
	for i, e := range tx.entries {
		if e.fullURL == "" {
			continue
		}
		if first, twice := l.entries[e.fullURL]; twice {
			return nil, fhir.Errorf(fhir.Invalid, "fullurl-twice", e.path(".fullUrl"), first)
		}
		l.entries[e.fullURL] = i
		if ref := fhir.ParseReference(e.fullURL); ref.Key.ID != "" && ref.Base != "" {
			l.bases[ref.Base] = true
		}
	}
	for i, e := range tx.entries {
		if e.verb != Post && e.verb != Put {
			continue
		}
		var err error
		if l.links, err = l.find(tx, i, e.resource, l.links); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// find appends the links of entry i's resource.
func (l *linker) find(tx *transaction, i int, res resource.Value, links []bundleLink) ([]bundleLink, error) {
	if res.ResourceType() == "Bundle" {
		return links, nil
	}
	base := ""
	if len(l.bases) > 0 {
		base = fhir.ParseReference(tx.entries[i].fullURL).Base
	}
	for v := range res.Strings() {
		switch raw := v.Raw(); {
		case v.Name() == "reference":
			text := v.Text()
			to, ok := l.entry(text, base)
			switch {
			case ok:
			case isCriteria(text):
				to = -1
			case strings.HasPrefix(text, "urn:uuid:") || strings.HasPrefix(text, "urn:oid:"):
				return nil, fhir.Errorf(fhir.Invalid, "reference-unresolved", v.Path())
			default:
				continue
			}
			links = append(links, bundleLink{link: link{v, text}, from: i, to: to})
		case len(raw) > 5 && (raw[1] == 'u' && raw[2] == 'r' && raw[3] == 'n' || len(l.bases) > 0 && raw[1] == 'h'):
			if to, ok := l.entries[v.Text()]; ok && isURI(v) {
				links = append(links, bundleLink{link: link{v, v.Text()}, from: i, to: to})
			}
		case v.Name() == "div":
			if text := v.Text(); l.inNarrative(text) {
				links = append(links, bundleLink{link: link{v, text}, from: i, to: -1, narrative: true})
			}
		}
	}
	return links, nil
}

// entry gives the entry that a reference points at; base is that of the entry which holds the reference.
func (l *linker) entry(text, base string) (int, bool) {
	if i, ok := l.entries[text]; ok {
		return i, true
	}
	if base == "" || strings.Contains(text, ":") {
		return 0, false
	}
	i, ok := l.entries[base+"/"+text]
	return i, ok
}

// reference gives what the conditional reference l points at once all entries are done: in the store less what the bundle
// deletes or writes over, or among what it writes.
func (tx *transaction) reference(ctx context.Context, l link) (fhir.Key, error) {
	if key, ok := tx.references[l.text]; ok {
		return key, nil
	}
	ref := fhir.ParseReference(l.text)
	cond, err := tx.s.bindCriteria(ctx, ref.Key.Type, ref.Query)
	if err != nil {
		return fhir.Key{}, within(l.at.Path(), err)
	}
	cond.path = l.at.Path()
	entry, match, err := tx.matching(ctx, cond, func(int) bool { return true })
	e, refused := errors.AsType[*fhir.Error](err)
	var key fhir.Key
	switch {
	case refused && e.Code == codeCriteriaMany:
		return key, fhir.Errorf(fhir.Precondition, "reference-many", l.at.Path(), string(cond.typ))
	case err != nil:
		return key, within(l.at.Path(), err)
	case entry >= 0:
		key = tx.changes[entry].key
	case match != nil:
		key = match.Key
	default:
		introduced, guard, ok, err := tx.s.introduced(ctx, cond, tx.at)
		if err == nil && (!ok || tx.deleted[introduced]) {
			err = fhir.Errorf(fhir.Precondition, "reference-none", l.at.Path(), string(cond.typ))
		}
		if err != nil {
			return key, err
		}
		key = introduced
		tx.introduced[key] = true
		tx.require = append(tx.require, guard)
	}
	tx.references[l.text] = key
	return key, nil
}

// point puts the final text into each link.
func (tx *transaction) point(ctx context.Context, links []bundleLink) error {
	texts := make(map[int]string) // "Type/id" by entry, made once
	textOf := func(i int) (string, bool) {
		if text, ok := texts[i]; ok {
			return text, true
		}
		key, ok := tx.keyOf(i)
		if ok {
			texts[i] = key.String()
		}
		return texts[i], ok
	}
	for _, l := range links {
		switch {
		case l.narrative:
			l.at.ReplaceString(tx.links.narrative(l.text, textOf))
		case l.to >= 0:
			text, ok := textOf(l.to)
			if !ok {
				return fhir.Errorf(fhir.Invalid, "reference-unresolved", l.at.Path())
			}
			l.at.ReplaceString(text)
		default:
			key, err := tx.reference(ctx, l.link)
			if err != nil {
				return err
			}
			l.at.ReplaceString(key.String())
		}
	}
	return nil
}

// isURI says whether the definition of v's element makes it a uri, url, oid or uuid.
func isURI(v resource.Value) bool {
	var names []string
	for {
		if name := v.Name(); name != "" {
			names = append(names, name)
		}
		if v = v.Parent(); v.Kind() == resource.None {
			return false
		}
		if v.Kind() == resource.Object && v.ResourceType() != "" {
			break
		}
	}
	def := r4.Resource(v.ResourceType())
	for i := len(names) - 1; def != nil; i-- {
		e := def.Element(names[i])
		if e == nil {
			return false
		}
		if i == 0 {
			return e.Primitive == r4.URI || e.Primitive == r4.URL || e.Primitive == r4.OID || e.Primitive == r4.UUID
		}
		def = e.Struct
	}
	return false
}

// attributes of a narrative that hold links.
var attributes = [...]string{`href="`, `src="`}

// inNarrative says whether a narrative links to an entry.
func (l *linker) inNarrative(div string) bool {
	if !strings.Contains(div, `="urn:`) && len(l.bases) == 0 {
		return false
	}
	found := false
	l.eachLink(div, func(string, int) { found = true })
	return found
}

// narrative gives div with the links to entries replaced.
func (l *linker) narrative(div string, textOf func(int) (string, bool)) string {
	l.eachLink(div, func(url string, to int) {
		if text, ok := textOf(to); ok {
			for _, a := range attributes {
				div = strings.ReplaceAll(div, a+url+`"`, a+text+`"`)
			}
		}
	})
	return div
}

// eachLink calls f for each href or src of div that is a fullUrl.
func (l *linker) eachLink(div string, f func(url string, to int)) {
	for _, a := range attributes {
		for rest := div; ; {
			_, after, ok := strings.Cut(rest, a)
			if !ok {
				break
			}
			url, tail, ok := strings.Cut(after, `"`)
			if !ok {
				break
			}
			if to, ok := l.entries[url]; ok {
				f(url, to)
			}
			rest = tail
		}
	}
}
