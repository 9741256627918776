package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/reconciliation"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/scheduler"
)

// reconciling makes the reconciler, and gives its job; without a schedule there is none, and it works when it is asked to.
func (n *node) reconciling(sync *bhxh.Sync, g config.Gateway, claims mapping.Systems, log *slog.Logger) []scheduler.Job {
	n.reconciler = reconciliation.New(reconciliation.Config{
		Store: n.store, Outbox: n.outbox, Interactions: n.service, Systems: claims, Client: sync.Client, Calling: sync.Calling,
		Before:   func(ctx context.Context) error { return sync.Ask(ctx, scheduler.Slot{}) },
		Schedule: g.Reconcile, Months: g.ReconcileMonths, Lease: g.Lease, Log: log,
	})
	if g.Reconcile == "" {
		return nil
	}
	return []scheduler.Job{n.reconciler.Job()}
}

// reconcile is the operation POST Claim/$reconcile?facility=51901&from=2026-03&to=2026-05: months, both included; without
// them the current one and those before it that the job looks at. The answer is the report, of which the caller sees
// the findings about claims that he may read, and those about none.
func reconcile(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "reconcile", Type: "Claim", Names: cases.Names, Codes: cases.Codes, Definition: base + "/fhir/OperationDefinition/Claim-reconcile",
		Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			q, plain, err := question(a)
			if err != nil {
				return rest.Content{}, err
			}
			if n.reconciler == nil {
				return rest.Content{}, fhir.Errorf(fhir.Unprocessable, "reconciliation-off", "")
			}
			facility, to := q.Get("facility"), n.reconciler.ThisMonth()
			if facility == "" {
				return rest.Content{}, fhir.Errorf(fhir.Invalid, "case-parameter", "http.facility", "facility")
			}
			from := to - reconciliation.Month(n.reconciler.Months-1)
			for name, at := range map[string]*reconciliation.Month{"from": &from, "to": &to} {
				if text := q.Get(name); text != "" {
					m, ok := reconciliation.ParseMonth(text)
					if !ok {
						return rest.Content{}, fhir.Errorf(fhir.Invalid, "case-parameter", "http."+name, name)
					}
					*at = m
				}
				q.Del(name)
			}
			q.Del("facility")
			if err := nothingElse(q); err != nil {
				return rest.Content{}, err
			}
			rep, err := n.reconciler.Run(ctx, facility, from, to)
			if err != nil {
				return rest.Content{}, err
			}
			shown := rep.Findings[:0]
			for _, f := range rep.Findings {
				if f.Claim != "" {
					_, err := n.store.Read(ctx, fhir.Key{Type: "Claim", ID: f.Claim}, 0)
					if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind != fhir.Gone {
						continue
					}
				}
				shown = append(shown, f)
			}
			rep.Findings = shown
			return inForm(plain, rep, func() []byte { return reconciled(rep) })
		},
	}
}

// reconciled is a report as FHIR.
func reconciled(r reconciliation.Report) []byte {
	type object = resource.ObjectOf
	out := resource.ListOf{object{"name", "facility", "valueString", r.Facility}, object{"name", "from", "valueString", r.From}, object{"name", "to", "valueString", r.To}}
	for _, n := range []struct {
		name string
		n    int
	}{{"records", r.Records}, {"asked", r.Asked}, {"matched", r.Matched}, {"settlements", r.Settlements}, {"settled", r.Settled}, {"revised", r.Revised}, {"opened", r.Opened}, {"closed", r.Closed}} {
		out = append(out, object{"name", n.name, "valueInteger", n.n})
	}
	for _, f := range r.Findings {
		out = append(out, object{"name", "finding", "part", resource.ListOf{
			object{"name", "kind", "valueCode", string(f.Kind)}, object{"name", "issue", "valueReference", object{"reference", f.Issue}},
			object{"name", "here", "valueString", f.Here}, object{"name", "there", "valueString", f.There},
		}})
	}
	return resource.AppendJSON(nil, object{"resourceType", "Parameters", "parameter", out})
}
