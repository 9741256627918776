package facility

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Facilities has what the decision needs; all fields are required.
type Facilities struct {
	Store   store.Store
	Systems identity.Systems
	// Of gives the facility whose numbers are of an identifier system: of its episodes, or of rows of their files.
	Of func(system string) (code string, ok bool)
	// Local gives the resource of this server that a reference names.
	Local func(reference string) (fhir.Key, bool)
	// Any says whether the policy lets a role write of any facility.
	Any func(access.Role) bool
}

// Hook refuses what names a facility that is not the caller's: Denied "facility-foreign", or "facility-none" if he has none.
// What he sent before a facility was taken from him he can call off, and delete. It is an interaction.Hook.
func (f Facilities) Hook(ctx context.Context, w interaction.Write) (none interaction.Additions, err error) {
	if w.Method == store.MethodDelete || w.Ours {
		return none, nil
	}
	names := f.names(w.Doc)
	if w.Before != nil && len(names) > 0 && mayKeep(w.Doc) {
		before, err := resource.New(w.Before.Stored.Body)
		if err != nil {
			return none, err
		}
		had := f.names(before.Root())
		names = slices.DeleteFunc(names, func(n name) bool {
			return slices.ContainsFunc(had, func(h name) bool { return h.code == n.code && h.organization == n.organization })
		})
	}
	return none, f.check(ctx, names, w.With)
}

// mayKeep says of what a caller may leave standing what it said of facilities before: an Organization whose code others gave
// it, and a record that is called off.
func mayKeep(v resource.Value) bool {
	status := v.Get("status").Text()
	return v.ResourceType() == "Organization" || status == "cancelled" || status == "entered-in-error"
}

// Check refuses likewise what is not written: a Claim that is to be checked.
func (f Facilities) Check(ctx context.Context, v resource.Value) error {
	return f.check(store.Ourselves(ctx), f.names(v), nil)
}

// name is a place where a resource names a facility: by code, or by an Organization of this server.
type name struct {
	code         string
	organization fhir.Key
	path         string
}

func (n name) String() string {
	if n.code != "" {
		return n.code
	}
	return n.organization.String()
}

// names gives all places of a resource that name a facility.
func (f Facilities) names(v resource.Value) (all []name) {
	t := string(v.ResourceType())
	for id := range v.Get("identifier").Elements() {
		system, path := id.Get("system").Text(), t+".identifier"
		if code, ok := f.Of(system); ok {
			all = append(all, name{code: code, path: path})
		} else if code := f.code(id); t == "Organization" && code != "" {
			all = append(all, name{code: code, path: path})
		}
	}
	if t != "Claim" {
		return all
	}
	provider := v.Get("provider")
	if code := f.code(provider.Get("identifier")); code != "" {
		all = append(all, name{code: code, path: "Claim.provider.identifier"})
	}
	reference := provider.Get("reference").Text()
	if inside, ok := strings.CutPrefix(reference, "#"); ok {
		for c := range v.Get("contained").Elements() {
			if id, _ := c.ID(); string(id) == inside {
				for _, code := range f.codes(c) {
					all = append(all, name{code: code, path: "Claim.provider"})
				}
			}
		}
	} else if key, ok := f.Local(reference); ok && key.Type == "Organization" {
		all = append(all, name{organization: key, path: "Claim.provider"})
	}
	return all
}

// code is the MA_CSKCB of an identifier; "" if it has none.
func (f Facilities) code(id resource.Value) string {
	if f.Systems.Fold(id.Get("system").Text()) != f.Systems.CSKCB() {
		return ""
	}
	return id.Get("value").Text()
}

// codes are those that an Organization carries.
func (f Facilities) codes(organization resource.Value) (codes []string) {
	for id := range organization.Get("identifier").Elements() {
		if code := f.code(id); code != "" {
			codes = append(codes, strings.Clone(code))
		}
	}
	return codes
}

// check refuses names that are none of the caller's. with gives what the same request writes; nil = nothing.
func (f Facilities) check(ctx context.Context, names []name, with func(fhir.Key) (resource.Value, bool)) error {
	who, found := access.CallerOf(ctx)
	if len(names) == 0 || !found || f.Any(who.Role) {
		return nil
	}
	own, err := f.own(ctx, who)
	if err != nil {
		return err
	}
	for _, n := range names {
		is, err := f.isOwn(ctx, who, own, n, with)
		switch {
		case err != nil:
			return err
		case is:
		case len(own) == 0:
			return fhir.Errorf(fhir.Denied, "facility-none", n.path, n.String())
		default:
			return fhir.Errorf(fhir.Denied, "facility-foreign", n.path, n.String(), strings.Join(own, ", "))
		}
	}
	return nil
}

// own are the codes of the caller's facilities.
func (f Facilities) own(ctx context.Context, who access.Caller) ([]string, error) {
	if who.Facilities != nil || who.Organization == "" {
		return who.Facilities, nil
	}
	return f.stored(ctx, fhir.Key{Type: "Organization", ID: who.Organization})
}

func (f Facilities) isOwn(ctx context.Context, who access.Caller, own []string, n name, with func(fhir.Key) (resource.Value, bool)) (bool, error) {
	if n.code != "" {
		return slices.Contains(own, n.code), nil
	}
	var codes []string
	var err error
	if doc, ok := written(with, n.organization); ok {
		codes = f.codes(doc)
	} else if codes, err = f.stored(ctx, n.organization); err != nil {
		return false, err
	}
	if len(codes) == 0 { // the caller's own, which nobody has given a code yet
		return n.organization.ID == who.Organization && (who.Facilities == nil || len(own) > 0), nil
	}
	return slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(own, code) }), nil
}

func written(with func(fhir.Key) (resource.Value, bool), key fhir.Key) (doc resource.Value, ok bool) {
	if with == nil {
		return doc, false
	}
	return with(key)
}

// CodesOf gives the codes that an Organization carries here.
func (f Facilities) CodesOf(ctx context.Context, organization fhir.ID) ([]string, error) {
	return f.stored(store.Ourselves(ctx), fhir.Key{Type: "Organization", ID: organization})
}

// stored are the codes of an Organization that is there; none of one that is not.
func (f Facilities) stored(ctx context.Context, key fhir.Key) ([]string, error) {
	found, err := f.Store.Read(ctx, key, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := resource.New(found.Stored.Body)
	if err != nil {
		return nil, err
	}
	return f.codes(doc.Root()), nil
}
