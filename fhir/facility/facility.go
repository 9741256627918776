package facility

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Facilities has what the decision needs; all fields are required.
type Facilities struct {
	Store   store.Store
	Systems identity.Systems
	// Of gives the facility whose numbers are of an identifier system: of its episodes, or of rows of their files.
	Of func(system string) (code string, ok bool)
	// Local gives the resource of this server that a reference names.
	Local func(reference string) (fhir.Key, bool)
	// Any says whether the policy lets a role write of any facility.
	Any func(access.Role) bool
	// Writes says whether the policy lets a role write anything of a type: who may not is told that, and not to register.
	Writes func(access.Role, fhir.Type) bool
}

// Hook refuses what names a facility that is not the caller's: Denied "facility-foreign", or "facility-none" if he has none.
// What stands there already of somebody else's stays where no claim file is made of it; what is, he can call off, and delete. It is
// an interaction.Hook.
func (f Facilities) Hook(ctx context.Context, w interaction.Write) (none interaction.Additions, err error) {
	if w.Method == store.MethodDelete || w.Ours {
		return none, nil
	}
	return none, f.check(ctx, w)
}

// Check refuses likewise what is not written: a Claim that is to be checked.
func (f Facilities) Check(ctx context.Context, v resource.Value) error {
	return f.check(store.Ourselves(ctx), interaction.Write{Doc: v})
}

// Numbers refuses if the caller may not number patients for a facility (MA_CSKCB).
func (f Facilities) Numbers(ctx context.Context, code string) error {
	who, found := access.CallerOf(ctx)
	if !found || f.Any(who.Role) {
		return nil
	}
	own, err := f.own(store.Ourselves(ctx), who)
	if err != nil || slices.Contains(own, code) {
		return err
	}
	return refusal(name{code: code, path: "Patient.identifier"}, own)
}

// refusal says that a name is none of the caller's own.
func refusal(n name, own []string) error {
	if len(own) == 0 {
		return fhir.Errorf(fhir.Denied, "facility-none", n.path, n.String())
	}
	return fhir.Errorf(fhir.Denied, "facility-foreign", n.path, n.String(), strings.Join(own, ", "))
}

// name is a place where a resource names a facility: by code, or by an entry of the directory of this server.
type name struct {
	code   string
	entry  fhir.Key // of a type in belongs
	number string   // the identifier that names it, "" if none does
	path   string
	claims bool // a claim file is made of it
	loose  bool // who has no code, and is part of nobody who has, may be named by anybody
}

func (n name) String() string {
	if n.code != "" {
		return n.code
	}
	return n.entry.String()
}

// mayStand says whether a name of somebody else's facility may stay in v as it was: what a claim file is made of only where it is
// called off.
func (n name) mayStand(v resource.Value) bool {
	status := v.Get("status").Text()
	return !n.claims || status == "cancelled" || status == "entered-in-error"
}

// tie is an element that names a facility.
type tie struct {
	element string
	loose   bool
}

// ties are the elements that say whose a record or an entry of the directory is.
var ties = map[fhir.Type][]tie{
	"Claim":                      {{"provider", false}, {"facility", true}},
	"ExplanationOfBenefit":       {{"provider", false}, {"facility", true}},
	"CoverageEligibilityRequest": {{"provider", false}, {"facility", true}},
	"Encounter":                  {{"serviceProvider", false}},
	"Account":                    {{"owner", true}},
	"Invoice":                    {{"issuer", true}},
	"Organization":               {{"partOf", true}},
	"Location":                   {{"managingOrganization", true}, {"partOf", true}},
	"PractitionerRole":           {{"organization", true}},
	"HealthcareService":          {{"providedBy", true}},
	"Endpoint":                   {{"managingOrganization", true}},
}

