package certificate

import (
	"context"
	"net/url"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Find gives the patient with an identifier: system|value, or a citizen ID alone. Records that another one replaced, and
// those that are not active, stand back behind one that is in use.
func (s *Service) Find(ctx context.Context, identifier string) (fhir.ID, error) {
	if _, err := identity.ParseCCCD(identifier); err == nil {
		identifier = s.Systems.CCCD() + "|" + identifier
	}
	system, value, ok := strings.Cut(identifier, "|")
	if !ok || system == "" || value == "" || strings.Contains(identifier, ",") {
		return "", fhir.Errorf(fhir.Invalid, "certificate-identifier", "http.identifier")
	}
	page, err := s.Interactions.Search(ctx, "Patient", "_count=20&identifier="+url.QueryEscape(identifier), interaction.SearchOptions{})
	if err != nil {
		return "", err
	}
	var used, other []fhir.ID
	for _, f := range page.Matches {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return "", err
		}
		if identity.InUse(doc.Root()) {
			used = append(used, f.Key.ID)
		} else {
			other = append(other, f.Key.ID)
		}
	}
	if len(used) == 0 {
		used = other
	}
	switch {
	case len(used) == 0:
		return "", fhir.Errorf(fhir.NotFound, "certificate-nobody", "")
	case len(used) > 1 || page.Next != nil:
		return "", fhir.Errorf(fhir.Conflict, "certificate-several", "")
	}
	return used[0], nil
}
