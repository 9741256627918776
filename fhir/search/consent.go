package search

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Consent is what a Consent resource says about access, as the value of ParamConsent carries it.
// Source: https://hl7.org/fhir/R4/consent.html
type Consent struct {
	Inactive bool // it says nothing: its status is not active, or it is about something else than access
	// Otherwise denies where its provisions do not apply: an opt-out.
	Otherwise bool
	Root      Provision
}

// Provision is one rule of a Consent; a criterion that is empty always holds.
type Provision struct {
	Deny       bool
	Start, End int64 // period in milliseconds, both inclusive; NoStart and NoEnd
	Purposes   []string
	Actors     []fhir.Key
	Actions    []string
	Classes    []string // resource types
	// Label is the highest level of confidentiality that the rule is about, as Confidentiality gives it; 0 = all.
	Label uint8
	// Data says that the rule is about the resources of ParamConsentData alone.
	Data bool
	// Dated says that the rule is about what was done or recorded within DataStart and DataEnd, in milliseconds, inclusive.
	Dated              bool
	DataStart, DataEnd int64
	// Codes are token values (AppendToken): the rule is about what carries one of them.
	Codes []string
	// Vague says that there is a criterion that nobody here can decide.
	Vague bool
	// VagueActor says that some actor is not known by a reference to a resource of this server that can ask for itself.
	VagueActor bool
	Nested     []Provision
}

// MaxConsent bounds the value of a Consent. One that would be longer, or has more levels than MaxProvisionDepth, is taken as
// a denial of everything, since it cannot be followed.
const (
	MaxConsent        = 8 << 10
	MaxProvisionDepth = 8
)

// Confidentiality gives the level of a code of http://terminology.hl7.org/CodeSystem/v3-Confidentiality, 0 if it is none.
func Confidentiality(code string) uint8 {
	switch code {
	case "U":
		return 1
	case "L":
		return 2
	case "M":
		return 3
	case "N":
		return 4
	case "R":
		return 5
	case "V":
		return 6
	}
	return 0
}

// SpeaksOfAccess says whether a Consent says who may see the record: it is active, and not about what is done with the person.
func SpeaksOfAccess(consent resource.Value) bool {
	active := consent.Get("status").Text() == "active"
	speaks := active
	for s := range consent.Get("scope").Get("coding").Elements() {
		switch s.Get("code").Text() {
		case "adr", "research", "treatment", "vaccination-reminder":
			speaks = false
		case "patient-privacy":
			speaks = active
		}
	}
	return speaks
}

// What of a provision can be decided here: actors that callers are or belong to, actions that have an interaction, classes that are types.
// Source: http://terminology.hl7.org/CodeSystem/consentaction
var (
	ConsentActors  = []fhir.Type{"Organization", "Practitioner", "PractitionerRole", "CareTeam", "Group", "Patient"}
	ConsentActions = []string{"collect", "correct", "access", "use", "disclose"}
)

// ConsentAction gives the code of an action, "" for one that nobody here can decide.
func ConsentAction(action resource.Value) (code string) {
	for c := range action.Get("coding").Elements() {
		if t := c.Get("code").Text(); slices.Contains(ConsentActions, t) {
			code = t
		}
	}
	return code
}

// ConsentClass gives the type of resources that a class names, "" for one that names none.
func ConsentClass(class resource.Value) fhir.Type {
	if t := fhir.Type(class.Get("code").Text()); r4.IsResource(t) {
		return t
	}
	return ""
}

// AsksOfContent says whether some rule below p, itself included, asks for the date or the codes of what it is about.
func (p *Provision) AsksOfContent() bool {
	return p.Dated || len(p.Codes) > 0 || slices.ContainsFunc(p.Nested, func(n Provision) bool { return n.AsksOfContent() })
}

// AsksOfMembers says whether some rule below p, itself included, names an actor that others may belong to.
func (p *Provision) AsksOfMembers() bool {
	return slices.ContainsFunc(p.Actors, func(k fhir.Key) bool { return k.Type != "Practitioner" && k.Type != "Patient" }) ||
		slices.ContainsFunc(p.Nested, func(n Provision) bool { return n.AsksOfMembers() })
}

// ConsentCodes gives the codings of a code that can be compared, which have a system; none where there is but a text.
func ConsentCodes(concept resource.Value) (codings []resource.Value) {
	for c := range concept.Get("coding").Elements() {
		if c.Get("code").Text() != "" && c.Get("system").Text() != "" {
			codings = append(codings, c)
		}
	}
	return codings
}

