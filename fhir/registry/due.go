package registry

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/forecast"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// DueQuery says whose list is wanted: of a commune or of a clinic.
type DueQuery struct {
	Commune string    // key or name
	Clinic  fhir.ID   // of an Organization that looks after the persons
	Until   time.Time // doses whose recommended date is this day or before; zero = today
	Overdue bool      // only those that are overdue
	Series  []string  // none = all
	Limit   int       // persons on a page
	After   string    // Due.Next of the page before
}

// Due is a page of a list, those first who wait longest.
type Due struct {
	AsOf
	Until   time.Time
	Persons []DuePerson
	Next    string // "" = the end
}

// DuePerson is somebody for whom a dose is due.
type DuePerson struct {
	contact
	Patient string // reference
	Doc     resource.Value
	Doses   []DueDose
	history.Assessment
}

// DueDose is a dose that is due.
type DueDose struct {
	Series                       *immunization.Series
	Number                       int
	State                        forecast.State
	Recommended, Overdue, Latest time.Time
}

// mostLooks is how many persons are looked at for each one shown, before a page ends with fewer: a caller may see few of
// those on the list.
const mostLooks = 20

// Due gives a page of a list. The rows kept say whom to look at; what is shown is the forecast of what the caller may see,
// read in this moment (FENCED), so that a dose which the caller may not know of tells nothing.
// Errors: Kind NotFound, code "registry-commune"; "registry-building"; "registry-mark".
func (r *Registry) Due(ctx context.Context, q DueQuery) (*Due, error) {
	as, err := r.Settle(ctx)
	if err != nil {
		return nil, err
	}
	today, err := time.Parse(time.DateOnly, as.Day)
	if err != nil {
		return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	out := &Due{AsOf: as, Until: q.Until}
	if q.Until.IsZero() {
		out.Until = today
	}
	list, err := r.list(ctx, q)
	if err != nil {
		return nil, err
	}
	from := key(list...) + separator
	m, err := r.read(ctx, from, q.After)
	if err != nil {
		return nil, err
	}
	if m.Key != "" {
		from = m.Key + behind
	}
	looks := 0
	last := ""
	for rec, err := range r.Store.Records(store.Ourselves(ctx), Space, from, end(append(list, date(out.Until))...)) {
		if err != nil {
			return nil, err
		}
		if len(out.Persons) == q.Limit || looks >= mostLooks*q.Limit {
			out.Next, err = r.write(ctx, mark{Of: key(list...) + separator, Key: last})
			return out, err
		}
		looks++
		last = rec.Key
		p := parts(rec.Key)
		one, err := r.dueOf(ctx, p[len(p)-1], today, out.Until, q)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out.Persons = append(out.Persons, *one)
		}
	}
	return out, nil
}

// list gives the parts that the keys of a list begin with.
func (r *Registry) list(ctx context.Context, q DueQuery) ([]string, error) {
	if q.Clinic != "" {
		return []string{"o", string(q.Clinic)}, nil
	}
	names, err := r.names(store.Ourselves(ctx))
	if err != nil {
		return nil, err
	}
	keys := keysOf(q.Commune, names)
	if len(keys) == 0 {
		return nil, fhir.Errorf(fhir.NotFound, "registry-commune", "http.commune")
	}
	if len(keys) > 1 {
		var full []string
		for _, k := range keys {
			full = append(full, names[k])
		}
		return nil, fhir.Errorf(fhir.Conflict, "registry-communes", "http.commune", strings.Join(full, "; "))
	}
	return []string{"d", keys[0]}, nil
}

// dueOf is what is due of a person, nil if nothing is or the caller may not see it.
func (r *Registry) dueOf(ctx context.Context, person string, today, until time.Time, q DueQuery) (*DuePerson, error) {
	raw, found, err := r.Store.Record(store.Ourselves(ctx), Space, key("p", person))
	if err != nil || !found {
		return nil, err // it has changed since the list was read
	}
	var kept row
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	if !slices.ContainsFunc(kept.Series, func(s standing) bool {
		return s.Recommended != "" && s.Recommended <= date(until) && (len(q.Series) == 0 || slices.Contains(q.Series, s.Series)) && (!q.Overdue || s.State == "overdue")
	}) {
		return nil, nil
	}
	who, records, err := r.Given.Gather(ctx, fhir.Key{Type: "Patient", ID: kept.Lead}, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.TooCostly) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	p, err := history.PersonOf(who.Lead.Doc, today)
	if err != nil {
		return nil, nil // and it is unknown
	}
	if err := r.Given.Contraindicate(ctx, who, records, &p, today); err != nil {
		return nil, err
	}
	out := &DuePerson{contact: contactOf(who.Lead.Doc), Doc: who.Lead.Doc, Patient: who.Lead.Key.String(), Assessment: history.Assess(r.Schedules, &p, records, today)}
	var due []forecast.Forecast
	for _, f := range out.Result.Series {
		if !settled(&f) || f.Recommended.After(until) || len(q.Series) > 0 && !slices.Contains(q.Series, f.Series.Name) || q.Overdue && f.State != forecast.Overdue {
			continue
		}
		due = append(due, f)
		out.Doses = append(out.Doses, DueDose{f.Series, f.Number, f.State, f.Recommended, f.Overdue, f.Latest})
	}
	if due == nil {
		return nil, nil
	}
	out.Result.Series = due
	return out, nil
}
