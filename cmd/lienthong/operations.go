package main

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// operations are what a person and an auditor can do about a claim on its way:
//
//	POST Task/{id}/$resolve        decide about a claim that is unknown; answers with the Task
//	GET  Claim/{id}/$sync-status   each version with each attempt to send it, as Parameters
//
// There is no access control yet: whoever reaches the server may decide.
func operations(n *node, base string) []rest.Operation {
	return []rest.Operation{{
		Name: "resolve", Type: "Task", Instance: true, Definition: base + "/fhir/OperationDefinition/Task-resolve",
		Run: func(ctx context.Context, key fhir.Key, in resource.Value) ([]byte, error) {
			if _, err := n.outbox.ResolveParameters(ctx, key.ID, in); err != nil {
				return nil, err
			}
			f, err := n.store.Read(ctx, key, 0)
			if err != nil {
				return nil, err
			}
			return f.Stored.Append(nil, f.Version, f.At), nil
		},
	}, {
		Name: "sync-status", Type: "Claim", Instance: true, Reads: true, Definition: base + "/fhir/OperationDefinition/Claim-sync-status",
		Run: func(ctx context.Context, key fhir.Key, _ resource.Value) ([]byte, error) {
			return n.outbox.StatusParameters(ctx, key.ID)
		},
	}}
}
