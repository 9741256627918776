package accesstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Reader reads a policy as a person would, and looks at documents.
type Reader struct {
	World *World
	tb    testing.TB
	file  struct {
		Groups map[string][]string
		Roles  map[string]struct {
			Rules      []rule
			BreakGlass []rule `yaml:"break-glass"`
			Operations []string
			Facilities string
		}
	}
	paths map[string]*fhirpath.Expr
}

type rule struct {
	Types   []string
	Actions string
	Where   []string
	Despite bool `yaml:"despite-consent"`
}

// NewReader reads a policy.
func NewReader(tb testing.TB, w *World, policy []byte) *Reader {
	r := &Reader{World: w, tb: tb, paths: map[string]*fhirpath.Expr{}}
	if err := yaml.Unmarshal(policy, &r.file); err != nil {
		tb.Fatal(err)
	}
	return r
}

// Operation says whether a caller may call an operation.
func (r *Reader) Operation(c access.Caller, name string) bool {
	return slices.Contains(r.file.Roles[string(c.Role)].Operations, name)
}

// May says whether a caller may do an action (a letter of cruds) with a document.
func (r *Reader) May(c access.Caller, action byte, d *Doc) bool {
	if !r.scoped(c, action, d) {
		return false
	}
	rules := r.file.Roles[string(c.Role)].Rules
	if c.BreakGlass != "" {
		rules = append(rules[:len(rules):len(rules)], r.file.Roles[string(c.Role)].BreakGlass...)
	}
	for _, one := range rules {
		if strings.IndexByte(one.Actions, action) < 0 || !r.names(one.Types, d.Key.Type) || !one.Despite && r.denied(c, d) {
			continue
		}
		if len(one.Where) == 0 {
			return true
		}
		for _, w := range one.Where {
			if r.meets(c, action, w, d) {
				return true
			}
		}
	}
	return false
}

// Foreign says whether a document names a facility that is not the caller's, where the role may write of its own alone. No fence
// decides that.
func (r *Reader) Foreign(c access.Caller, d *Doc) bool {
	if r.file.Roles[string(c.Role)].Facilities == "any" {
		return false
	}
	for _, element := range []string{"facility", "owner", "issuer", "partOf", "managingOrganization", "organization", "providedBy"} {
		if slices.Contains(naming[element], d.Key.Type) && r.of(c, d.Root.Get(element).Get("reference").Text(), 9) {
			return true
		}
	}
	element := map[fhir.Type]string{"Claim": "provider", "ExplanationOfBenefit": "provider", "CoverageEligibilityRequest": "provider", "Encounter": "serviceProvider"}[d.Key.Type]
	if provider := d.Root.Get(element).Get("reference").Text(); strings.HasPrefix(provider, "Organization/") {
		key := fhir.ParseReference(provider).Key
		o := r.World.Get(key)
		coded := o != nil && len(facilitiesOf(o)) > 0
		own := coded && slices.ContainsFunc(facilitiesOf(o), func(code string) bool { return r.isOwn(c, code) })
		itself := key.ID == c.Organization && (d.Key.Type != "Claim" || !coded)
		if !own && !itself {
			return true
		}
	}
	return d.Key.Type != "Organization" && slices.ContainsFunc(facilitiesOf(d), func(code string) bool { return !r.isOwn(c, code) })
}

// naming are the types that name a facility by an element, where what leads to no code is nobody's.
var naming = map[string][]fhir.Type{
	"facility": {"Claim", "ExplanationOfBenefit", "CoverageEligibilityRequest"}, "owner": {"Account"}, "issuer": {"Invoice"}, "partOf": {"Organization", "Location"},
	"managingOrganization": {"Location", "Endpoint"}, "organization": {"PractitionerRole"}, "providedBy": {"HealthcareService"},
}

