package main

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store"
)

// recorded is the hook that keeps how far a claim is, what reviews of it came to and what reconciliation found to the server: to
// whoever reads claims such a Task or DetectedIssue of somebody else would look like one of these. What the insurer decided is of
// types that the policy lets nobody write.
func recorded(local func(reference string) (fhir.Key, bool)) interaction.Hook {
	isClaim := func(reference string) bool {
		key, ok := local(reference)
		return ok && key.Type == "Claim"
	}
	return func(ctx context.Context, w interaction.Write) (none interaction.Additions, err error) {
		if w.Ours || w.Method == store.MethodDelete || access.Calling(ctx) == nil {
			return none, nil
		}
		switch w.Key.Type {
		case "Task":
			if isClaim(w.Doc.Get("focus").Get("reference").Text()) {
				return none, fhir.Errorf(fhir.Denied, "claim-recorded", "Task.focus")
			}
			for on := range w.Doc.Get("basedOn").Elements() {
				if isClaim(on.Get("reference").Text()) {
					return none, fhir.Errorf(fhir.Denied, "claim-recorded", on.Path())
				}
			}
		case "DetectedIssue":
			for c := range w.Doc.Get("code").Get("coding").Elements() {
				if c.Get("code").Text() == "reconciliation" {
					return none, fhir.Errorf(fhir.Denied, "claim-recorded", c.Path())
				}
			}
		}
		return none, nil
	}
}
