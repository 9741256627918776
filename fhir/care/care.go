package care

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Care has what the decision needs; all fields but Tries and Decided are required.
type Care struct {
	Systems identity.Systems
	// Sees says whether a caller may see a resource now, without leaving a trace of it: nobody is shown anything.
	Sees func(context.Context, access.Caller, fhir.Key) (bool, error)
	// Local gives the resource of this server that a reference names.
	Local func(reference string) (fhir.Key, bool)
	// Met is told of a Patient whom the caller's organization had not known before.
	Met func(context.Context, fhir.ID)
	// Decided says whether a person, under this id of a Patient or another one, has decided who may see the record; nil = nobody has.
	Decided func(context.Context, fhir.ID) (bool, error)
	// Tries counts ids and numbers that led to nobody; nil = they are not counted.
	Tries *Tries
}

// carer gives the caller if it is one whose organization gets to see patients by caring for them.
func carer(ctx context.Context) (access.Caller, bool) {
	c, ok := access.CallerOf(ctx)
	return c, ok && c.Organization != ""
}

// Hook refuses to write that a patient is in the care of somebody who has shown nothing for it: Denied "care-unproven". To those
// who use up their tries it refuses numbers of Patients, and of the Patients themselves what would bend the person's will (entry.go). It is
// an interaction.Hook.
func (c Care) Hook(ctx context.Context, w interaction.Write) (none interaction.Additions, err error) {
	switch {
	case w.Key.Type == "Patient" && w.Method == store.MethodDelete:
		return none, c.stays(ctx, w)
	case w.Key.Type == "Patient":
		if err := c.links(ctx, w); err != nil {
			return none, err
		}
		return none, c.asks(ctx, w)
	}
	element := map[fhir.Type]string{"Encounter": "subject", "EpisodeOfCare": "patient", "Claim": "patient"}[w.Key.Type]
	who, bound := carer(ctx)
	if element == "" || !bound || w.Method == store.MethodDelete {
		return none, nil
	}
	if w.Key.Type == "Claim" {
		if err := c.cites(ctx, who, w); err != nil {
			return none, err
		}
	}
	path := string(w.Key.Type) + "." + element
	patient, ok := c.Local(w.Doc.Get(element).Get("reference").Text())
	switch {
	case !ok || patient.Type != "Patient":
		return none, nil // nobody is found by it
	case w.Introduced[patient]:
		c.Met(ctx, patient.ID)
		return none, nil
	case w.Beside != nil && w.Beside(patient):
		return none, nil // the commit decides whether it may be written
	case w.Key.Type == "Claim" && c.hadPatient(w.Before, patient):
		return none, nil // it can be corrected, whatever its patient has denied since
	}
	sees, err := c.Sees(ctx, who, patient)
	if err == nil && !sees {
		err = c.Tries.count(ctx, who, missed, MissesMost)
	}
	if err == nil && !sees {
		err = fhir.Errorf(fhir.Denied, "care-unproven", path)
	}
	return none, err
}

// directory are types of which nothing is about a patient.
var directory = []fhir.Type{"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Device", "Medication", "Substance"}

// cites refuses a Claim that refers to what its sender neither sees nor sends along: Denied "claim-cites-unseen", whether or not
// there is such a resource. The claim file takes what the Claim refers to, the sender reads the file, and the insurer what claims
// refer to. What the Claim had cited before stays, whatever has become of the sender's right to see it.
func (c Care) cites(ctx context.Context, who access.Caller, w interaction.Write) error {
	var had map[fhir.Key]bool // by the version before; nil = not looked at
	known := map[fhir.Key]bool{w.Key: true}
	if patient, ok := c.Local(w.Doc.Get("patient").Get("reference").Text()); ok && patient.Type == "Patient" {
		known[patient] = true // for whom Hook decides
	}
	for ref := range w.Doc.Strings("reference") {
		key, ok := c.Local(ref.Text())
		if !ok || known[key] || slices.Contains(directory, key.Type) {
			continue
		}
		known[key] = true
		if w.Introduced[key] || w.Beside != nil && w.Beside(key) {
			continue
		}
		if had == nil {
			var err error
			if had, err = c.cited(w.Before); err != nil {
				return err
			}
		}
		if had[key] {
			continue
		}
		switch sees, err := c.Sees(ctx, who, key); {
		case err != nil:
			return err
		case !sees:
			return fhir.Errorf(fhir.Denied, "claim-cites-unseen", ref.Path(), key.String())
		}
	}
	return nil
}

