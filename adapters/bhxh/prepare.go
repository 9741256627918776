package bhxh

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// asOf reads documents as of one commit, so that a claim file shows one state of the record.
type asOf struct {
	store store.Store
	t     fhir.T
}

// Read implements mapping.Reader.
func (r asOf) Read(ctx context.Context, key fhir.Key) (*resource.Document, error) {
	f, err := r.store.Read(ctx, key, r.t)
	if err != nil {
		return nil, err
	}
	return document(f)
}

func document(f store.Found) (*resource.Document, error) {
	return resource.New(f.Stored.Append(nil, f.Version, f.At))
}

// claim reads the version of the claim that the item stands for.
func (s *Sync) claim(ctx context.Context, it delivery.Item) (*resource.Document, error) {
	f, err := s.Store.ReadVersion(ctx, fhir.Key{Type: "Claim", ID: it.Claim}, it.Version)
	if err != nil {
		return nil, err
	}
	return document(f)
}

// prepared is a claim on its way: the file, or why there is none.
type prepared struct {
	claim *resource.Document
	file  gateway.File
	held  []delivery.Reason // errors of the pre-checks; then there is no file
}

// prepare makes the claim file of an item and checks it. A panic over one record is an error of that record: it must not
// take the server and the claims of all others with it, again and again.
func (s *Sync) prepare(ctx context.Context, it delivery.Item) (_ prepared, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while mapping: %v\n%s", p, debug.Stack())
		}
	}()
	claim, err := s.claim(ctx, it)
	if err != nil {
		return prepared{}, err
	}
	t, err := s.Store.Head(ctx)
	if err != nil {
		return prepared{}, err
	}
	o := mapping.Options{Systems: s.Systems, Version: it.PB}
	if it.Resend {
		o.Reason = s.Reason
	}
	mapped, err := mapping.FromFHIR(ctx, asOf{s.Store, t}, claim.Root(), o)
	if err != nil {
		return prepared{}, err
	}
	now := s.Now()
	f := hoso.File{MaCSKCB: mapped.MaCSKCB, NgayLap: now.In(wire.Zone).Format("20060102"), HoSo: []hoso.HoSo{mapped.HoSo}}
	findings := slices.Concat(mapped.Findings, hoso.Check(&f, hoso.CheckOptions{Now: now}))
	p := prepared{claim: claim}
	if hoso.Held(findings) {
		for _, f := range findings {
			if f.Severity == fhir.SeverityError || f.Severity == fhir.SeverityFatal {
				p.held = append(p.held, delivery.Reason{Code: f.Rule, Path: f.Path(), Element: mapping.Element(claim.Root(), s.Systems, f), VI: f.VI, EN: f.EN})
			}
		}
		return p, nil
	}
	first := mapped.Decision.First()
	if s.Path == QD4750 || s.Path == QD3176 {
		first = s.Path == QD4750
	}
	p.file = gateway.File{MaCSKCB: mapped.MaCSKCB, First: first, Raw: f.Encode()}
	return p, nil
}
