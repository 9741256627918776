package main

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
)

// decidable is the hook that refuses a Consent which would not hold as it stands: see access.Undecided.
func decidable(o index.Options) interaction.Hook {
	local := localTo(o)
	return func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Key.Type != "Consent" || w.Method == store.MethodDelete {
			return interaction.Additions{}, nil
		}
		if issues := access.Undecided(w.Doc, local); len(issues) > 0 {
			return interaction.Additions{}, &fhir.Error{Kind: fhir.Unprocessable, Code: "consent-undecided", Issues: issues}
		}
		return interaction.Additions{}, nil
	}
}

// localTo gives what names the resource of this server that a reference means.
func localTo(o index.Options) func(reference string) (fhir.Key, bool) {
	return func(reference string) (fhir.Key, bool) {
		return search.ReferenceKey(search.AppendReference(nil, reference, o.Base, o.Also))
	}
}
