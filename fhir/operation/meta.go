package operation

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// MetaLabels bounds the different profiles, labels and tags that Meta gathers for one type: an index of more is not a list
// to choose from.
const MetaLabels = 10_000

// Meta gives a Parameters resource with the meta of a resource; of a type (key without ID) or of the server (zero key) with
// all the profiles, security labels and tags that are in use. at is the commit to read as of, 0 = the head.
//
// For a type the index tells which values there are, and one resource is read for each; no others are.
// Errors: NotFound, Gone; TooCostly, code "meta-too-many", for more than MetaLabels.
// Source: https://hl7.org/fhir/R4/resource-operation-meta.html
func (s *Service) Meta(ctx context.Context, key fhir.Key, at fhir.T) ([]byte, error) {
	if at == 0 {
		head, err := s.store.Head(ctx)
		if err != nil {
			return nil, err
		}
		at = head
	}
	if key.ID != "" {
		f, err := s.store.Read(ctx, key, at)
		if err != nil {
			return nil, err
		}
		return MetaOf(f.Stored, f.Version, f.At)
	}
	types := []fhir.Type{key.Type}
	if key.Type == "" {
		types = r4.Types()
	}
	u := labels{s: s, at: at, seen: map[label]bool{}}
	for _, t := range types {
		there, err := s.there(ctx, t, at)
		if err != nil {
			return nil, err
		}
		if !there && key.Type == "" {
			continue
		}
		for _, of := range labelParams {
			if err := u.gather(ctx, t, of.param, of.member); err != nil {
				return nil, err
			}
		}
	}
	return u.parameters(), nil
}

// MetaOf gives a Parameters resource with the meta of one version.
func MetaOf(stored resource.Stored, version fhir.Version, at fhir.Instant) ([]byte, error) {
	doc, err := resource.New(stored.Append(nil, version, at))
	if err != nil {
		return nil, err
	}
	return append(append([]byte(metaOpen), doc.Root().Get("meta").Raw()...), metaClose...), nil
}

const (
	metaOpen  = `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":`
	metaClose = `}]}`
)

// ChangeMeta adds to or takes from the meta of a resource, and gives its meta then. A change makes a new version.
func (s *Service) ChangeMeta(ctx context.Context, key fhir.Key, m interaction.MetaChange, o interaction.PatchOptions) (interaction.Result, []byte, error) {
	r, err := s.interactions.Patch(ctx, key, m, o)
	if err != nil {
		return r, nil, err
	}
	out, err := MetaOf(r.Stored, r.Version, r.At)
	return r, out, err
}

// labelParams are the members of meta that are gathered, with the search parameters that index them.
var labelParams = []struct{ member, param string }{{"profile", "_profile"}, {"security", "_security"}, {"tag", "_tag"}}

// label is a profile, or a coding, known by system and code.
type label struct{ member, system, code string }

// labels gathers what is in use.
type labels struct {
	s    *Service
	at   fhir.T
	seen map[label]bool
	text [3][]byte // by labelParams: what goes into the list
}

// gather adds the values of one member of meta for one type.
func (u *labels) gather(ctx context.Context, t fhir.Type, param, member string) error {
	p := r4.Param(t, param)
	if p == nil {
		return nil
	}
	values, err := u.values(ctx, t, search.ParamID(p.ID))
	if err != nil {
		return err
	}
	for value := range values {
		q := search.Query{Type: t, Where: []search.Condition{search.Terms{Name: param, Any: []search.Term{{Param: search.ParamID(p.ID), Low: []byte(value), Exact: true}}}}}
		for m, err := range u.s.store.Search(ctx, q, u.at, store.SearchOptions{Limit: 1}) {
			if err != nil {
				return err
			}
			f, err := u.s.store.Fetch(ctx, m)
			if err != nil {
				return err
			}
			if err := u.add(f, member); err != nil {
				return err
			}
		}
	}
	return nil
}

// values gives the values that the index has for a parameter: a condition that takes none of them is asked about each.
func (u *labels) values(ctx context.Context, t fhir.Type, p search.ParamID) (map[string]bool, error) {
	values := map[string]bool{}
	look := search.Term{Param: p, Accept: func(value []byte) bool {
		if len(values) <= MetaLabels {
			values[string(value)] = true
		}
		return false
	}}
	q := search.Query{Type: t, Where: []search.Condition{search.Terms{Name: "values", Any: []search.Term{look}}}}
	for _, err := range u.s.store.Search(ctx, q, u.at, store.SearchOptions{}) {
		if err != nil {
			return nil, err
		}
	}
	if len(values) > MetaLabels {
		return nil, fhir.Errorf(fhir.TooCostly, "meta-too-many", "", string(t), MetaLabels)
	}
	return values, nil
}

// add adds what one resource has in a member of its meta.
func (u *labels) add(f store.Found, member string) error {
	doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
	if err != nil {
		return err
	}
	for v := range doc.Root().Get("meta").Get(member).Elements() {
		l := label{member: member, code: v.Text()}
		if v.Kind() == resource.Object {
			l.system, l.code = v.Get("system").Text(), v.Get("code").Text()
		}
		if v.Kind() == resource.Null || u.seen[l] {
			continue
		}
		u.seen[l] = true
		for i, of := range labelParams {
			if of.member == member {
				if u.text[i] != nil {
					u.text[i] = append(u.text[i], ',')
				}
				u.text[i] = append(u.text[i], v.Raw()...)
			}
		}
	}
	return nil
}

// parameters writes what was gathered. An empty Meta cannot be written in JSON: then there is no parameter.
func (u *labels) parameters() []byte {
	if len(u.seen) == 0 {
		return []byte(`{"resourceType":"Parameters"}`)
	}
	b := append([]byte(metaOpen), '{')
	for i, of := range labelParams {
		if u.text[i] == nil {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, of.member)
		b = append(append(append(b, ":["...), u.text[i]...), ']')
	}
	return append(append(b, '}'), metaClose...)
}
