package interaction

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Verb is Bundle.entry.request.method.
type Verb uint8

const (
	Get Verb = iota + 1
	Head
	Post
	Put
	Patch
	Delete
)

var verbs = map[string]Verb{"GET": Get, "HEAD": Head, "POST": Post, "PUT": Put, "PATCH": Patch, "DELETE": Delete}

// BundleOptions refine a transaction or batch.
type BundleOptions struct {
	Base string // this server's base as the sender sees it: urls of entries may begin with it
	// Read answers a GET or HEAD entry; nil = such entries are refused. In a transaction it must read as of at, so that it
	// sees the writes of the same bundle; in a batch at is 0, the head.
	Read func(ctx context.Context, r ReadEntry, at fhir.T) (ReadAnswer, error)
}

// ReadEntry is a GET or HEAD entry: answers to reads, such as a searchset with its links, are the matter of the room above.
type ReadEntry struct {
	URL             string // relative to the base, such as Patient/1 or Patient?name=x
	IfNoneMatch     string
	IfModifiedSince string
}

// ReadAnswer is what a ReadEntry gave: Body is a resource.
type ReadAnswer struct {
	Body        []byte
	Version     fhir.Version // 0 = none, such as a searchset's
	At          fhir.Instant
	NotModified bool // Body is empty then
}

// Answer is the outcome of one entry, in the place of the entry.
type Answer struct {
	Verb   Verb
	Result Result     // of a write
	Read   ReadAnswer // of a Get or Head
	Err    error      // why this entry failed, of a batch or a read; the other fields but Verb are zero then
}

// entry is one entry of a bundle, read but not decided.
type entry struct {
	n        int
	at       resource.Value
	fullURL  string
	resource resource.Value // zero unless Post, Put, Patch
	verb     Verb
	url      string // relative to the base
	key      fhir.Key
	criteria string // of the url: Type?criteria
	patch    Patcher

	ifNoneExist    string // criteria, "" if none
	ifMatch        *fhir.Version
	ifNoneMatchAny bool
	read           ReadEntry
}

// writes says whether the entry is one that changes something.
func (e *entry) writes() bool { return e.verb != Get && e.verb != Head }

// path is the place of the entry's resource, put before paths within it.
func (e *entry) path(rest string) string { return "Bundle.entry[" + strconv.Itoa(e.n) + "]" + rest }