// cited are the resources that a version refers to.
func (c Care) cited(before *store.Found) (map[fhir.Key]bool, error) {
	all := map[fhir.Key]bool{}
	if before == nil {
		return all, nil
	}
	doc, err := resource.New(before.Stored.Body)
	if err != nil {
		return nil, err
	}
	for ref := range doc.Root().Strings("reference") {
		if key, ok := c.Local(ref.Text()); ok {
			all[key] = true
		}
	}
	return all, nil
}

// hadPatient says whether a Claim had this patient before.
func (c Care) hadPatient(before *store.Found, patient fhir.Key) bool {
	if before == nil {
		return false
	}
	doc, err := resource.New(before.Stored.Body)
	if err != nil {
		return false
	}
	was, ok := c.Local(doc.Root().Get("patient").Get("reference").Text())
	return ok && was == patient
}

// asks refuses to write a Patient with a number that has to be nobody else's, to a caller who was told too often that somebody
// has one: whatever came of it would tell whether the person is known. What the Patient had before tells nothing.
func (c Care) asks(ctx context.Context, w interaction.Write) error {
	who, found := access.CallerOf(ctx)
	if !found {
		return nil
	}
	numbers := c.Systems.Unique(w.Doc)
	if len(numbers) == 0 {
		return nil
	}
	spent := c.Tries.spent(ctx, who, known, KnownMost)
	if spent == nil || w.Before == nil {
		return spent
	}
	before, err := resource.New(w.Before.Stored.Body)
	if err != nil {
		return err
	}
	had := c.Systems.Unique(before.Root())
	if slices.ContainsFunc(numbers, func(n store.UniqueKey) bool { return !slices.Contains(had, n) }) {
		return spent
	}
	return nil
}

// Known counts that a caller was told of a person whom he may not see (interaction.Config.Known).
func (c Care) Known(ctx context.Context) error {
	who, found := access.CallerOf(ctx)
	if !found {
		return nil
	}
	return c.Tries.count(ctx, who, known, KnownMost)
}

// Introduce lets a caller who may write Encounters find a Patient by identifier and birth date, both whole, and nothing
// besides (interaction.Config.Introduce). Who has tried too many numbers is refused, also with a right one.
func (c Care) Introduce(ctx context.Context, t fhir.Type, criteria string) (bool, error) {
	who, bound := carer(ctx)
	if !c.introduces(ctx, bound, t, criteria) {
		return false, nil
	}
	err := c.Tries.spent(ctx, who, missed, MissesMost)
	return err == nil, err
}

// Missed counts a number and birth date by which nobody was found (interaction.Config.Missed).
func (c Care) Missed(ctx context.Context) error {
	who, _ := carer(ctx)
	return c.Tries.count(ctx, who, missed, MissesMost)
}

func (c Care) introduces(ctx context.Context, bound bool, t fhir.Type, criteria string) bool {
	if !bound || t != "Patient" || store.FenceOf(ctx).Grant("Encounter", store.ActionCreate).None() {
		return false
	}
	query, err := url.ParseQuery(criteria)
	if err != nil || len(query) != 2 || len(query["identifier"]) != 1 || len(query["birthdate"]) != 1 {
		return false
	}
	if _, err := time.Parse(time.DateOnly, query.Get("birthdate")); err != nil {
		return false
	}
	system, value, found := strings.Cut(query.Get("identifier"), "|")
	shown := []string{c.Systems.CCCD(), c.Systems.CMND(), c.Systems.Passport(), c.Systems.BHYT()}
	return found && value != "" && !strings.ContainsAny(value, `,|\$`) && slices.Contains(shown, c.Systems.Fold(system))
}
