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
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
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
	var waiting []candidate
	// settle looks at those who wait, until the page is full; done says that it is.
	settle := func() (done bool, err error) {
		found, err := r.together(ctx, waiting)
		if err != nil {
			return false, err
		}
		for _, c := range waiting {
			if len(out.Persons) == q.Limit || looks >= mostLooks*q.Limit {
				return true, nil
			}
			looks++
			last = c.key
			one, err := r.dueOf(ctx, c, found, today, out.Until, q)
			if err != nil {
				return false, err
			}
			if one != nil {
				out.Persons = append(out.Persons, *one)
			}
		}
		waiting = waiting[:0]
		return false, nil
	}
	for rec, err := range r.Store.Records(store.Ourselves(ctx), Space, from, end(append(list, date(out.Until))...)) {
		if err != nil {
			return nil, err
		}
		if len(waiting) == vaccination.MostAtOnce || len(out.Persons)+len(waiting) >= q.Limit+1 {
			done, err := settle()
			if err != nil {
				return nil, err
			}
			if done {
				out.Next, err = r.write(ctx, mark{Of: key(list...) + separator, Key: last})
				return out, err
			}
		}
		c, err := r.candidate(ctx, rec.Key, out.Until, q)
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, c)
	}
	done, err := settle()
	if err == nil && done {
		out.Next, err = r.write(ctx, mark{Of: key(list...) + separator, Key: last})
	}
	return out, err
}

// candidate is a row of a list that is to be looked at.
type candidate struct {
	key  string
	kept *row // nil = it has changed since the list was read, or nothing that is asked for is due
}

// candidate reads the row of the person of a list's key.
func (r *Registry) candidate(ctx context.Context, k string, until time.Time, q DueQuery) (candidate, error) {
	p := parts(k)
	raw, found, err := r.Store.Record(store.Ourselves(ctx), Space, key("p", p[len(p)-1]))
	if err != nil || !found {
		return candidate{key: k}, err
	}
	var kept row
	if err := json.Unmarshal(raw, &kept); err != nil {
		return candidate{}, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	if !slices.ContainsFunc(kept.Series, func(s standing) bool {
		return s.Recommended != "" && s.Recommended <= date(until) && (len(q.Series) == 0 || slices.Contains(q.Series, s.Series)) && (!q.Overdue || s.State == "overdue")
	}) {
		return candidate{key: k}, nil
	}
	return candidate{k, &kept}, nil
}

// together gathers the candidates who are one Patient alone, all at once; those who are not in it have to be gathered alone.
func (r *Registry) together(ctx context.Context, all []candidate) (map[fhir.Key]*vaccination.Gathered, error) {
	var keys []fhir.Key
	for _, c := range all {
		if c.kept != nil && len(c.kept.Members) == 1 {
			keys = append(keys, fhir.Key{Type: "Patient", ID: c.kept.Lead})
		}
	}
	if len(keys) < 2 {
		return nil, nil
	}
	found, ok, err := r.Given.Several(ctx, keys, 0)
	if err != nil || !ok {
		return nil, err
	}
	for _, k := range keys {
		if found[k] == nil {
			found[k] = &vaccination.Gathered{} // the caller may not see who it is
		}
	}
	return found, nil
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

// dueOf is what is due of a candidate, nil if nothing is or the caller may not see it.
func (r *Registry) dueOf(ctx context.Context, c candidate, found map[fhir.Key]*vaccination.Gathered, today, until time.Time, q DueQuery) (*DuePerson, error) {
	if c.kept == nil {
		return nil, nil
	}
	lead := fhir.Key{Type: "Patient", ID: c.kept.Lead}
	who, ok := found[lead]
	if !ok {
		var err error
		who, err = r.Given.Whole(ctx, lead, 0)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.TooCostly) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	if who.Person.Lead.Key.ID == "" {
		return nil, nil
	}
	p, err := history.PersonOf(who.Person.Lead.Doc, today)
	if err != nil {
		return nil, nil // and it is unknown
	}
	who.Contraindicate(&p, today)
	in := who.Person.Lead
	out := &DuePerson{contact: contactOf(in.Doc), Doc: in.Doc, Patient: in.Key.String(), Assessment: history.Assess(r.Schedules, &p, who.Records, today)}
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