// belongs are the entries of the directory that lead to a facility: by a code of their own, else by the first of these elements that they
// have. A room that is rented in a foreign building is of who manages it.
var belongs = map[fhir.Type][]string{
	"Organization": {"partOf"}, "Location": {"managingOrganization", "partOf"}, "PractitionerRole": {"organization"}, "HealthcareService": {"providedBy"},
}

// names gives all places of a resource that name a facility.
func (f Facilities) names(v resource.Value) (all []name) {
	t := v.ResourceType()
	for id := range v.Get("identifier").Elements() {
		if code, claims := f.numbers(t, id); code != "" {
			number := f.Systems.Fold(id.Get("system").Text()) + "|" + id.Get("value").Text()
			all = append(all, name{code: code, number: number, path: string(t) + ".identifier", claims: claims})
		}
	}
	for _, tie := range ties[t] {
		at := name{path: string(t) + "." + tie.element, claims: t == "Claim" && !tie.loose, loose: tie.loose}
		named := v.Get(tie.element)
		all = append(all, f.named(named, v.Get("contained"), at, mostSteps)...)
		if t == "Location" && named.Kind() != resource.None {
			break // who manages it decides
		}
	}
	return all
}

// named gives the facilities that a reference names, as far as that can be said without looking anything up: it may lead through resources
// that it has with it.
func (f Facilities) named(reference, contained resource.Value, at name, steps int) (all []name) {
	if code := f.code(reference.Get("identifier")); code != "" {
		by := at
		by.code, by.path = code, at.path+".identifier"
		all = append(all, by)
	}
	text := reference.Get("reference").Text()
	inside, ok := strings.CutPrefix(text, "#")
	if !ok {
		if key, ok := f.Local(text); ok && belongs[key.Type] != nil {
			at.entry = key
			all = append(all, at)
		}
		return all
	}
	for c := range contained.Elements() {
		if id, _ := c.ID(); string(id) != inside || steps == 0 {
			continue
		}
		codes := f.codes(c)
		for _, code := range codes {
			by := at
			by.code = code
			all = append(all, by)
		}
		if len(codes) == 0 {
			all = append(all, f.named(next(c), contained, at, steps-1)...)
		}
	}
	return all
}

// next is the reference of an entry of the directory to what it belongs to.
func next(entry resource.Value) (reference resource.Value) {
	for _, element := range belongs[entry.ResourceType()] {
		if reference = entry.Get(element); reference.Kind() != resource.None {
			return reference
		}
	}
	return reference
}

// numbers gives the facility that an identifier of a resource names, "" if none; claims says that a claim file is made of it.
func (f Facilities) numbers(t fhir.Type, id resource.Value) (code string, claims bool) {
	system := id.Get("system").Text()
	if code, ok := f.Of(system); ok {
		return code, true
	}
	if code, ok := f.Systems.FacilityOfRecord(system); ok {
		return code, false
	}
	if belongs[t] != nil {
		return f.code(id), false
	}
	return "", false
}

// before gives what the version before named, as far as the caller may see it: nobody finds out by trying what it says.
func (f Facilities) before(w interaction.Write) ([]name, error) {
	if w.Before == nil || w.Blind {
		return nil, nil
	}
	doc, err := resource.New(w.Before.Stored.Body)
	if err != nil {
		return nil, err
	}
	return f.names(doc.Root()), nil
}

// code is the MA_CSKCB of an identifier; "" if it has none.
func (f Facilities) code(id resource.Value) string {
	if f.Systems.Fold(id.Get("system").Text()) != f.Systems.CSKCB() {
		return ""
	}
	return id.Get("value").Text()
}

// codes are those that an entry of the directory carries.
func (f Facilities) codes(entry resource.Value) (codes []string) {
	for id := range entry.Get("identifier").Elements() {
		if code := f.code(id); code != "" {
			codes = append(codes, strings.Clone(code))
		}
	}
	return codes
}

