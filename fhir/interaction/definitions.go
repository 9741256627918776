package interaction

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
)

// definitions are the search parameters in force at one moment. They do not change.
type definitions struct {
	state    []byte // the record search.RegisteredState that they belong to; nil = there is none
	counter  search.Registrations
	added    []search.Registered // by number, those that were dropped included
	registry *r4.Registry        // those whose index is not whole are pending
	index    *index.Index
	built    []uint16
}

// parameters keeps the definitions that were asked for last. mu guards last; the store is not asked under it.
type parameters struct {
	builder store.ParamBuilder // nil: no parameters can be added
	options index.Options
	state   recent[[]byte] // the record search.RegisteredState
	mu      sync.Mutex
	last    *definitions
}

func newParameters(st store.Store, o index.Options) *parameters {
	p := &parameters{options: o, last: &definitions{index: index.New(o), counter: search.Registrations{Next: r4.FirstCustom}}}
	if b, ok := st.(store.ParamBuilder); ok && b.BuildsParams() {
		p.builder = b
	}
	return p
}

// definitions gives the search parameters that are in force now: the store is asked each time, since other servers may
// change them as well.
func (s *Service) definitions(ctx context.Context) (*definitions, error) {
	p := s.params
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	if p.builder == nil {
		return last, nil
	}
	for {
		state, err := p.state.get(ctx, s.store, search.RegisteredSpace, func() ([]byte, error) {
			state, _, err := s.store.Record(ctx, search.RegisteredSpace, search.RegisteredState)
			return state, err
		})
		if err != nil {
			return nil, err
		}
		built := p.builder.BuiltParams()
		if bytes.Equal(state, last.state) && slices.Equal(built, last.built) {
			return last, nil
		}
		next := *last
		if !bytes.Equal(state, last.state) {
			if next, err = s.readDefinitions(ctx, state); err != nil {
				return nil, err
			}
			again, _, err := s.store.Record(ctx, search.RegisteredSpace, search.RegisteredState)
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(state, again) {
				continue // somebody changed them while they were read
			}
		}
		next.built = built
		var pending []uint16
		for _, one := range next.registry.Added() {
			if !slices.Contains(built, one.ID) {
				pending = append(pending, one.ID)
			}
		}
		next.registry = next.registry.Pending(pending...)
		p.mu.Lock()
		p.last = &next
		p.mu.Unlock()
		return &next, nil
	}
}

func (s *Service) readDefinitions(ctx context.Context, state []byte) (definitions, error) {
	d := definitions{state: state, counter: search.Registrations{Next: r4.FirstCustom}}
	if err := json.Unmarshal(state, &d.counter); err != nil {
		return d, fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("record of search parameters: %w", err))
	}
	for r, err := range s.store.Records(ctx, search.RegisteredSpace, search.RegisteredFrom, search.RegisteredTo) {
		if err != nil {
			return d, err
		}
		g, err := search.ReadRegistered(r.Value)
		if err != nil {
			return d, fhir.Wrap(fhir.Internal, "store-damaged", err)
		}
		d.added = append(d.added, g)
	}
	var err error
	if d.registry, err = search.InForce(d.added); err != nil {
		return d, err
	}
	o := s.params.options
	o.Registry = d.registry
	d.index = index.New(o)
	return d, nil
}

// Registry gives the search parameters that are in force now.
func (s *Service) Registry(ctx context.Context) (*r4.Registry, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	return d.registry, nil
}

// ParamStatus is what became of one base of a SearchParameter resource.
type ParamStatus struct {
	Param    *r4.SearchParam
	Progress store.BuildProgress
}

// ParamStatus gives the parameters that the SearchParameter resource with that id defines, and how far their index is. It is
// empty for one that is not in force; parameters that it defined before are listed as long as their rows are being removed.
func (s *Service) ParamStatus(ctx context.Context, id fhir.ID) ([]ParamStatus, error) {
	key := fhir.Key{Type: searchParameter, ID: id}
	var out []ParamStatus
	_, readErr := s.store.Read(ctx, key, 0)
	if e, ok := errors.AsType[*fhir.Error](readErr); readErr != nil && !(ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound && id == contentResource)) {
		return nil, readErr
	}
	d, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range d.added {
		if g.Resource != id && !(id == contentResource && g.Resource == "") || s.params.builder == nil {
			continue
		}
		if p := s.params.builder.ParamProgress(g.Param.ID); p.State != store.BuildUnknown {
			out = append(out, ParamStatus{g.Param, p})
		}
	}
	if out == nil {
		return nil, readErr // of a deleted one nothing is left to tell
	}
	return out, nil
}

// percent says how far the index of a parameter is.
func (s *Service) percent(number uint16) int {
	if s.params.builder == nil {
		return 0
	}
	return s.params.builder.ParamProgress(number).Percent()
}
