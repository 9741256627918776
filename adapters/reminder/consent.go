package reminder

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Scope of the Consent by which a person agrees to be reminded, or does not: a code of ScopeSystem.
const (
	ScopeSystem = "https://lienthong.example/fhir/CodeSystem/consent-scope"
	Scope       = "vaccination-reminder"
)

// reached is how and by whom somebody is reached.
type reached struct {
	medium, address string
	patient         resource.Value
	clinic          fhir.ID // "" if nobody looks after the person
	clinicName      string
	clinicPhone     string
	english         bool
}

// reach finds out whether a person may be reminded, and how; nil if not. For a child the guardians' addresses count after
// those of the Patient itself.
func (r *Reminders) reach(ctx context.Context, w registry.Waiting) (*reached, error) {
	to := &reached{}
	seen := ctx
	if len(w.Clinics) > 0 { // the clinic reminds: it must be allowed to see whom
		to.clinic = w.Clinics[0]
		fence, err := r.Policies.Fence(ctx, access.Caller{Role: access.RoleClinic, Organization: to.clinic})
		if err != nil {
			return nil, err
		}
		seen = store.WithFence(ctx, fence)
	}
	var err error
	if to.patient, err = r.read(seen, fhir.Key{Type: "Patient", ID: w.Lead}); err != nil || to.patient.Kind() != resource.Object {
		return nil, err
	}
	agreed, err := r.agreed(ctx, w.Members)
	if err != nil || !agreed {
		return nil, err
	}
	to.medium, to.address = r.address(to.patient)
	if to.medium == "" {
		return nil, nil
	}
	if to.clinic != "" {
		o, err := r.read(ctx, fhir.Key{Type: "Organization", ID: to.clinic})
		if err != nil {
			return nil, err
		}
		to.clinicName = o.Get("name").Text()
		for t := range o.Get("telecom").Elements() {
			if to.clinicPhone == "" && t.Get("system").Text() == "phone" {
				to.clinicPhone = t.Get("value").Text()
			}
		}
	}
	for c := range to.patient.Get("communication").Elements() {
		language := c.Get("language").Get("coding").At(0).Get("code").Text()
		to.english = to.english || c.Get("preferred").Text() == "true" && strings.HasPrefix(language, "en")
	}
	return to, nil
}

// read gives a document, the zero Value if it is not there or may not be seen.
func (r *Reminders) read(ctx context.Context, k fhir.Key) (v resource.Value, err error) {
	f, err := r.Store.Read(ctx, k, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied) {
		return v, nil
	} else if err != nil {
		return v, err
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return v, err
	}
	return doc.Root(), nil
}

// agreed says what the newest active Consent about reminders says, under any of the ids of the person. A Consent without a
// date is older than any with one.
func (r *Reminders) agreed(ctx context.Context, members []fhir.ID) (bool, error) {
	var refs []string
	for _, m := range members {
		refs = append(refs, "Patient/"+string(m))
	}
	page, err := r.Interactions.Search(ctx, "Consent", "_total=none&_count=200&status=active&patient="+strings.Join(refs, ","), interaction.SearchOptions{})
	if err != nil {
		return false, err
	}
	newest, agreed, any := "", r.OptOut, false
	for _, f := range page.Matches {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return false, err
		}
		c := doc.Root()
		about := false
		for code := range c.Get("scope").Get("coding").Elements() {
			about = about || code.Get("system").Text() == ScopeSystem && code.Get("code").Text() == Scope
		}
		kind := c.Get("provision").Get("type").Text()
		if !about || kind != "permit" && kind != "deny" {
			continue
		}
		// Of the same instant the one that denies.
		if at := c.Get("dateTime").Text(); !any || at > newest || at == newest && kind == "deny" {
			newest, agreed, any = at, kind == "permit", true
		}
	}
	return agreed, nil
}

// address is the first one by a medium that there is a sender for: e-mail before text message, the person's own before
// those of guardians.
func (r *Reminders) address(patient resource.Value) (medium, address string) {
	lists := []resource.Value{patient.Get("telecom")}
	for c := range patient.Get("contact").Elements() {
		lists = append(lists, c.Get("telecom"))
	}
	for _, m := range []struct {
		medium  string
		systems []string
	}{{Email, []string{"email"}}, {Text, []string{"sms", "phone"}}} {
		if r.Senders[m.medium] == nil {
			continue
		}
		for _, l := range lists {
			for t := range l.Elements() {
				if value := t.Get("value").Text(); value != "" && t.Get("use").Text() != "old" && slices.Contains(m.systems, t.Get("system").Text()) {
					return m.medium, value
				}
			}
		}
	}
	return "", ""
}
