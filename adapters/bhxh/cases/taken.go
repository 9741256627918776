package cases

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// SeesTaken says whether the caller may see all that the file of a version of a Claim takes from elsewhere, or that of a check-in
// from the Patient of its Encounter: whatever the version refers to, as far as it is there; a reference with the
// address of a server may be to this one, as which the mapping reads it. What was deleted counts as seen by
// whom it was shown before. A Consent counts at once, also against files that were sent long ago.
// version 0 is the current one.
func SeesTaken(ctx context.Context, s store.Store, of fhir.Key, version fhir.Version) (bool, error) {
	ours := store.Ourselves(ctx)
	f, err := s.ReadVersion(ours, of, version)
	if version == 0 {
		f, err = s.Read(ours, of, 0)
	}
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return false, err
	}
	from := doc.Root()
	if of.Type == "Encounter" {
		from = from.Get("subject")
	}
	quiet := quietly(ctx)
	looked := map[fhir.Key]bool{}
	for ref := range from.Strings("reference") {
		to := fhir.ParseReference(ref.Text())
		if to.Key.ID == "" || looked[to.Key] {
			continue
		}
		looked[to.Key] = true
		_, err := s.Read(quiet, to.Key, 0)
		if absent(err) && !gone(err) {
			if _, err = s.Read(ours, to.Key, 0); err == nil || gone(err) {
				return false, nil
			}
		}
		if err != nil && !absent(err) {
			return false, err
		}
	}
	return true, nil
}
