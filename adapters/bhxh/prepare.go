package bhxh

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
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

// shared reads for several claims as of one commit: of whom many claims cite, the document is read once.
type shared struct {
	asOf
	mu   sync.Mutex // guards docs; nothing is read under it
	docs map[fhir.Key]*resource.Document
}

// Read implements mapping.Reader.
func (r *shared) Read(ctx context.Context, key fhir.Key) (*resource.Document, error) {
	if key.Type != "Organization" && key.Type != "Practitioner" {
		return r.asOf.Read(ctx, key)
	}
	r.mu.Lock()
	d := r.docs[key]
	r.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d, err := r.asOf.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.docs == nil {
		r.docs = map[fhir.Key]*resource.Document{}
	}
	r.docs[key] = d
	return d, nil
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

// maxReason bounds the reason of a correction, in letters.
const maxReason = 200

// correctionOf is why this version of a claim is sent again, as its sender says in the extension correction-reason; "" if it does not.
func correctionOf(claim resource.Value, systems mapping.Systems) string {
	for e := range claim.Get("extension").Elements() {
		if e.Get("url").Text() == systems.CorrectionReason() {
			said := []rune(strings.Join(strings.Fields(e.Get("valueString").Text()), " "))
			return string(said[:min(len(said), maxReason)])
		}
	}
	return ""
}

// prepared is a claim on its way: the file, or why there is none.
type prepared struct {
	claimed mapping.Claimed
	file    gateway.File
	held    []delivery.Reason // errors of the pre-checks; then there is no file
}

// foreign is the reason of what is held because its sender is not registered for the facility; path and element say where that is named.
func foreign(path, element string) delivery.Reason {
	why := *delivery.Because(delivery.ReasonForeign)
	why.Path, why.Element = path, element
	return why
}

// reasonOf is the reason of what is held because of a finding.
func reasonOf(f hoso.Finding) delivery.Reason {
	return delivery.Reason{Code: f.Rule, Path: f.Path(), Element: f.Element, VI: f.VI, EN: f.EN}
}

// prepare makes the claim file of an item and checks it.
func (s *Sync) prepare(ctx context.Context, it delivery.Item, records mapping.Reader) (prepared, error) {
	ctx = store.WithoutSubjects(ctx)
	claim, err := s.claim(ctx, it)
	if err != nil {
		return prepared{}, err
	}
	if s.Registered != nil {
		may, err := s.Registered(ctx, Sent{fhir.Key{Type: "Claim", ID: it.Claim}, it.Facility, it.Sender})
		if err != nil {
			return prepared{}, err
		}
		if !may {
			return prepared{held: []delivery.Reason{foreign("XML1.MA_CSKCB", "Claim.identifier")}}, nil
		}
	}
	o := mapping.Options{Systems: s.Systems, Version: it.PB}
	if it.Resend {
		o.Reason = cmp.Or(correctionOf(claim.Root(), s.Systems), s.Reason)
	}
	checked, err := Precheck(ctx, records, claim.Root(), o, Clock(s.Now()))
	if err != nil {
		return prepared{}, err
	}
	p := prepared{}
	if hoso.Held(checked.Findings) {
		for _, f := range checked.Findings {
			if f.Severity == fhir.SeverityError || f.Severity == fhir.SeverityFatal {
				p.held = append(p.held, reasonOf(f))
			}
		}
		return p, nil
	}
	first := checked.Decision.First()
	if s.Path == QD4750 || s.Path == QD3176 {
		first = s.Path == QD4750
	}
	raw := checked.File.Encode()
	if s.Signer != nil {
		if raw, err = s.Signer.Sign(ctx, checked.MaCSKCB, raw); err != nil {
			return prepared{}, err
		}
	}
	p.claimed = checked.Claimed
	p.file = gateway.File{MaCSKCB: checked.MaCSKCB, First: first, Raw: raw}
	return p, nil
}
