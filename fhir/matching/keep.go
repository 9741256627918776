package matching

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

type takenKey struct{}
type mergedKey struct{}

// taken is the context of the one write that may take a link away.
func taken(ctx context.Context) context.Context { return context.WithValue(ctx, takenKey{}, true) }

// merged is the context of a write that makes a link because somebody decided so.
func merged(ctx context.Context) context.Context { return context.WithValue(ctx, mergedKey{}, true) }

// Keep is the hook that makes links of type replaced-by hold: they are known to searches (interaction.Same) from the commit on
// that writes them, and only Unmerge takes one away. A system that sends the replaced Patient again as if nothing had happened gets
// Conflict "patient-merged", with the Patient that stands for it now: what refers to the old one is still accepted and found.
func Keep(ctx context.Context, w interaction.Write) (interaction.Additions, error) {
	var a interaction.Additions
	if w.Key.Type != "Patient" {
		return a, nil
	}
	var was fhir.ID
	if w.Before != nil {
		doc, err := resource.New(w.Before.Stored.Body)
		if err != nil {
			return a, err
		}
		was = replacedBy(doc.Root())
	}
	is := fhir.ID("")
	if w.Method != store.MethodDelete {
		is = replacedBy(w.Doc)
	}
	if was == is {
		return a, nil
	}
	if was != "" && ctx.Value(takenKey{}) == nil {
		return a, fhir.Errorf(fhir.Conflict, "patient-merged", "", string(w.Key.ID), string(was))
	}
	if is == w.Key.ID {
		return a, fhir.Errorf(fhir.Unprocessable, "merge-same", "Patient.link")
	}
	if was != "" {
		a.Records = append(a.Records, interaction.SameRecords(w.Key.ID, was, interaction.NotSame)...)
	}
	if is != "" {
		how := interaction.Claimed
		if ctx.Value(mergedKey{}) != nil {
			how = interaction.Decided
		}
		a.Records = append(a.Records, interaction.SameRecords(w.Key.ID, is, how)...)
	}
	return a, nil
}