// check refuses names that are none of the caller's, and stood not there before.
func (f Facilities) check(ctx context.Context, w interaction.Write) error {
	who, found := access.CallerOf(ctx)
	if !found || f.Any(who.Role) {
		return nil
	}
	names := slices.DeleteFunc(f.names(w.Doc), func(n name) bool { return isItself(who, n, n.entry) })
	if len(names) == 0 {
		return nil
	}
	own, err := f.own(ctx, who)
	if err != nil {
		return err
	}
	before := sync.OnceValues(func() ([]name, error) { return f.before(w) })
	for _, n := range names {
		is, err := f.isOwn(ctx, who, own, n, w)
		if err == nil && !is && n.mayStand(w.Doc) {
			var had []name
			had, err = before()
			is = slices.Contains(had, n)
		}
		if err != nil {
			return err
		}
		if is {
			continue
		}
		if t := w.Doc.ResourceType(); !f.Writes(who.Role, t) {
			action := store.ActionUpdate
			if w.Method == store.MethodCreate {
				action = store.ActionCreate
			}
			return fhir.Errorf(fhir.Denied, "access-denied", "", string(t), action.Word())
		}
		return refusal(n, own)
	}
	return nil
}

// isItself says whether an Organization is the caller's, as which he writes whatever he may send claims for.
func isItself(who access.Caller, n name, organization fhir.Key) bool {
	return organization.Type == "Organization" && organization.ID == who.Organization && (who.Facilities == nil || !n.claims)
}

// own are the codes of the caller's facilities.
func (f Facilities) own(ctx context.Context, who access.Caller) ([]string, error) {
	if who.Facilities != nil || who.Organization == "" {
		return who.Facilities, nil
	}
	return f.CodesOf(ctx, who.Organization)
}

// mostSteps bounds how far is looked for whose an entry of the directory is: a bed, its room, the ward, the department, the hospital.
const mostSteps = 10

// isOwn says whether a name is of one of the caller's facilities. An entry of the directory without a code counts as the one that it belongs to.
func (f Facilities) isOwn(ctx context.Context, who access.Caller, own []string, n name, w interaction.Write) (bool, error) {
	if n.code != "" {
		return slices.Contains(own, n.code), nil
	}
	key := n.entry
	for range mostSteps {
		if isItself(who, n, key) {
			return true, nil
		}
		doc, sent := written(w, key)
		if !sent {
			var err error
			if doc, err = f.stored(ctx, key); err != nil {
				return false, err
			}
		}
		if codes := f.codes(doc); len(codes) > 0 {
			return slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(own, code) }), nil
		}
		if key.Type == "Organization" && key.ID == who.Organization { // which nobody has given a code yet
			return len(own) > 0, nil
		}
		up := next(doc)
		if code := f.code(up.Get("identifier")); code != "" {
			return slices.Contains(own, code), nil
		}
		above, ok := f.Local(up.Get("reference").Text())
		if !ok || belongs[above.Type] == nil {
			break
		}
		key = above
	}
	return n.loose || key.Type != "Organization", nil // a role of no Organization names a person
}

// written is the document that the request of w writes of a resource.
func written(w interaction.Write, key fhir.Key) (doc resource.Value, ok bool) {
	if key == w.Key {
		return w.Doc, true
	}
	if w.With == nil {
		return doc, false
	}
	return w.With(key)
}

// CodesOf gives the codes that an Organization carries here.
func (f Facilities) CodesOf(ctx context.Context, organization fhir.ID) ([]string, error) {
	doc, err := f.stored(store.Ourselves(ctx), fhir.Key{Type: "Organization", ID: organization})
	return f.codes(doc), err
}

// stored is an entry of the directory that is there; without members if none is.
func (f Facilities) stored(ctx context.Context, key fhir.Key) (none resource.Value, err error) {
	found, err := f.Store.Read(ctx, key, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	doc, err := resource.New(found.Stored.Body)
	if err != nil {
		return none, err
	}
	return doc.Root(), nil
}
