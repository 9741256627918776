package interaction

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Batch performs each entry of a batch bundle by itself: what fails leaves its error in its answer. Entries run side by
// side, at most Limits.Parallel of them, in the order of verbs that a transaction has: first all deletes, then all
// creates, updates and patches, reads.
func (s *Service) Batch(ctx context.Context, doc *resource.Document, o BundleOptions) ([]Answer, error) {
	faults := map[int]error{}
	entries, err := s.parseBundle(doc.Root(), "batch", o.Base, func(n int, err error) error {
		faults[n] = err
		return nil
	})
	if err != nil {
		return nil, err
	}
	targets := batchTargets(entries)
	answers := make([]Answer, len(entries))
	for _, phase := range [][]Verb{{0}, {Delete}, {Post}, {Put, Patch}, {Get, Head}} {
		var g errgroup.Group
		g.SetLimit(s.limits.Parallel)
		for i, e := range entries {
			if !slices.Contains(phase, e.verb) {
				continue
			}
			answers[i].Verb = e.verb
			if answers[i].Err = faults[i]; answers[i].Err != nil {
				continue
			}
			if answers[i].Err = targets.independent(e); answers[i].Err != nil {
				continue
			}
			g.Go(func() error {
				if err := guarded(func() error { s.single(ctx, e, &answers[i], o); return nil }); err != nil {
					answers[i].Err = err
				}
				return nil
			})
		}
		g.Wait() //nolint:errcheck // entries leave their errors in their answers
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return answers, nil
}

// fullURLs are the entries of a batch whose fullUrl stands for nothing but the entry itself.
type fullURLs map[string]int

// batchTargets finds them: names such as urn:uuid:…, and those of resources that are still to get their id.
func batchTargets(entries []*entry) fullURLs {
	out := fullURLs{}
	for i, e := range entries {
		if e.fullURL != "" && (e.verb == Post || strings.HasPrefix(e.fullURL, "urn:")) {
			out[e.fullURL] = i
		}
	}
	return out
}

// independent refuses an entry that refers to another one by its fullUrl: entries of a batch must not depend on each other.
// Source: https://hl7.org/fhir/R4/http.html#brules
func (f fullURLs) independent(e *entry) error {
	if len(f) == 0 || e.verb != Post && e.verb != Put || e.resource.ResourceType() == "Bundle" {
		return nil
	}
	for v := range e.resource.Strings("reference") {
		if to, ok := f[v.Text()]; ok {
			return fhir.Errorf(fhir.Invalid, "batch-reference", v.Path(), to)
		}
	}
	return nil
}

// single performs one entry. Its resource becomes a document of its own: the bundle's is shared with the other entries.
func (s *Service) single(ctx context.Context, e *entry, a *Answer, o BundleOptions) {
	var doc *resource.Document
	if e.verb == Post || e.verb == Put {
		if doc, a.Err = resource.Parse(e.resource.Raw(), resource.DefaultLimits); a.Err != nil {
			return
		}
	}
	conditional := e.criteria != ""
	switch e.verb {
	case Get, Head:
		if o.Read == nil {
			a.Err = fhir.Errorf(fhir.NotAllowed, "entry-read", e.path(".request.method"))
			return
		}
		a.Read, a.Err = o.Read(ctx, e.read, 0)
	case Post:
		opt := CreateOptions{Type: e.key.Type}
		if e.ifNoneExist != "" {
			opt.IfNoneExist = &e.ifNoneExist
		}
		a.Result, a.Err = s.Create(ctx, doc, opt)
	case Put:
		opt := UpdateOptions{IfMatch: e.ifMatch, IfNoneMatchAny: e.ifNoneMatchAny}
		if conditional {
			a.Result, a.Err = s.UpdateByCriteria(ctx, e.key.Type, e.criteria, doc, opt)
		} else {
			a.Result, a.Err = s.Update(ctx, e.key, doc, opt)
		}
	case Patch:
		opt := PatchOptions{IfMatch: e.ifMatch}
		if conditional {
			a.Result, a.Err = s.PatchByCriteria(ctx, e.key.Type, e.criteria, e.patch, opt)
		} else {
			a.Result, a.Err = s.Patch(ctx, e.key, e.patch, opt)
		}
	case Delete:
		opt := DeleteOptions{IfMatch: e.ifMatch}
		if conditional {
			a.Result, a.Err = s.DeleteByCriteria(ctx, e.key.Type, e.criteria, opt)
		} else {
			a.Result, a.Err = s.Delete(ctx, e.key, opt)
		}
	}
}