// of says whether a reference leads to the code of a facility that is not the caller's.
func (r *Reader) of(c access.Caller, reference string, steps int) bool {
	key := fhir.ParseReference(reference).Key
	d := r.World.Get(key)
	if d == nil || steps == 0 || key == (fhir.Key{Type: "Organization", ID: c.Organization}) {
		return false
	}
	if codes := facilitiesOf(d); len(codes) > 0 {
		return !slices.ContainsFunc(codes, func(code string) bool { return r.isOwn(c, code) })
	}
	for _, element := range []string{"partOf", "managingOrganization", "organization", "providedBy"} {
		if slices.Contains(naming[element], key.Type) && r.of(c, d.Root.Get(element).Get("reference").Text(), steps-1) {
			return true
		}
	}
	return false
}

// isOwn says whether a code is among those that a caller is registered for, or of the caller's Organization.
func (r *Reader) isOwn(c access.Caller, code string) bool {
	if c.Facilities != nil {
		return slices.Contains(c.Facilities, code)
	}
	o := r.World.Get(fhir.Key{Type: "Organization", ID: c.Organization})
	return o != nil && slices.Contains(facilitiesOf(o), code)
}

// facilitiesOf gives the codes in the identifiers of an Organization, or the facilities whose episodes or patients the others number.
func facilitiesOf(d *Doc) (codes []string) {
	for id := range d.Root.Get("identifier").Elements() {
		if id.Get("system").Text() == CSKCB {
			codes = append(codes, id.Get("value").Text())
		} else if code, ok := strings.CutPrefix(id.Get("system").Text(), MaLK); ok {
			codes = append(codes, code)
		} else if code, ok := strings.CutPrefix(id.Get("system").Text(), MaBN); ok {
			codes = append(codes, code)
		}
	}
	return codes
}

func (r *Reader) names(types []string, t fhir.Type) bool {
	return slices.ContainsFunc(types, func(name string) bool {
		return name == "*" || name == string(t) || slices.Contains(r.file.Groups[name], string(t))
	})
}

// scoped knows scopes without criteria: level/Type.letters.
func (r *Reader) scoped(c access.Caller, action byte, d *Doc) bool {
	if !c.System && len(c.Scopes) == 0 {
		return true
	}
	for _, s := range c.Scopes {
		_, rest, _ := strings.Cut(s, "/")
		name, letters, _ := strings.Cut(rest, ".")
		if (name == "*" || name == string(d.Key.Type)) && strings.IndexByte(letters, action) >= 0 {
			return true
		}
	}
	return false
}

// denied says whether the patient of a document denies everybody everything, or what p5 to p7 deny (see partly.go); or
// another one does with whom the patient was merged.
func (r *Reader) denied(who access.Caller, d *Doc) bool {
	patients := []string{"Patient/" + string(d.Key.ID)}
	if d.Key.Type != "Patient" {
		patients = r.patients(d)
	}
	for i := 0; i < len(patients); i++ {
		if p := r.World.Get(fhir.ParseReference(patients[i]).Key); p != nil && i < 10 {
			for link := range p.Root.Get("link").Elements() {
				patients = append(patients, link.Get("other").Get("reference").Text())
			}
		}
		for _, p := range r.World.Docs { // and those that name this one
			for link := range p.Root.Get("link").Elements() {
				if p.Key.Type == "Patient" && link.Get("other").Get("reference").Text() == patients[i] && i < 10 && !slices.Contains(patients, p.Key.String()) {
					patients = append(patients, p.Key.String())
				}
			}
		}
	}
	for _, c := range r.World.Docs {
		if c.Key.Type != "Consent" || !slices.Contains(patients, c.Root.Get("patient").Get("reference").Text()) {
			continue
		}
		if c.Root.Get("provision").Get("type").Text() == "deny" {
			return true
		}
		for p := range c.Root.Get("provision").Get("provision").Elements() {
			if r.means(p, who, d) {
				return true
			}
		}
	}
	return false
}

