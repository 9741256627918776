package vaccination

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// RecordSpace holds the warnings that stand: the key is Immunization/id, the value the codes of history.Faults with blanks
// between. A row goes with the warning, so that registries find bad data without reading all doses; the document is as sent.
const RecordSpace store.Space = "dose-warnings"

// Rules judges doses as they are written. It is safe for concurrent use.
type Rules struct {
	Store     store.Store
	Schedules *immunization.Set
	Now       func() time.Time // nil = time.Now
	// Sees says whether who sends a dose may see a resource; nil = everybody sees all.
	Sees func(context.Context, fhir.Key) (bool, error)
}

// Hook is an interaction.Hook: a dose that breaks a rule of severity error is refused, code "dose-refused"; other breaches
// are warnings to the sender, kept under RecordSpace.
//
// The birth date is that of the Patient as stored, where the sender may see him or has shown who he is: else refused days would
// tell it. A Patient of the same transaction is not stored yet: a dose before its birth is found when it is judged.
func (r Rules) Hook(ctx context.Context, w interaction.Write) (interaction.Additions, error) {
	if w.Key.Type != "Immunization" {
		return interaction.Additions{}, nil
	}
	row := store.Record{Space: RecordSpace, Key: w.Key.String()}
	if w.Method == store.MethodDelete {
		return interaction.Additions{Records: []store.Record{row}}, nil
	}
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	birth, here, err := r.birth(ctx, w)
	if err != nil {
		return interaction.Additions{}, err
	}
	dose := history.Read(w.Doc)
	issues := history.Faults(r.Schedules, &dose, birth, immunization.LocalDay(now()))
	var codes []string
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			return interaction.Additions{}, &fhir.Error{Kind: fhir.Unprocessable, Code: "dose-refused", Issues: issues}
		}
		codes = append(codes, i.Code)
	}
	out := interaction.Additions{Issues: issues}
	if !here && dose.Status != "entered-in-error" && !beside(w) {
		// Not kept: it is over when the Patient comes, which no write of the dose says.
		out.Issues = append(out.Issues, fhir.Issue{Severity: fhir.SeverityWarning, Code: "dose-person", Path: w.Doc.Path() + ".patient"})
	}
	if len(codes) > 0 {
		row.Value = []byte(strings.Join(codes, " "))
	}
	if len(codes) > 0 || w.Before != nil {
		out.Records = []store.Record{row}
	}
	return out, nil
}

// beside says whether the Patient of a dose comes in the same request.
func beside(w interaction.Write) bool {
	return w.Beside != nil && w.Beside(patientOf(w.Doc))
}

func patientOf(dose resource.Value) fhir.Key {
	return fhir.ParseReference(dose.Get("patient").Get("reference").Text()).Key
}

// birth is the first day on which the Patient of a dose can have been born, zero if that is not known; here says whether there is
// such a Patient, as far as the sender may see.
func (r Rules) birth(ctx context.Context, w interaction.Write) (first time.Time, here bool, err error) {
	to := patientOf(w.Doc)
	if to.Type != "Patient" || to.ID == "" {
		return time.Time{}, false, nil
	}
	if r.Sees != nil && !w.Introduced[to] {
		if sees, err := r.Sees(ctx, to); err != nil || !sees {
			return time.Time{}, false, err
		}
	}
	f, err := r.Store.Read(ctx, to, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return time.Time{}, false, nil
	} else if err != nil {
		return time.Time{}, false, err
	}
	patient, err := parsed(f)
	if err != nil {
		return time.Time{}, false, err
	}
	first, _, _ = immunization.ParseSpan(patient.Doc.Get("birthDate").Text())
	return first, true, nil
}
