package interaction

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// A write of a SearchParameter changes what can be searched by, in the same commit: records of search.RegisteredSpace give
// the parameter of each base its number, and take away those that the resource defined before. A definition that finds
// something else than before gets a new number, so that the index of the one before is never mistaken for its own.
//
// Every commit with documents demands the generation of the definitions that they were indexed by. If it moved, all is
// decided anew: from the commit of a definition on there is no resource without its entries.

const searchParameter fhir.Type = "SearchParameter"

// register adds to c what the writes of SearchParameters among changes do to the parameters in force, and the demand that
// these are still those that the documents were indexed by.
func (s *Service) register(ctx context.Context, changes []*change, c *store.Changes) error {
	if s.params.builder == nil {
		return nil
	}
	var d *definitions
	defines := false
	for _, ch := range changes {
		defines = defines || ch.key.Type == searchParameter
		if ch.isDelete() {
			continue
		}
		if d != nil && !bytes.Equal(d.state, ch.definitions.state) {
			return &refusal{definitionsMoved()}
		}
		d = ch.definitions
	}
	if d == nil && !defines {
		return nil
	}
	if d == nil {
		var err error
		if d, err = s.definitions(ctx); err != nil {
			return err
		}
	}
	c.Require = append(c.Require, store.RecordIs{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: d.state})
	if !defines {
		return nil
	}
	r := registration{next: d.counter.Next, added: slices.Clone(d.added)}
	// What is taken away first makes room for what comes in the same transaction.
	for _, ch := range changes {
		if ch.key.Type == searchParameter && ch.isDelete() {
			r.replace(ch.key.ID, nil)
		}
	}
	for _, ch := range changes {
		if ch.key.Type != searchParameter || ch.isDelete() {
			continue
		}
		if err := r.define(ch.key.ID, ch.value); err != nil {
			return err
		}
	}
	if len(r.changed) == 0 {
		return nil
	}
	c.Records = append(c.Records, r.records()...)
	state, err := json.Marshal(search.Registrations{Generation: d.counter.Generation + 1, Next: r.next})
	if err != nil {
		return fhir.Wrap(fhir.Internal, "search-custom-record", err)
	}
	c.Records = append(c.Records, store.Record{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: state})
	return nil
}

// definitionsMoved is what the commit would say.
func definitionsMoved() error {
	return fhir.Errorf(fhir.Precondition, codeRecordChanged, "", search.RegisteredSpace, search.RegisteredState)
}

// definitionsChanged says whether a commit failed because search parameters changed since its documents were indexed.
func definitionsChanged(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Code == codeRecordChanged && len(e.Args) > 0 && e.Args[0] == search.RegisteredSpace
}

// registration works out one commit's change of the parameters.
type registration struct {
	next    uint16
	added   []search.Registered
	changed []int // places in added
}

// define takes the definition in v for the resource id.
func (r *registration) define(id fhir.ID, v resource.Value) error {
	if v.Get("url").Text() == "" {
		return fhir.Errorf(fhir.Unprocessable, "search-custom-url", "SearchParameter.url", "\"\"")
	}
	if v.Get("status").Text() != "active" {
		r.replace(id, nil)
		return nil
	}
	var others []search.Registered
	for _, g := range r.added {
		if g.Resource == id {
			continue
		}
		others = append(others, g)
		if !g.Dropped && g.Param.URL == v.Get("url").Text() {
			return fhir.Errorf(fhir.Unprocessable, "search-custom-twice", "SearchParameter.url", g.Param.URL, searchParameter+"/"+fhir.Type(g.Resource))
		}
	}
	known, err := search.InForce(others)
	if err != nil {
		return err
	}
	list, err := search.ReadCustom(v, known)
	if err != nil {
		return err
	}
	for _, p := range list {
		for _, c := range p.Components {
			if c.Param.ID >= r4.FirstCustom {
				return fhir.Errorf(fhir.Unprocessable, "search-custom-component-added", "SearchParameter.component", c.Param.Code)
			}
		}
	}
	r.replace(id, list)
	if r.next > r4.LastCustom+1 {
		return fhir.Errorf(fhir.Unprocessable, "search-custom-full", "SearchParameter", r4.LastCustom-r4.FirstCustom+1)
	}
	return nil
}

// replace makes list what the resource id defines. A parameter that stays as it is keeps its number and its index.
func (r *registration) replace(id fhir.ID, list []*r4.SearchParam) {
	kept := make([]bool, len(list))
	for i, g := range r.added {
		if g.Resource != id || g.Dropped {
			continue
		}
		same := slices.IndexFunc(list, func(p *r4.SearchParam) bool { return search.SameParam(p, g.Param) })
		if same >= 0 {
			kept[same] = true
			continue
		}
		r.added[i].Dropped = true
		r.changed = append(r.changed, i)
	}
	for i, p := range list {
		if kept[i] {
			continue
		}
		p.ID = r.next
		r.next++
		r.changed = append(r.changed, len(r.added))
		r.added = append(r.added, search.Registered{Resource: id, Param: p})
	}
}

func (r *registration) records() []store.Record {
	out := make([]store.Record, 0, len(r.changed))
	for _, i := range r.changed {
		if g := r.added[i]; g.Param.ID <= r4.LastCustom {
			out = append(out, store.Record{Space: search.RegisteredSpace, Key: g.Key(), Value: g.Value()})
		}
	}
	return out
}
