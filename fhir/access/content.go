package access

import (
	"iter"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
)

// content is what Consents ask of a resource: when it was done or recorded, and the codes that it carries.
type content struct {
	when  []search.Interval
	codes [][]byte // token values

	undated bool // it is of no time: a rule with a dataPeriod is not about it
	uncoded bool // it is of a type that says nothing in codes
	known   bool // all codes that it is about are among codes
}

// contentRow says by which search parameters the time and the codes of a type are found.
type contentRow struct {
	// dates, of which the first that the resource has counts: what was done goes before what was written down.
	dates []string
	// codes say what it is about. Without one that has a system the resource may be about anything. Whatever else of the type
	// is found by a token is compared as well, as FHIR wants it: "if this code is found in an instance".
	codes []string
	// undated and uncoded are of types that are of no time, or say nothing about health in codes.
	undated, uncoded bool
}

// contentRows are the types of the compartment of Patient. What has no date of its own has that of its encounter, if the
// type has a parameter that finds it by that; what has neither may be of any time. Types with no codes here (claims, whose diagnoses no parameter finds) may be about anything.
// Source: https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision.dataPeriod
var contentRows = map[fhir.Type]contentRow{
	"Account":                     {dates: []string{"period"}},
	"AdverseEvent":                {dates: []string{"date"}, codes: []string{"event"}},
	"AllergyIntolerance":          {dates: []string{"onset", "date"}, codes: []string{"code"}},
	"Appointment":                 {dates: []string{"date"}, codes: []string{"service-type", "appointment-type", "reason-code"}},
	"AppointmentResponse":         {uncoded: true},
	"AuditEvent":                  {dates: []string{"date"}},
	"Basic":                       {dates: []string{"created"}, codes: []string{"code"}},
	"BodyStructure":               {codes: []string{"location", "morphology"}},
	"CarePlan":                    {dates: []string{"date"}, codes: []string{"category"}},
	"CareTeam":                    {dates: []string{"date"}, codes: []string{"category"}},
	"ChargeItem":                  {dates: []string{"occurrence", "entered-date"}, codes: []string{"code"}},
	"Claim":                       {dates: []string{"created"}},
	"ClaimResponse":               {dates: []string{"created"}},
	"ClinicalImpression":          {dates: []string{"date"}, codes: []string{"finding-code"}},
	"Communication":               {dates: []string{"sent", "received"}},
	"CommunicationRequest":        {dates: []string{"occurrence", "authored"}},
	"Composition":                 {dates: []string{"period", "date"}, codes: []string{"type"}},
	"Condition":                   {dates: []string{"onset-date", "recorded-date"}, codes: []string{"code"}},
	"Consent":                     {dates: []string{"date"}, uncoded: true},
	"Coverage":                    {uncoded: true},
	"CoverageEligibilityRequest":  {dates: []string{"created"}},
	"CoverageEligibilityResponse": {dates: []string{"created"}},
	"DetectedIssue":               {dates: []string{"identified"}, codes: []string{"code"}},
	"DeviceRequest":               {dates: []string{"event-date", "authored-on"}, codes: []string{"code"}},
	"DeviceUseStatement":          {},
	"DiagnosticReport":            {dates: []string{"date", "issued"}, codes: []string{"code"}},
	"DocumentManifest":            {dates: []string{"created"}, codes: []string{"type"}},
	"DocumentReference":           {dates: []string{"period", "date"}, codes: []string{"type"}},
	"Encounter":                   {dates: []string{"date"}, codes: []string{"type", "reason-code", "class"}},
	"EnrollmentRequest":           {uncoded: true},
	"EpisodeOfCare":               {dates: []string{"date"}, codes: []string{"type"}},
	"ExplanationOfBenefit":        {dates: []string{"created"}},
	"FamilyMemberHistory":         {dates: []string{"date"}, codes: []string{"code"}},
	"Flag":                        {dates: []string{"date"}},
	"Goal":                        {dates: []string{"start-date"}},
	"Group":                       {uncoded: true},
	"ImagingStudy":                {dates: []string{"started"}, codes: []string{"modality"}},
	"Immunization":                {dates: []string{"date"}, codes: []string{"vaccine-code"}},
	"ImmunizationEvaluation":      {dates: []string{"date"}, codes: []string{"target-disease"}},
	"ImmunizationRecommendation":  {dates: []string{"date"}, codes: []string{"vaccine-type", "target-disease"}},
	"Invoice":                     {dates: []string{"date"}},
	"List":                        {dates: []string{"date"}, codes: []string{"code"}},
	"MeasureReport":               {dates: []string{"period", "date"}},
	"Media":                       {dates: []string{"created"}, codes: []string{"type", "modality", "view"}},
	"MedicationAdministration":    {dates: []string{"effective-time"}, codes: []string{"code"}},
	"MedicationDispense":          {dates: []string{"whenhandedover", "whenprepared"}, codes: []string{"code"}},
	"MedicationRequest":           {dates: []string{"authoredon"}, codes: []string{"code"}},
	"MedicationStatement":         {dates: []string{"effective"}, codes: []string{"code"}},
	"MolecularSequence":           {},
	"NutritionOrder":              {dates: []string{"datetime"}, codes: []string{"oraldiet", "supplement", "formula"}},
	"Observation":                 {dates: []string{"date"}, codes: []string{"code"}},
	"Patient":                     {undated: true, uncoded: true},
	"Person":                      {undated: true, uncoded: true},
	"Procedure":                   {dates: []string{"date"}, codes: []string{"code"}},
	"Provenance":                  {dates: []string{"when", "recorded"}, uncoded: true},
	"QuestionnaireResponse":       {dates: []string{"authored"}},
	"RelatedPerson":               {undated: true, uncoded: true},
	"RequestGroup":                {dates: []string{"authored"}, codes: []string{"code"}},
	"ResearchSubject":             {dates: []string{"date"}, uncoded: true},
	"RiskAssessment":              {dates: []string{"date"}},
	"Schedule":                    {dates: []string{"date"}, codes: []string{"service-type"}},
	"ServiceRequest":              {dates: []string{"occurrence", "authored"}, codes: []string{"code"}},
	"Specimen":                    {dates: []string{"collected"}, codes: []string{"type"}},
	"SupplyDelivery":              {},
	"SupplyRequest":               {dates: []string{"date"}, codes: []string{"category"}},
	"VisionPrescription":          {dates: []string{"datewritten"}, uncoded: true},
}

