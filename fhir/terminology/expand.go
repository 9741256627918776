package terminology

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// expansion is one run over a value set and what it imports.
type expansion struct {
	r     *Resolver
	cache *cache
	path  []string // canonicals that are being expanded, from the outermost
	done  map[string]Set
	spent int // codes that were gone through
}

// spend counts codes against Limits.Codes.
func (e *expansion) spend(codes int) error {
	if e.spent += codes; e.spent > e.r.limits.Codes {
		return fhir.Errorf(fhir.TooCostly, "valueset-too-costly", "", e.path[0], e.r.limits.Codes)
	}
	return nil
}

// set expands the value set of a canonical.
func (e *expansion) set(ctx context.Context, canonical string) (Set, error) {
	if s, ok := e.done[canonical]; ok {
		return s, nil
	}
	if slices.Contains(e.path, canonical) || len(e.path) >= e.r.limits.Depth {
		return Set{}, fhir.Errorf(fhir.Invalid, "valueset-loop", "", canonical, strings.Join(append(e.path, canonical), " > "))
	}
	e.path = append(e.path, canonical)
	defer func() { e.path = e.path[:len(e.path)-1] }()
	d, err := e.r.definition(ctx, canonical)
	if err != nil {
		return Set{}, err
	}
	s, err := e.follow(ctx, d)
	if err != nil {
		return Set{}, err
	}
	s.url = canonical
	e.done[canonical] = s
	return s, nil
}

// follow gives the set of a definition: by its compose, or, where that cannot be done here, by its expansion.
func (e *expansion) follow(ctx context.Context, d definition) (Set, error) {
	switch {
	case d.composed:
		s, err := e.compose(ctx, d)
		if err == nil || d.expansion == nil || !elsewhere(err) {
			return s, err
		}
	case d.expansion == nil:
		return Set{}, fhir.Errorf(fhir.Invalid, "valueset-empty-definition", "", d.url)
	}
	return e.compose(ctx, definition{url: d.url, include: d.expansion})
}

// elsewhere tells errors that say: another server, which knows more, could do it.
func elsewhere(err error) bool {
	f, ok := errors.AsType[*fhir.Error](err)
	return ok && slices.Contains([]string{"codesystem-unknown", "codesystem-without-hierarchy", "code-unknown", "filter-unsupported", "valueset-unknown"}, f.Code)
}

func (e *expansion) compose(ctx context.Context, d definition) (s Set, err error) {
	for _, i := range d.include {
		one, err := e.include(ctx, d, i)
		if err != nil {
			return Set{}, err
		}
		if err := e.spend(s.Len() + one.Len()); err != nil {
			return Set{}, err
		}
		if err := s.add(one); err != nil {
			return Set{}, err
		}
		if len(s.parts) > maxSystems {
			return Set{}, fhir.Errorf(fhir.TooCostly, "valueset-too-costly", "", d.url, maxSystems)
		}
	}
	for _, x := range d.exclude {
		one, err := e.include(ctx, d, x)
		if err != nil {
			return Set{}, err
		}
		if err := e.spend(s.Len()); err != nil {
			return Set{}, err
		}
		if s, err = s.but(one); err != nil {
			return Set{}, err
		}
	}
	if d.activeOnly {
		for n := range s.parts {
			in := s.parts[n].in
			s.parts[n].in = in.where(func(i int32) bool { return in.t.flags[i]&flagInactive == 0 })
		}
	}
	return s, nil
}

// include gives the codes of one include or exclude: those of the system that are in all imports.
func (e *expansion) include(ctx context.Context, d definition, i include) (s Set, err error) {
	if i.system != "" || len(i.concepts) > 0 {
		p, err := e.system(ctx, d, i)
		if err != nil {
			return Set{}, err
		}
		s.parts = []part{p}
	}
	for n, canonical := range i.imports {
		one, err := e.set(ctx, canonical)
		if err != nil {
			return Set{}, err
		}
		if err := e.spend(one.Len()); err != nil {
			return Set{}, err
		}
		if n == 0 && s.parts == nil {
			s.parts = slices.Clone(one.parts)
			continue
		}
		if s, err = s.and(one); err != nil {
			return Set{}, err
		}
		if s.parts == nil {
			s.parts = []part{} // empty, and not "none yet"
		}
	}
	return s, nil
}

// system gives what an include takes of its code system.
func (e *expansion) system(ctx context.Context, d definition, i include) (part, error) {
	p := part{system: i.system}
	if len(i.concepts) > 0 {
		if err := e.spend(len(i.concepts)); err != nil {
			return p, err
		}
		b := newBuilder(i.system, "", e.r.limits)
		for _, c := range i.concepts {
			if _, err := b.add(c.code, c.display, -1); err != nil {
				return p, err
			}
		}
		p.in = allOf(b.finish())
		return p, nil
	}
	t, err := e.r.table(ctx, e.cache, i.system, i.version)
	if err != nil {
		return p, err
	}
	if t == nil {
		if len(i.filters) > 0 {
			return p, fhir.Errorf(fhir.Invalid, "codesystem-unknown", "", i.system)
		}
		p.open = true
		return p, nil
	}
	p.in = allOf(t)
	for _, f := range i.filters {
		if err := e.spend(p.in.n + 1); err != nil {
			return p, err
		}
		c, err := t.filter(f, d.url)
		if err != nil {
			return p, err
		}
		p.in = p.in.and(c)
	}
	return p, nil
}
