package search

import (
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Indexed is what a document can be found by: its own entries, and those of each resource in its element contained, in
// their order there.
type Indexed struct {
	Entries   []Entry
	Contained []Contained
}

// Contained is what one contained resource can be found by. Its id is an entry of _id; it has no version and no commit of
// its own, so ParamLastUpdated is that of the resource around it.
type Contained struct {
	Type    fhir.Type
	Entries []Entry // as those of a document
}

// Inside says whether a Query finds resources on their own or contained ones.
// Source: https://hl7.org/fhir/R4/search.html#contained
type Inside uint8

const (
	OnTheirOwn Inside = iota
	// ContainedThemselves finds each contained resource for which all conditions hold: the match names the resource around
	// it, and its place there.
	ContainedThemselves
	// ContainedIn finds the resources around those, each once, at the place in the order of the first of what it contains.
	ContainedIn
)

// What _contained and _containedType take. They say what is searched, so they are read before the other parameters.
var (
	containedValues = map[string]bool{"false": false, "true": true, "both": true}
	containedTypes  = map[string]Inside{"container": ContainedIn, "contained": ContainedThemselves}
)

// contained binds _contained and _containedType, which were read before.
func (b *binder) contained(_ fhir.Type, p Parameter) (err error) {
	if err := b.once(p); err != nil {
		return err
	}
	if p.Name == "_contained" {
		_, err = choose(p, containedValues)
	} else {
		_, err = choose(p, containedTypes)
	}
	return err
}

// insideToo binds the parameters of a search that may be for contained resources, alone or as well.
func (b *binder) insideToo(t fhir.Type, params []Parameter) (Request, error) {
	which, shown := "false", ContainedIn
	for _, p := range params {
		switch p.Key() {
		case "_contained":
			which = p.Value
		case "_containedType":
			shown = containedTypes[p.Value]
		}
	}
	if b.inside = which == "true"; b.inside {
		b.req.Query.Inside = shown
	}
	if err := b.all(t, params); err != nil || which != "both" {
		return b.finish(), err
	}
	in := newBinder(t, b.o)
	in.inside, in.o.Now = true, b.o.Now
	if err := in.all(t, params); err != nil {
		return Request{}, err
	}
	out := b.finish()
	q := in.req.Query
	if q.Inside = shown; shown == ContainedIn {
		own := out.Query
		own.Sort = nil
		q.Besides = &own
	}
	out.Inside = &q
	return out, nil
}

// notInside refuses what cannot be asked of contained resources: nothing outside of their container names them.
func notInside(name string) error {
	return fhir.Errorf(fhir.Invalid, "search-contained", "", name)
}

// onTheirOwn refuses searches for contained resources among several types.
func onTheirOwn(params []Parameter) error {
	if slices.ContainsFunc(params, func(p Parameter) bool { return p.Name == "_contained" && p.Value != "false" }) {
		return fhir.Errorf(fhir.Invalid, "search-contained", "http._contained", "_type")
	}
	return nil
}
