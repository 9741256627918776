package main

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// explained is the hook that keeps ExplanationOfBenefits about claims that this server delivers out: what the insurer decided about
// those it says itself, as ClaimResponse, and patients would take another's word for it. What a hospital brings along from elsewhere, about
// no claim of this server or about one that goes to no insurer from here, it may; so may who writes for all facilities, and an import
// beside the server, as of Synthea's records, which has no caller. A claim that is not there and one that the sender does not see are
// refused like one that is delivered.
func (n *node) explained(local func(reference string) (fhir.Key, bool)) interaction.Hook {
	return func(ctx context.Context, w interaction.Write) (none interaction.Additions, err error) {
		who := access.Calling(ctx)
		if w.Ours || w.Method == store.MethodDelete || who == nil || n.policies.AnyFacility(who.Role) {
			return none, nil
		}
		switch w.Key.Type {
		case "ExplanationOfBenefit":
			path, err := n.explains(ctx, w, local)
			if err == nil && path != "" {
				err = fhir.Errorf(fhir.Denied, "claim-recorded", path)
			}
			return none, err
		case "Claim":
			if _, _, wanted := n.outbox.Episode(w.Doc); !wanted || w.Version < 2 {
				return none, nil
			}
			is, err := n.isExplained(store.Ourselves(ctx), w.Key)
			if err == nil && is {
				err = fhir.Errorf(fhir.Denied, "claim-explained", "Claim.identifier")
			}
			return none, err
		}
		return none, nil
	}
}

// explains gives the place where an ExplanationOfBenefit is about a claim that is not the sender's to explain; "" if there is none.
func (n *node) explains(ctx context.Context, w interaction.Write, local func(string) (fhir.Key, bool)) (path string, err error) {
	if response := w.Doc.Get("claimResponse"); response.Kind() != resource.None {
		if _, here := local(response.Get("reference").Text()); here || response.Get("reference").Kind() == resource.None {
			return "ExplanationOfBenefit.claimResponse", nil
		}
	}
	claim := w.Doc.Get("claim")
	if _, episode := n.facilities.Of(claim.Get("identifier").Get("system").Text()); episode {
		return "ExplanationOfBenefit.claim", nil
	}
	key, here := local(claim.Get("reference").Text())
	if !here {
		return "", nil
	}
	delivers, err := n.outbox.Delivers(ctx, key.ID)
	if err != nil || delivers || key.Type != "Claim" {
		return "ExplanationOfBenefit.claim", err
	}
	if doc, with := w.With(key); with {
		if _, _, wanted := n.outbox.Episode(doc); wanted {
			return "ExplanationOfBenefit.claim", nil
		}
		return "", nil
	}
	sees, err := n.senderSees(ctx, key)
	if err != nil || !sees {
		return "ExplanationOfBenefit.claim", err
	}
	return "", nil
}

// isExplained says whether an ExplanationOfBenefit is about a claim.
func (n *node) isExplained(ctx context.Context, claim fhir.Key) (bool, error) {
	term := search.Term{Param: search.ParamID(r4.Param("ExplanationOfBenefit", "claim").ID), Low: search.AppendLocal(nil, "Claim", string(claim.ID)), Exact: true}
	q := search.Query{Type: "ExplanationOfBenefit", Where: []search.Condition{search.Terms{Any: []search.Term{term}}}}
	for _, err := range n.store.Search(ctx, q, 0, store.SearchOptions{Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}