// contentOf reads a resource of t off its entries.
func contentOf(t fhir.Type, entries []search.Entry, look search.Lookup) *content {
	row := contentRows[t]
	c := &content{undated: row.undated, uncoded: row.uncoded, when: datesOf(t, entries)}
	if len(c.when) == 0 && !c.undated {
		for _, code := range []string{"encounter", "context"} {
			for _, key := range leadingTo("Encounter", t, code, entries) {
				if of, found := look(key); found {
					c.when = append(c.when, datesOf("Encounter", of)...)
				}
			}
		}
	}
	c.add(t, entries, row.codes)
	if !c.known { // a drug may be described elsewhere
		for _, key := range leadingTo("Medication", t, "medication", entries) {
			if of, found := look(key); found {
				c.add("Medication", of, []string{"code"})
			}
		}
	}
	return c
}

func (c *content) add(t fhir.Type, entries []search.Entry, main []string) {
	for _, p := range r4.Params(t) {
		if p.Type != r4.ParamToken || p.Code == "_id" {
			continue
		}
		is := slices.Contains(main, p.Code)
		for v := range entryValues(entries, search.ParamID(p.ID)) {
			c.codes = append(c.codes, slices.Clone(v))
			c.known = c.known || is && search.TokenSystem(v) != ""
		}
	}
}

func datesOf(t fhir.Type, entries []search.Entry) (out []search.Interval) {
	for _, code := range contentRows[t].dates {
		for v := range entryValues(entries, param(t, code)) {
			if iv, ok := search.ReadDate(v); ok {
				out = append(out, iv)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// leadingTo gives the resources of a type that a parameter refers to.
func leadingTo(to, t fhir.Type, code string, entries []search.Entry) (out []fhir.Key) {
	if p := r4.Param(t, code); p != nil && p.Type == r4.ParamReference {
		for v := range entryValues(entries, search.ParamID(p.ID)) {
			if key, local := search.ReferenceKey(v); local && key.Type == to {
				out = append(out, key)
			}
		}
	}
	return out
}

// entryValues gives the values of one parameter.
func entryValues(entries []search.Entry, p search.ParamID) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, e := range entries {
			if e.Param == p && !yield(e.Value) {
				return
			}
		}
	}
}

// within says whether all of it is of a time. What is so in part, or has no date, may be.
func (c *content) within(period search.Interval) holding {
	if c == nil {
		return maybe
	}
	if c.undated {
		return no
	}
	if len(c.when) == 0 {
		return maybe
	}
	in, out := 0, 0
	for _, w := range c.when {
		switch {
		case w.End < period.Start, w.Start > period.End:
			out++
		case period.Start <= w.Start && w.End <= period.End:
			in++
		}
	}
	switch len(c.when) {
	case in:
		return yes
	case out:
		return no
	}
	return maybe
}

// carries says whether it has one of some codes.
func (c *content) carries(codes []string) holding {
	switch {
	case c == nil:
		return maybe
	case slices.ContainsFunc(c.codes, func(v []byte) bool { return slices.Contains(codes, string(v)) }):
		return yes
	case c.known || c.uncoded:
		return no
	}
	return maybe
}
