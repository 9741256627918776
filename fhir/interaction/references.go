package interaction

import (
	"context"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// link is a string of a document that is replaced before it is stored.
type link struct {
	at   resource.Value
	text string // as it was sent; a second decision starts from it again
}

// collectCriteria finds the conditional references in v, contained resources included: Reference.reference with the
// text Type?criteria.
func collectCriteria(v resource.Value) []link {
	var links []link
	for r := range v.Strings("reference") {
		if text := r.Text(); isCriteria(text) {
			links = append(links, link{r, text})
		}
	}
	return links
}

// isCriteria says whether a reference is a conditional one. "Patient?" is one too: its criteria are empty, which is refused.
func isCriteria(text string) bool {
	if strings.IndexByte(text, '?') <= 0 {
		return false
	}
	ref := fhir.ParseReference(text)
	return ref.Key.Type != "" && ref.Key.ID == ""
}

// resolve puts the key of the one match in the place of each conditional reference and gives the preconditions that hold
// it there until the commit; and which of them the caller did not know before.
func (s *Service) resolve(ctx context.Context, links []link) (guards []store.Precondition, introduced map[fhir.Key]bool, err error) {
	if len(links) == 0 {
		return nil, nil, nil
	}
	r := s.newResolver()
	for _, l := range links {
		key, err := r.key(ctx, l)
		if err != nil {
			return nil, nil, err
		}
		l.at.ReplaceString(key.String())
	}
	return r.guards, r.introduced, nil
}

// resolver looks each distinct criteria text up once, all as of one commit.
type resolver struct {
	s      *Service
	at     fhir.T // 0 = not asked yet
	known  map[string]fhir.Key
	guards []store.Precondition

	introduced map[fhir.Key]bool
}

func (s *Service) newResolver() *resolver {
	return &resolver{s: s, known: map[string]fhir.Key{}, introduced: map[fhir.Key]bool{}}
}

// key gives what the conditional reference l points at. Errors name the element: "reference-none", "reference-many".
func (r *resolver) key(ctx context.Context, l link) (fhir.Key, error) {
	if key, ok := r.known[l.text]; ok {
		return key, nil
	}
	ref := fhir.ParseReference(l.text)
	cond, err := r.s.bindCriteria(ctx, ref.Key.Type, ref.Query)
	if err != nil {
		return fhir.Key{}, within(l.at.Path(), err)
	}
	if r.at == 0 {
		if r.at, err = r.s.store.Head(ctx); err != nil {
			return fhir.Key{}, err
		}
	}
	found, err := r.s.atMostTwo(ctx, cond, r.at)
	switch {
	case err != nil:
		return fhir.Key{}, err
	case len(found) == 0:
		key, guard, ok, err := r.s.introduced(ctx, cond, r.at)
		if err == nil && !ok {
			err = fhir.Errorf(fhir.Precondition, "reference-none", l.at.Path(), string(cond.typ))
		}
		if err != nil {
			return fhir.Key{}, err
		}
		r.known[l.text], r.introduced[key] = key, true
		r.guards = append(r.guards, guard)
		return key, nil
	case len(found) > 1:
		return fhir.Key{}, fhir.Errorf(fhir.Precondition, "reference-many", l.at.Path(), string(cond.typ))
	}
	key := found[0].Key
	r.known[l.text] = key
	r.guards = append(r.guards, store.OneMatch{Query: cond.query, Key: key})
	return key, nil
}
