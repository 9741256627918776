package main

import (
	"context"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
)

// senderToHold is as whom the caller of ctx sends a claim or a check-in, to be held against the registrations before it goes out: the server
// itself, who may send for all, and who said his facilities in a token, which is not there to be read again, are held to nothing later.
func (n *node) senderToHold(ctx context.Context) string {
	who := access.Calling(ctx)
	if who == nil || who.Organization == "" || n.policies.AnyFacility(who.Role) || who.Facilities != nil && !who.System {
		return delivery.SenderAny
	}
	return string(who.Organization)
}

// registered says whether, as of now, who sent a claim or a check-in may send for its facility: one of the organization's clients is registered for it, or
// its Organization carries the code where none says otherwise.
func (n *node) registered(ctx context.Context, it bhxh.Sent) (bool, error) {
	if !n.asks || it.Sender == delivery.SenderAny {
		return true, nil
	}
	var clients smart.Clients
	if n.clients != nil {
		clients = n.clients()
	}
	if it.Sender != "" {
		return n.sendsFor(ctx, clients, fhir.ID(it.Sender), it.Facility)
	}
	// Written before senders were noted: whoever of those that may now is it the one who created the resource?
	sent := func(by ...fhir.ID) (bool, error) {
		of := search.Terms{Any: []search.Term{{Param: search.ParamSender}}}
		if by != nil {
			of.Any = nil
			for _, id := range by {
				of.Any = append(of.Any, search.Term{Param: search.ParamSender, Low: []byte(id), Exact: true})
			}
		}
		count, err := n.store.Count(ctx, search.Query{Type: it.Key.Type, Where: []search.Condition{search.IDs{ID: []fhir.ID{it.Key.ID}}, of}}, 0)
		return count > 0, err
	}
	if some, err := sent(); err != nil || !some {
		return err == nil, err
	}
	var senders []fhir.ID
	for _, c := range clients {
		senders = append(senders, c.Organization)
	}
	q, err := search.BindCriteria("Organization", "identifier="+n.facilities.Systems.CSKCB()+"|"+it.Facility, search.Options{FoldSystem: n.facilities.Systems.Fold})
	if err != nil {
		return false, err
	}
	for m, err := range n.store.Search(ctx, q, 0, store.SearchOptions{Limit: 100}) {
		if err != nil {
			return false, err
		}
		senders = append(senders, m.Key.ID)
	}
	var may []fhir.ID
	for _, id := range senders {
		ok, err := n.sendsFor(ctx, clients, id, it.Facility)
		if err != nil {
			return false, err
		}
		if ok {
			may = append(may, id)
		}
	}
	if may == nil {
		return false, nil
	}
	return sent(may...)
}

func (n *node) sendsFor(ctx context.Context, clients smart.Clients, organization fhir.ID, code string) (bool, error) {
	some, byItself := false, false
	for _, c := range clients {
		if c.Organization != organization {
			continue
		}
		if slices.Contains(c.Facilities, code) || n.policies.AnyFacility(c.Role) {
			return true, nil
		}
		some, byItself = true, byItself || c.Facilities == nil
	}
	if some && !byItself {
		return false, nil
	}
	codes, err := n.facilities.CodesOf(ctx, organization)
	return slices.Contains(codes, code), err
}