// means says whether a provision that denies by one criterion is about a document and a caller.
func (r *Reader) means(p resource.Value, who access.Caller, d *Doc) bool {
	if year := p.Get("dataPeriod").Get("start").Text(); year != "" && d.Key.Type != "Patient" {
		date := d.Root.Get(partlyTypes[d.Key.Type].date).Text()
		if e := r.World.Get(fhir.ParseReference(d.Root.Get("encounter").Get("reference").Text()).Key); date == "" && e != nil && r4.Param(d.Key.Type, "encounter") != nil { // else no search knows of it
			date = e.Root.Get("period").Get("start").Text()
		}
		if d.Key.Type == "Encounter" {
			date = d.Root.Get("period").Get("start").Text()
		}
		return date == "" || strings.HasPrefix(date, year)
	}
	for code := range p.Get("code").Elements() {
		if d.Key.Type == "Patient" || d.Key.Type == "Encounter" { // whose class is another code
			return false
		}
		coding := d.Root.Get(partlyTypes[d.Key.Type].code).Get("coding")
		wanted := code.Get("coding").First()
		return coding.Len() == 0 || coding.First().Get("system").Text() == wanted.Get("system").Text() && coding.First().Get("code").Text() == wanted.Get("code").Text()
	}
	for a := range p.Get("actor").Elements() {
		switch to := a.Get("reference").Get("reference").Text(); to {
		case "Group/g1":
			return who.Practitioner == "n1"
		case "Organization/o1":
			return who.Organization == "h1"
		}
	}
	return false
}

// patients gives those that a document is about: in a parameter patient or subject, else in one of those of the compartment.
func (r *Reader) patients(d *Doc) []string {
	for _, codes := range [][]string{{"patient"}, {"subject"}, r4.CompartmentParams("Patient", d.Key.Type)} {
		known := false
		var out []string
		for _, code := range codes {
			p := r4.Param(d.Key.Type, code)
			if p == nil || p.Type != r4.ParamReference || !slices.Contains(p.Targets, "Patient") {
				continue
			}
			known = true
			for _, to := range r.references(d, code) {
				if strings.HasPrefix(to, "Patient/") {
					out = append(out, to)
				}
			}
		}
		if known {
			return out
		}
	}
	return nil
}