const (
	consentFormat = 'c'

	consentInactive  = 1
	consentOtherwise = 2

	provisionDeny       = 1
	provisionData       = 2
	provisionVague      = 4
	provisionVagueActor = 8
	provisionDated      = 16
)

// AppendConsent appends the value of a Consent.
func AppendConsent(dst []byte, c Consent) []byte {
	from := len(dst)
	if c.Inactive {
		return append(dst, consentFormat, consentInactive)
	}
	var flags byte
	if c.Otherwise {
		flags = consentOtherwise
	}
	out, ok := appendProvision(append(dst, consentFormat, flags), &c.Root, 1)
	if !ok || len(out)-from > MaxConsent {
		out, _ = appendProvision(append(out[:from], consentFormat, consentOtherwise), &Provision{Deny: true, Start: NoStart, End: NoEnd}, 1)
	}
	return out
}

func appendProvision(dst []byte, p *Provision, depth int) ([]byte, bool) {
	if depth > MaxProvisionDepth || len(dst) > 4*MaxConsent {
		return dst, false
	}
	var flags byte
	for _, f := range []struct {
		on  bool
		bit byte
	}{{p.Deny, provisionDeny}, {p.Data, provisionData}, {p.Vague, provisionVague}, {p.VagueActor, provisionVagueActor}, {p.Dated, provisionDated}} {
		if f.on {
			flags |= f.bit
		}
	}
	dst = append(dst, flags, p.Label)
	dst = binary.AppendVarint(binary.AppendVarint(dst, p.Start), p.End)
	if p.Dated {
		dst = binary.AppendVarint(binary.AppendVarint(dst, p.DataStart), p.DataEnd)
	}
	dst = appendTexts(dst, p.Purposes)
	dst = binary.AppendUvarint(dst, uint64(len(p.Actors)))
	for _, a := range p.Actors {
		dst = appendText(appendText(dst, string(a.Type)), string(a.ID))
	}
	dst = appendTexts(appendTexts(appendTexts(dst, p.Actions), p.Classes), p.Codes)
	dst = binary.AppendUvarint(dst, uint64(len(p.Nested)))
	for i := range p.Nested {
		var ok bool
		if dst, ok = appendProvision(dst, &p.Nested[i], depth+1); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errConsent = errors.New("search: no value of a consent")

// ReadConsent is the inverse of AppendConsent.
func ReadConsent(value []byte) (Consent, error) {
	if len(value) < 2 || value[0] != consentFormat {
		return Consent{}, errConsent
	}
	if value[1]&consentInactive != 0 {
		return Consent{Inactive: true}, nil
	}
	c := Consent{Otherwise: value[1]&consentOtherwise != 0}
	r := consentReader{rest: value[2:]}
	c.Root = r.provision(1)
	if r.bad || len(r.rest) > 0 {
		return Consent{}, errConsent
	}
	return c, nil
}

type consentReader struct {
	rest []byte
	bad  bool
}

func (r *consentReader) provision(depth int) (p Provision) {
	if depth > MaxProvisionDepth || len(r.rest) < 2 {
		r.bad = true
		return p
	}
	flags := r.rest[0]
	p.Deny, p.Data = flags&provisionDeny != 0, flags&provisionData != 0
	p.Vague, p.VagueActor = flags&provisionVague != 0, flags&provisionVagueActor != 0
	p.Label, r.rest = r.rest[1], r.rest[2:]
	p.Start, p.End = r.varint(), r.varint()
	if p.Dated = flags&provisionDated != 0; p.Dated {
		p.DataStart, p.DataEnd = r.varint(), r.varint()
	}
	p.Purposes = r.texts()
	for range r.count() {
		p.Actors = append(p.Actors, fhir.Key{Type: fhir.Type(r.text()), ID: fhir.ID(r.text())})
	}
	p.Actions, p.Classes, p.Codes = r.texts(), r.texts(), r.texts()
	for range r.count() {
		if p.Nested = append(p.Nested, r.provision(depth+1)); r.bad {
			break
		}
	}
	return p
}

func (r *consentReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many follow; each takes at least a byte.
func (r *consentReader) count() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *consentReader) text() string {
	n := r.count()
	if n > len(r.rest) {
		r.bad, r.rest = true, nil
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *consentReader) texts() (out []string) {
	for range r.count() {
		out = append(out, r.text())
	}
	return out
}
