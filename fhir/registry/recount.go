package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/store"
)

const (
	separator = "\x1f" // no text in a key has it, see plain
	behind    = "\x20" // sorts right behind it
)

// present is the value of rows that say all by their key.
var present = []byte{'.'}

// key puts the parts of a key together, with a separator at the end of what other parts follow.
func key(parts ...string) string {
	if len(parts) == 1 {
		return parts[0] + separator
	}
	return strings.Join(parts, separator)
}

// end is where the keys end that begin with these parts.
func end(parts ...string) string { return strings.Join(parts, separator) + behind }

func parts(key string) []string { return strings.Split(key, separator) }

// recounting is the rows that one commit of ours changes.
type recounting struct {
	r       *Registry
	at      fhir.T
	day     time.Time
	rows    map[string][]byte // by key; nil = taken away
	tallies map[[2]string]*tally
	seen    map[fhir.ID]bool // Patients whose person has its new row, or none
}

// recount looks at the persons of these Patients anew, as of t and for a day, and gives the rows that change.
func (r *Registry) recount(ctx context.Context, patients map[fhir.ID]bool, t fhir.T, day time.Time) ([]store.Record, error) {
	c := recounting{r: r, at: t, day: day, rows: map[string][]byte{}, tallies: map[[2]string]*tally{}, seen: map[fhir.ID]bool{}}
	for len(patients) > 0 {
		left := map[fhir.ID]bool{} // of persons that are one no more
		for _, id := range slices.Sorted(maps.Keys(patients)) {
			if c.seen[id] {
				continue
			}
			if err := c.person(ctx, id, left); err != nil {
				return nil, err
			}
		}
		maps.DeleteFunc(left, func(id fhir.ID, _ bool) bool { return c.seen[id] })
		patients = left
	}
	for at, t := range c.tallies {
		c.rows[key("c", at[0], at[1])] = t.encode()
	}
	var out []store.Record
	for _, k := range slices.Sorted(maps.Keys(c.rows)) {
		out = append(out, store.Record{Space: Space, Key: k, Value: c.rows[k]})
	}
	return out, nil
}

// person takes the old rows of a Patient's person off and puts the new one on.
func (c *recounting) person(ctx context.Context, id fhir.ID, left map[fhir.ID]bool) error {
	now, name, err := c.r.look(ctx, id, c.at, c.day)
	if err != nil {
		return err
	}
	members := []fhir.ID{id}
	if now != nil {
		members = now.Members
	}
	for _, m := range members {
		c.seen[m] = true
	}
	for _, m := range members {
		old, err := c.old(ctx, m)
		if err != nil {
			return err
		}
		if old == nil {
			continue
		}
		if now != nil && bytes.Equal(old.encode(), now.encode()) {
			return nil
		}
		for _, o := range old.Members {
			left[o] = true
		}
		if err := c.count(ctx, old, -1, nil); err != nil {
			return err
		}
	}
	if now == nil || now.Gone && len(now.Members) == 1 {
		return nil
	}
	if err := c.called(ctx, now.Commune, name); err != nil {
		return err
	}
	return c.count(ctx, now, 1, now.encode())
}

// called notes how a commune is called.
func (c *recounting) called(ctx context.Context, commune, name string) error {
	k := key("n", commune)
	was, err := c.get(ctx, k)
	if err == nil && name != "" && string(was) != name {
		c.rows[k] = []byte(name)
	}
	return err
}

// old gives the row of a Patient's person as it stands, nil if there is none.
func (c *recounting) old(ctx context.Context, patient fhir.ID) (*row, error) {
	name := string(patient)
	if at, err := c.get(ctx, key("m", name)); err != nil {
		return nil, err
	} else if at != nil {
		name = string(at)
	}
	raw, err := c.get(ctx, key("p", name))
	if err != nil || raw == nil {
		return nil, err
	}
	var old row
	if err := json.Unmarshal(raw, &old); err != nil {
		return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	return &old, nil
}

// get reads a row as this commit will leave it.
func (c *recounting) get(ctx context.Context, k string) ([]byte, error) {
	if v, ok := c.rows[k]; ok {
		return v, nil
	}
	v, _, err := c.r.Store.Record(ctx, Space, k)
	return v, err
}

// count puts a person's rows there, or takes them away with n = -1 and a raw of nil.
func (c *recounting) count(ctx context.Context, p *row, n int, raw []byte) error {
	if !p.Gone {
		t, err := c.tally(ctx, p.Commune, p.Cohort)
		if err != nil {
			return err
		}
		t.add(p, n)
	}
	mark := raw
	if n > 0 {
		mark = present
	}
	id := string(p.key())
	c.rows[key("p", id)] = raw
	for _, m := range p.Members[1:] {
		if n > 0 {
			c.rows[key("m", string(m))] = []byte(id)
		} else {
			c.rows[key("m", string(m))] = nil
		}
	}
	if due := p.due(); due != "" {
		c.rows[key("d", p.Commune, due, id)] = mark
		for _, o := range p.Clinics {
			c.rows[key("o", string(o), due, id)] = mark
		}
	}
	if p.Roll != "" {
		c.rows[key("r", p.Roll, id)] = mark
	}
	return nil
}

// tally gives the tally of a commune and a year as this commit will leave it.
func (c *recounting) tally(ctx context.Context, commune, year string) (*tally, error) {
	at := [2]string{commune, year}
	t := c.tallies[at]
	if t != nil {
		return t, nil
	}
	t = &tally{}
	was, err := c.get(ctx, key("c", commune, year))
	if err != nil {
		return nil, err
	}
	if was != nil {
		if err := json.Unmarshal(was, t); err != nil {
			return nil, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
		}
	}
	c.tallies[at] = t
	return t, nil
}

// look makes the row of a Patient's person, and the name of the commune; nil if there is no such Patient.
func (r *Registry) look(ctx context.Context, id fhir.ID, t fhir.T, day time.Time) (*row, string, error) {
	person, records, err := r.Given.Gather(ctx, fhir.Key{Type: "Patient", ID: id}, t)
	switch e, ok := errors.AsType[*fhir.Error](err); {
	case ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone):
		return nil, "", nil
	case ok && e.Kind == fhir.TooCostly: // no person but a fault in the data: it must not stop the others
		r.Log.WarnContext(ctx, "a Patient has more records or links than a person can have and is counted as unknown", "code", e.Code)
		return &row{Members: []fhir.ID{id}, Lead: id, Unknown: true}, "", nil
	case err != nil:
		return nil, "", err
	}
	lead := person.Lead.Doc
	out := &row{Lead: person.Lead.Key.ID}
	for _, k := range person.Keys() {
		out.Members = append(out.Members, k.ID)
	}
	slices.Sort(out.Members)
	if lead.Get("active").Text() == "false" || lead.Get("deceasedBoolean").Text() == "true" || lead.Get("deceasedDateTime").Text() != "" {
		out.Gone = true
		return out, "", nil
	}
	out.Clinics = clinics(lead)
	var name string
	out.Commune, name = commune(lead)
	birth := lead.Get("birthDate").Text()
	if len(birth) >= 4 {
		out.Cohort = birth[:4]
	}
	p, err := history.PersonOf(lead, day)
	if err != nil {
		out.Unknown, out.Clinics = true, nil
		if born, ok := immunization.ParseDay(birth); ok && born.After(day) {
			out.Roll = date(born)
		}
		return out, name, nil
	}
	j := judged{set: r.Schedules, person: p, records: records}
	a := j.on(day)
	out.Series = stand(&a)
	out.Roll = date(j.rolls(&a))
	return out, name, nil
}