// references evaluates the expression of a reference parameter.
func (r *Reader) references(d *Doc, code string) (out []string) {
	p := r4.Param(d.Key.Type, code)
	if p == nil {
		r.tb.Fatalf("%s has no parameter %s", d.Key.Type, code)
	}
	e := r.paths[p.Expression]
	if e == nil {
		var err error
		if e, err = fhirpath.Parse(p.Expression); err != nil {
			r.tb.Fatal(err)
		}
		r.paths[p.Expression] = e
	}
	for _, item := range e.Evaluate(d.Root) {
		if s := item.Value.Get("reference").Text(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (r *Reader) meets(c access.Caller, action byte, criterion string, d *Doc) bool {
	for _, id := range c.Merged { // he is this one too
		other := c
		if other.Patient, other.Merged = id, nil; r.meets(other, action, criterion, d) {
			return true
		}
	}
	for part := range strings.SplitSeq(criterion, "&") {
		name, value, _ := strings.Cut(part, "=")
		if strings.Contains(value, "{facility}") {
			criterion := strings.Replace(criterion, "{facility}", "%s", 1)
			return slices.ContainsFunc(c.Facilities, func(code string) bool { return r.meets(c, action, fmt.Sprintf(criterion, code), d) })
		}
		for variable, id := range map[string]fhir.ID{"{organization}": c.Organization, "{patient}": c.Patient, "{practitioner}": c.Practitioner} {
			if strings.Contains(value, variable) && id == "" {
				return false
			}
			value = strings.ReplaceAll(value, variable, string(id))
		}
		if !r.holds(action, name, value, d) {
			return false
		}
	}
	return true
}

func (r *Reader) holds(action byte, name, value string, d *Doc) bool {
	self := d.Key.String()
	switch {
	case name == "sender":
		return action == 'c' || string(d.Sender) == value
	case name == "cited-by":
		return slices.ContainsFunc(r.World.Docs, func(o Doc) bool { return string(o.Key.Type) == value && refersTo(o.Root, self) })
	case name == "compartment":
		if self == value {
			return true
		}
		return d.Key.Type != "Patient" && slices.ContainsFunc(r4.CompartmentParams("Patient", d.Key.Type), func(code string) bool {
			return slices.Contains(r.references(d, code), value)
		})
	case strings.HasSuffix(name, ":missing"):
		return (len(r.references(d, strings.TrimSuffix(name, ":missing"))) == 0) == (value == "true")
	case strings.HasPrefix(name, "_has:"):
		parts := strings.SplitN(name, ":", 4)
		return slices.ContainsFunc(r.World.Docs, func(o Doc) bool {
			return string(o.Key.Type) == parts[1] && slices.Contains(r.references(&o, parts[2]), self) && r.holds(action, parts[3], value, &o)
		})
	case strings.Contains(name, "."):
		code, rest, _ := strings.Cut(name, ".")
		code, target, _ := strings.Cut(code, ":")
		return slices.ContainsFunc(r.references(d, code), func(to string) bool {
			if !strings.HasPrefix(to, target) {
				return false
			}
			o := r.World.Get(fhir.ParseReference(to).Key)
			return o != nil && r.holds(action, rest, value, o)
		})
	}
	if system, code, ok := strings.Cut(value, "|"); ok && name == "identifier" {
		for id := range d.Root.Get(name).Elements() {
			if id.Get("system").Text() == system && id.Get("value").Text() == code {
				return true
			}
		}
		return false
	}
	if p := r4.Param(d.Key.Type, name); p != nil && p.Type == r4.ParamToken { // of an element of the same name
		for c := range d.Root.Get(name).Get("coding").Elements() {
			if c.Get("code").Text() == value {
				return true
			}
		}
		return d.Root.Get(name).Text() == value
	}
	return slices.Contains(r.references(d, name), value)
}

func refersTo(v resource.Value, to string) bool {
	if v.Kind() == resource.String {
		return v.Name() == "reference" && v.Text() == to
	}
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		if refersTo(c, to) {
			return true
		}
	}
	return false
}

// Callers are those that the matrix asks as, by name.
func Callers() map[string]access.Caller {
	all := []string{"system/*.cruds"}
	return map[string]access.Caller{
		"hospital":             {Subject: "his-1", System: true, Role: access.RoleHospital, Organization: "h1", Scopes: all},
		"hospital group":       {Subject: "his-4", System: true, Role: access.RoleHospital, Organization: "o1", Facilities: []string{"51901", "51902"}, Scopes: all},
		"hospital narrowed":    {Subject: "his-2", System: true, Role: access.RoleHospital, Organization: "h1", Scopes: []string{"system/Observation.rs"}},
		"hospital scopeless":   {Subject: "his-3", System: true, Role: access.RoleHospital, Organization: "h1"},
		"clinic":               {Subject: "nurse", Role: access.RoleClinic, Organization: "k1", Practitioner: "n1"},
		"clinic, glass broken": {Subject: "nurse", Role: access.RoleClinic, Organization: "k1", Practitioner: "n1", BreakGlass: "unconscious, allergy asked for"},
		"clinic of nobody":     {Subject: "lost", Role: access.RoleClinic},
		"auditor":              {Subject: "assessor", Role: access.RoleAuditor, Organization: "bhxh"},
		"citizen":              {Subject: "c1", Role: access.RoleCitizen, Patient: "p1"},
		"citizen who denies":   {Subject: "c3", Role: access.RoleCitizen, Patient: "p3"},
		"citizen, merged":      {Subject: "c1", Role: access.RoleCitizen, Patient: "p1", Merged: []fhir.ID{"p2"}},
		"citizen of nobody":    {Subject: "c0", Role: access.RoleCitizen},
		"registrar":            {Subject: "clerk", Role: access.RoleRegistrar},
		"operator":             {Subject: "ops", Role: access.RoleOperator},
		"unknown role":         {Subject: "x", Role: "surgeon"},
	}
}