// parseBundle reads the entries of a bundle of the given type. Faults of single entries go to fault, which may end it all.
func (s *Service) parseBundle(v resource.Value, typ, base string, fault func(n int, err error) error) ([]*entry, error) {
	if _, err := typeOf(v, "Bundle"); err != nil {
		return nil, err
	}
	if got := v.Get("type"); got.Text() != typ {
		return nil, fhir.Errorf(fhir.Invalid, "bundle-type", "Bundle.type", typ)
	}
	if err := knownMembers(v, r4.Resource("Bundle"), "resourceType"); err != nil {
		return nil, err
	}
	list := v.Get("entry")
	switch list.Kind() {
	case resource.None:
		return nil, nil
	case resource.Array:
	default:
		return nil, fhir.Errorf(fhir.Invalid, "bundle-entry", "Bundle.entry")
	}
	n := list.Len()
	if n > s.limits.Entries {
		return nil, fhir.Errorf(fhir.TooLarge, "bundle-too-long", "Bundle.entry", n, s.limits.Entries)
	}
	entries := make([]*entry, 0, n)
	arena := make([]entry, n)
	for v := list.First(); v.Kind() != resource.None; v = v.Next() {
		e := &arena[len(entries)]
		e.n, e.at = len(entries), v
		entries = append(entries, e)
		if err := s.parseEntry(e, base); err != nil {
			if err := fault(e.n, err); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}

// parseEntry reads one entry and its request.
func (s *Service) parseEntry(e *entry, base string) error {
	if e.at.Kind() != resource.Object {
		return fhir.Errorf(fhir.Invalid, "bundle-entry", e.path(""))
	}
	req := e.at.Get("request")
	if req.Kind() != resource.Object {
		return fhir.Errorf(fhir.Invalid, "entry-request", e.path(".request"))
	}
	if err := knownMembers(e.at, r4.Backbone("Bundle.entry"), ""); err != nil {
		return err
	}
	if err := knownMembers(req, r4.Backbone("Bundle.entry.request"), ""); err != nil {
		return err
	}
	e.resource, e.fullURL = e.at.Get("resource"), e.at.Get("fullUrl").Text()
	e.verb = verbs[req.Get("method").Text()]
	if e.verb == 0 {
		return fhir.Errorf(fhir.Invalid, "entry-method", e.path(".request.method"))
	}
	if err := s.parseURL(e, base, req.Get("url").Text()); err != nil {
		return err
	}
	if err := s.parseConditions(e, base, req); err != nil {
		return err
	}
	return s.parseContent(e)
}

// parseURL reads request.url, relative or with this server's own base.
func (s *Service) parseURL(e *entry, base, url string) error {
	if url == "" {
		return fhir.Errorf(fhir.Invalid, "entry-url-missing", e.path(".request.url"))
	}
	bad := func() error { return fhir.Errorf(fhir.Invalid, "entry-url", e.path(".request.url")) }
	url = s.relative(url, base)
	e.url = url
	if e.verb == Get || e.verb == Head {
		if url == "" {
			return bad()
		}
		return nil
	}
	path, criteria, conditional := strings.Cut(url, "?")
	typ, id, hasID := strings.Cut(path, "/")
	e.key.Type, e.criteria = fhir.Type(typ), criteria
	if !r4.IsResource(e.key.Type) {
		return fhir.Errorf(fhir.NotFound, "type-unknown", e.path(".request.url"), typ)
	}
	if hasID {
		parsed, err := fhir.ParseID(id)
		if err != nil {
			return within(e.path(".request.url"), err)
		}
		e.key.ID = parsed
	}
	switch {
	case e.verb == Post && !hasID && conditional:
		return fhir.Errorf(fhir.Invalid, "create-criteria", e.path(".request.url"))
	case e.verb == Post && hasID, // no operations within bundles
		e.verb != Post && hasID == conditional,
		conditional && criteria == "":
		return bad()
	}
	return nil
}

// relative takes this server's own base away from the front of a url.
func (s *Service) relative(url, base string) string {
	for _, own := range []string{base, s.base} {
		if own != "" {
			url = strings.TrimPrefix(url, own)
		}
	}
	return strings.TrimPrefix(url, "/")
}

// parseConditions reads ifMatch, ifNoneMatch, ifNoneExist and ifModifiedSince. What is there must say something.
func (s *Service) parseConditions(e *entry, base string, req resource.Value) error {
	if v := req.Get("ifMatch"); v.Kind() != resource.None {
		text := v.Text()
		v, ok := ParseETag(text)
		if !ok {
			return fhir.Errorf(fhir.Invalid, "etag-invalid", e.path(".request.ifMatch"))
		}
		e.ifMatch = &v
	}
	noneMatch := req.Get("ifNoneMatch").Text()
	e.ifNoneMatchAny = noneMatch == "*" && e.verb == Put
	e.read = ReadEntry{URL: e.url, IfNoneMatch: noneMatch, IfModifiedSince: req.Get("ifModifiedSince").Text()}
	v := req.Get("ifNoneExist")
	if v.Kind() == resource.None {
		return nil
	}
	if e.verb != Post {
		return fhir.Errorf(fhir.Invalid, "entry-if-none-exist", e.path(".request.ifNoneExist"))
	}
	if e.ifNoneExist = trimCriteria(e.key.Type, s.relative(v.Text(), base)); e.ifNoneExist == "" {
		return fhir.Errorf(fhir.Invalid, "search-criteria-empty", e.path(".request.ifNoneExist"))
	}
	return nil
}

// ParseETag reads an entity tag that this server gave out: W/"3", "3" or 3.
func ParseETag(text string) (fhir.Version, bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "W/")
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		text = text[1 : n-1]
	}
	return fhir.ParseVersion(text)
}

// parseContent checks that the entry has the resource that its verb needs.
func (s *Service) parseContent(e *entry) error {
	has := e.resource.Kind() == resource.Object
	switch e.verb {
	case Post, Put:
		if !has {
			return fhir.Errorf(fhir.Invalid, "entry-resource", e.path(".resource"))
		}
		if t := e.resource.ResourceType(); t != e.key.Type {
			return fhir.Errorf(fhir.Invalid, "type-mismatch", e.path(".resource"), string(t), string(e.key.Type))
		}
		if e.verb == Put && e.criteria == "" {
			return sameKey(e.resource, e.key)
		}
	case Patch:
		if has && e.resource.ResourceType() == "Parameters" {
			p, err := s.ParsePathPatch(e.resource)
			e.patch = p
			return within(e.path(".resource"), err)
		}
		if !has || e.resource.ResourceType() != "Binary" || !isJSONPatch(e.resource.Get("contentType").Text()) {
			return fhir.Errorf(fhir.Unsupported, "entry-patch", e.path(".resource"))
		}
		raw, err := base64.StdEncoding.DecodeString(e.resource.Get("data").Text())
		if err != nil {
			return fhir.Wrap(fhir.Invalid, "patch-invalid", err)
		}
		e.patch, err = s.ParseJSONPatch(raw)
		return within(e.path(".resource"), err)
	}
	return nil
}

func isJSONPatch(contentType string) bool {
	contentType, _, _ = strings.Cut(contentType, ";")
	return strings.TrimSpace(contentType) == "application/json-patch+json"
}

// knownMembers refuses a member that the definition does not have: what is not read must not be passed over.
func knownMembers(v resource.Value, def *r4.Struct, also string) error {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		if name := strings.TrimPrefix(c.Name(), "_"); name != also && def.Element(name) == nil {
			return fhir.Errorf(fhir.Unprocessable, "element-unknown", c.Path(), c.Name(), def.Name)
		}
	}
	return nil
}
