package bhxh

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Rows takes back what a corrected claim file leaves out.
type Rows struct {
	Store   store.Store
	Systems mapping.Systems
}

// Hook is an interaction.Hook: where a new version of a Claim does not refer any more to the resource of a row of XML4 to XML15, that
// resource becomes entered-in-error in the same commit. Its history keeps what it said, and a file that has the row
// again makes it valid again. What did not come from a row of this episode's file is left alone.
func (r Rows) Hook(ctx context.Context, w interaction.Write) (a interaction.Additions, err error) {
	if w.Key.Type != "Claim" || w.Method == store.MethodDelete || w.Before == nil {
		return a, nil
	}
	before, err := resource.New(w.Before.Stored.Body)
	if err != nil {
		return a, err
	}
	for _, key := range mapping.RowsLeft(before.Root(), w.Doc, r.Systems) {
		if w.Beside(key) {
			continue // the same request says what it is now
		}
		f, err := r.Store.Read(ctx, key, 0)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
			continue
		}
		if err != nil {
			return a, err
		}
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return a, err
		}
		if !mapping.IsRowOf(doc.Root(), w.Doc, r.Systems) {
			continue
		}
		doc.Root().Get("status").ReplaceString("entered-in-error")
		if doc, err = resource.New(doc.Root().AppendTo(nil)); err != nil {
			return a, err
		}
		a.Puts = append(a.Puts, doc)
	}
	return a, nil
}
