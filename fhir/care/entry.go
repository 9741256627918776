package care

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

// stays refuses to delete a Patient while the person's decisions hang on it: Conflict "patient-consents". A Consent is found by way of the
// Patient, so that without one nobody would be denied the records any more, who deleted it least of all.
func (c Care) stays(ctx context.Context, w interaction.Write) error {
	if w.Ours || w.Before == nil || c.Decided == nil {
		return nil
	}
	decided, err := c.Decided(ctx, w.Key.ID)
	if err == nil && decided {
		err = fhir.Errorf(fhir.Conflict, "patient-consents", "", string(w.Key.ID))
	}
	return err
}

// links refuses a Patient that says to be one person with somebody whom its sender does not see: Denied "patient-link-unseen", whether or
// not there is such a Patient. What one of the two decides holds for the other, so that a stranger could deny in another's name. What
// the version before said stays.
func (c Care) links(ctx context.Context, w interaction.Write) error {
	who, bound := carer(ctx)
	if !bound || w.Ours {
		return nil
	}
	var had map[fhir.Key]bool // by the version before; nil = not looked at
	for link := range w.Doc.Get("link").Elements() {
		ref := link.Get("other").Get("reference")
		other, ok := c.Local(ref.Text())
		if !ok || other.Type != "Patient" || other == w.Key || w.Introduced[other] || w.Beside != nil && w.Beside(other) {
			continue
		}
		if had == nil {
			var err error
			if had, err = c.linked(w); err != nil {
				return err
			}
		}
		if had[other] {
			continue
		}
		switch sees, err := c.Sees(ctx, who, other); {
		case err != nil:
			return err
		case !sees:
			return fhir.Errorf(fhir.Denied, "patient-link-unseen", ref.Path(), other.String())
		}
	}
	return nil
}

// linked are the Patients that the version before named. Of one that the sender may not see nothing counts, or trying would tell what it has.
func (c Care) linked(w interaction.Write) (map[fhir.Key]bool, error) {
	all := map[fhir.Key]bool{}
	if w.Before == nil || w.Blind {
		return all, nil
	}
	doc, err := resource.New(w.Before.Stored.Body)
	if err != nil {
		return nil, err
	}
	for link := range doc.Root().Get("link").Elements() {
		if key, ok := c.Local(link.Get("other").Get("reference").Text()); ok {
			all[key] = true
		}
	}
	return all, nil
}
