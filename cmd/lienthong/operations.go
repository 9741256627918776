package main

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// called is what a link on a page says.
func called(english, vietnamese string) map[outcome.Language]string {
	return map[outcome.Language]string{outcome.English: english, outcome.Vietnamese: vietnamese}
}

// operations are what a person and an auditor can do about a claim on its way:
//
//	POST Task/{id}/$resolve        decide about a claim that is unknown; answers with the Task
//	GET  Claim/{id}/$sync-status   each version with each attempt to send it, as Parameters
//	GET  Claim/{id}/$attempt       what one attempt sent, or what came back
//	GET  Encounter/{id}/$sync-status, $attempt   the same of a check-in
//	POST Claim/$precheck           what the pre-checks find about the Claim in the body, before it is stored
//	GET  Claim/{id}/$precheck      the same about a Claim that is stored; both answer with Parameters
//	GET  Patient/{id}/$access-report   who looked at a record
//
// The first is for those who may change Tasks and read this one, the second for those who may read the claim.
func operations(n *node, base string) []rest.Operation {
	return []rest.Operation{accessReport(n, base), {
		Name: "resolve", Type: "Task", Instance: true, Definition: base + "/fhir/OperationDefinition/Task-resolve",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			if store.FenceOf(ctx).Grant("Task", store.ActionUpdate).None() {
				return nil, fhir.Errorf(fhir.Denied, "access-denied", "", "Task", store.ActionUpdate.String())
			}
			if _, err := n.outbox.ResolveParameters(ctx, a.Key.ID, a.Body); err != nil {
				return nil, err
			}
			f, err := n.store.Read(ctx, a.Key, 0)
			if err != nil {
				return nil, err
			}
			return f.Stored.Append(nil, f.Version, f.At), nil
		},
	}, {
		Name: "sync-status", Type: "Claim", Instance: true, Reads: true, Names: cases.Names, Codes: cases.Codes, Link: called("Delivery", "Quá trình gửi"), Definition: base + "/fhir/OperationDefinition/Claim-sync-status",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			// Of a deleted claim as well.
			if _, err := n.store.Read(ctx, a.Key, 0); err != nil && !gone(err) {
				return nil, err
			}
			body, err := n.outbox.StatusParameters(ctx, a.Key.ID)
			if err != nil {
				return nil, err
			}
			return access.Answer(ctx, n.store, a.Key, body)
		},
	}, attemptBody(n, base), checkInStatus(n, base), checkInBody(n, base), precheckStored(n, base), precheckSent(n, base)}
}

// gone says that there was a resource, which the caller may know.
func gone(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Kind == fhir.Gone
}
