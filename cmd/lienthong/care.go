package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/care"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
)

// tries counts what callers try.
func (n *node) tries() *care.Tries {
	return &care.Tries{Store: n.store, Name: n.trail.mask.Hash, Now: time.Now, Log: slog.Default()}
}

// care decides who may say that a patient is in somebody's care.
func (n *node) care(o index.Options, systems identity.Systems) care.Care {
	return care.Care{
		Systems: systems, Local: localTo(o), Tries: n.tries(),
		Sees: n.sees, Decided: n.decided,
		Met: func(ctx context.Context, id fhir.ID) { audit.TrailOf(ctx).Met(id) },
	}
}

// decided says whether a person, under this id of a Patient or another one, has a Consent in force that says who may see the record.
func (n *node) decided(ctx context.Context, id fhir.ID) (bool, error) {
	same, err := n.service.Same(ctx, id)
	if err != nil {
		return false, err
	}
	patients := make([]fhir.Key, len(same))
	for i, id := range same {
		patients[i] = fhir.Key{Type: "Patient", ID: id}
	}
	found, err := n.service.Referring(ctx, patients, 0, math.MaxInt32, interaction.By{Type: "Consent", Param: "patient"})
	if err != nil {
		return false, err
	}
	for _, f := range found[0] {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return false, err
		}
		if search.SpeaksOfAccess(doc.Root()) {
			return true, nil
		}
	}
	return false, nil
}

// sees says whether a caller may see a resource now, without a trace: nobody is shown anything.
func (n *node) sees(ctx context.Context, c access.Caller, key fhir.Key) (bool, error) {
	fence, err := n.fence(ctx, c)
	if err != nil {
		return false, err
	}
	_, err = n.store.Read(audit.WithTrail(store.WithFence(ctx, fence), nil), key, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied) {
		return false, nil
	}
	return err == nil, err
}

// senderSees is sees for whoever sends what a hook is asked about.
func (n *node) senderSees(ctx context.Context, key fhir.Key) (bool, error) {
	who, found := access.CallerOf(ctx)
	if !found { // the server itself, or one that asks nobody who he is
		return true, nil
	}
	return n.sees(ctx, who, key)
}
