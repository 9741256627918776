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
}

// Hook is an interaction.Hook: a dose that breaks a rule of severity error is refused, code "dose-refused"; other breaches
// are warnings to the sender, kept under RecordSpace.
//
// The birth date is that of the Patient as stored and as the sender may see it. A Patient of the same transaction is not
// stored yet: a dose before its birth is found when it is judged.
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
	birth, err := r.birth(ctx, w.Doc)
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
	if len(codes) > 0 {
		row.Value = []byte(strings.Join(codes, " "))
	}
	if len(codes) > 0 || w.Before != nil {
		out.Records = []store.Record{row}
	}
	return out, nil
}

// birth is the birth date of the Patient that a dose is of; zero if it is not known to the day, or the Patient is not here.
func (r Rules) birth(ctx context.Context, doc resource.Value) (time.Time, error) {
	to := fhir.ParseReference(doc.Get("patient").Get("reference").Text()).Key
	if to.Type != "Patient" || to.ID == "" {
		return time.Time{}, nil
	}
	f, err := r.Store.Read(ctx, to, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return time.Time{}, nil
	} else if err != nil {
		return time.Time{}, err
	}
	patient, err := parsed(f)
	if err != nil {
		return time.Time{}, err
	}
	text := patient.Doc.Get("birthDate").Text()
	birth, ok := immunization.ParseDay(text)
	if !ok || len(text) != len(time.DateOnly) {
		return time.Time{}, nil
	}
	return birth, nil
}
