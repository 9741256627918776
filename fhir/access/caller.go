package access

import (
	"context"
	"regexp"

	"github.com/lienthong/lienthong/fhir"
)

// Caller is who asks, as authentication established it. It holds nothing secret, but Subject and the ids of a person
// are not for logs.
type Caller struct {
	// Subject names the caller at its Issuer: client_id of a system, sub of a person.
	Subject string
	// Issuer is who vouches for Subject: our own token endpoint, or an OpenID Connect issuer.
	Issuer string
	// System says that this is software acting for an organization (SMART Backend Services), not a person.
	System bool
	// Session says that it is a person at a browser who signed in here.
	Session bool
	// Role is what policies are written for.
	Role Role
	// Organization is the id of the Organization that the caller belongs to or acts for; "" for citizens.
	Organization fhir.ID
	// Facilities are the facilities (MA_CSKCB) that the caller sends claims for, as whoever runs the server registered it. nil: it
	// was not said, and the one that Organization carries counts; empty: none.
	Facilities []string
	// Practitioner is the id of the Practitioner that a person of staff is; "" if not known.
	Practitioner fhir.ID
	// Patient is the id of the Patient that a citizen is, or that a patient/ scope is bound to.
	Patient fhir.ID
	// Merged are further Patients that are the same person as Patient: what is recorded under them is the person's too.
	Merged []fhir.ID
	// Scopes are the SMART v2 scopes granted, such as system/Claim.rs: they narrow what the role allows, never widen it.
	Scopes []string
	// Purpose of use, a code of http://terminology.hl7.org/CodeSystem/v3-ActReason such as TREAT, HPAYMT, PATRQT, ETREAT.
	Purpose string
	// BreakGlass is the reason given for looking at what the role alone does not allow; "" = the glass is whole.
	BreakGlass string
}

// facilityCode is what a code of a facility looks like: it becomes a part of searches and identifier systems.
var facilityCode = regexp.MustCompile(`^[A-Za-z0-9]{1,20}$`)

// IsFacility says whether a text can be the code of a facility (MA_CSKCB), such as 51901.
func IsFacility(code string) bool { return facilityCode.MatchString(code) }

// Role is what policies are written for.
type Role string

// The roles that a policy may have rules for.
const (
	RoleHospital  Role = "hospital"
	RoleClinic    Role = "clinic"
	RoleAuditor   Role = "auditor"
	RoleCitizen   Role = "citizen"
	RoleRegistrar Role = "registrar"
	RoleOperator  Role = "operator"
	// RoleService is the server's own: scheduler, adapters, hooks. No token gives it.
	RoleService Role = "service"
)

type callerKey struct{}

// called is a context with a caller.
type called struct {
	context.Context
	caller *Caller
}

func (c *called) Value(key any) any {
	if key == (callerKey{}) {
		return c.caller
	}
	return c.Context.Value(key)
}

// WithCaller gives a context that says who asks. Nobody changes c from then on.
func WithCaller(ctx context.Context, c *Caller) context.Context { return &called{ctx, c} }

// facilities are the codes that were registered: who has one through its Organization alone reads by that.
func (c Caller) facilities() (codes []fhir.ID) {
	for _, code := range c.Facilities {
		codes = append(codes, fhir.ID(code))
	}
	return codes
}

// patients are all ids of the person that the caller is.
func (c Caller) patients() []fhir.ID {
	if c.Patient == "" {
		return nil
	}
	return append([]fhir.ID{c.Patient}, c.Merged...)
}

// CallerOf says who asks; ok is false where nobody was established, as in the server's own work.
func CallerOf(ctx context.Context) (c Caller, ok bool) {
	if known := Calling(ctx); known != nil {
		return *known, true
	}
	return Caller{}, false
}

// Calling is CallerOf without a copy; nil where nobody was established. It must not be changed.
func Calling(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}
