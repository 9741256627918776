package main

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// precheckStored is Claim/{id}/$precheck. Its version is not yet decided, so DUP-02 has nothing to say: the outbox gives
// each version a number of its own.
func precheckStored(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "precheck", Type: "Claim", Instance: true, Reads: true, Names: cases.Names, Codes: cases.Codes, Link: called("Pre-check", "Kiểm tra trước khi gửi"), Definition: base + "/fhir/OperationDefinition/Claim-precheck",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			f, err := n.store.Read(ctx, a.Key, a.At)
			if err != nil {
				return nil, err
			}
			doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
			if err != nil {
				return nil, err
			}
			return n.precheck(ctx, base, doc.Root(), a, false)
		},
	}
}

// precheckSent is Claim/$precheck: the Claim is the body, alone or in Parameters; what it refers to is stored or contained.
func precheckSent(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "precheck", Type: "Claim", Reads: true, Names: cases.Names, Codes: cases.Codes, Definition: base + "/fhir/OperationDefinition/Claim-precheck",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			claim := a.Body
			if claim.ResourceType() == "Parameters" {
				for p := range a.Body.Get("parameter").Elements() {
					if name := p.Get("name").Text(); name == "claim" || name == "resource" {
						claim = p.Get("resource")
					}
				}
			}
			if claim.ResourceType() != "Claim" {
				return nil, fhir.Errorf(fhir.Invalid, "bhxh-precheck-claim", "")
			}
			// As when it is written: what the checks find would tell what the other facility has.
			if err := n.facilities.Check(ctx, claim); err != nil {
				return nil, err
			}
			return n.precheck(ctx, base, claim, a, true)
		},
	}
}

func (n *node) precheck(ctx context.Context, base string, claim resource.Value, a rest.Asked, sent bool) ([]byte, error) {
	systems := mapping.Systems{Base: base}
	past := &pastOfStore{ctx: ctx, n: n, systems: identity.Systems{Base: base + "/sid/"}, sent: sent}
	o := bhxh.Clock(time.Now())
	o.Known = past
	p, err := bhxh.Precheck(ctx, bhxh.Reader(n.store, a.At), claim, mapping.Options{Systems: systems, FHIRBase: a.Base}, o)
	if err = errors.Join(err, past.err); err != nil {
		return nil, err
	}
	return p.Parameters(a.Language), nil
}

// pastOfStore is a hoso.Known of what the store has, as far as the caller may see it.
type pastOfStore struct {
	ctx     context.Context
	n       *node
	systems identity.Systems
	sent    bool  // the Claim came with the call and names its version
	err     error // of the store; the answers then mean nothing
}

// found gives what a search finds; the first hundred are enough to know that there is one.
func (p *pastOfStore) found(typ fhir.Type, q url.Values) []store.Found {
	if p.err != nil {
		return nil
	}
	q.Set("_count", "100")
	page, err := p.n.service.Search(p.ctx, typ, q.Encode(), interaction.SearchOptions{})
	p.err = err
	return page.Matches
}

// Accepted implements hoso.Known.
func (p *pastOfStore) Accepted(maCSKCB, maLK string, version uint64) bool {
	if !p.sent {
		return false
	}
	for _, f := range p.found("Claim", url.Values{"identifier": {p.systems.MaLK(maCSKCB) + "|" + escaped(maLK)}}) {
		st, err := p.n.outbox.Status(p.ctx, f.Key.ID)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
			continue
		}
		if p.err = err; err != nil {
			return false
		}
		for _, v := range st.Versions {
			if v.PB == version {
				switch v.State {
				case delivery.Accepted, delivery.Assessed, delivery.Settled:
					return true
				}
			}
		}
	}
	return false
}

// StayedElsewhere implements hoso.Known: by the Encounters of the person that are inpatient stays.
func (p *pastOfStore) StayedElsewhere(soCCCD, maCSKCB, from, to string) bool {
	in, err1 := time.ParseInLocation("200601021504", from, wire.Zone)
	out, err2 := time.ParseInLocation("200601021504", to, wire.Zone)
	if err1 != nil || err2 != nil {
		return false
	}
	stays := p.found("Encounter", url.Values{
		"patient.identifier": {escaped(soCCCD)}, "class": {"IMP"},
		"date": {"ge" + in.Format(time.DateOnly), "le" + out.Format(time.DateOnly)},
	})
	for _, f := range stays {
		doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
		if err != nil {
			p.err = err
			return false
		}
		e := doc.Root()
		elsewhere := false
		for id := range e.Get("identifier").Elements() {
			facility, ok := p.systems.FacilityOfEpisode(id.Get("system").Text())
			elsewhere = elsewhere || ok && facility != maCSKCB
		}
		period := e.Get("period")
		began, err1 := time.Parse(time.RFC3339, period.Get("start").Text())
		ended, err2 := time.Parse(time.RFC3339, period.Get("end").Text())
		if elsewhere && err1 == nil && began.Before(out) && (err2 != nil || in.Before(ended)) {
			return true
		}
	}
	return false
}

// escaped keeps the separators of token values from separating.
func escaped(value string) string {
	var b []byte
	for i := range len(value) {
		switch value[i] {
		case '\\', '|', ',', '$':
			b = append(b, '\\')
		}
		b = append(b, value[i])
	}
	return string(b)
}
