package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/store"
)

// Bounds of one commit of ours.
const (
	mostPersons = 400
	mostCommits = 5000
)

// CatchUp counts all that is committed now, for the day of now. ctx must have a fence that allows everything.
func (r *Registry) CatchUp(ctx context.Context) error {
	for {
		more, err := r.step(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// step does one piece of work and says whether there is more. What another server did meanwhile is no error.
func (r *Registry) step(ctx context.Context) (more bool, err error) {
	r.follow.Lock()
	defer r.follow.Unlock()
	more, err = r.piece(ctx)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "record-changed" {
		return true, nil
	}
	return more, err
}

// piece is one of, in this order: rows by other schedules, rows of the days that have come, commits of the feed.
func (r *Registry) piece(ctx context.Context) (more bool, err error) {
	p, raw, err := r.state(ctx)
	if err != nil {
		return false, err
	}
	next := p
	if day := r.today().Format(time.DateOnly); day > p.Day { // a clock that is set back changes nothing
		next.Day = day
	}
	day, err := time.Parse(time.DateOnly, next.Day)
	if err != nil {
		return false, fhir.Wrap(fhir.Internal, "registry-unreadable", err)
	}
	definition := r.definition(day)
	switch {
	case raw == nil:
		next.Definition = definition
		more, err = true, r.save(ctx, raw, next, nil)
	case p.Definition != definition:
		more, err = true, r.redefine(ctx, raw, p, next, definition, day)
	case next.Day != p.Day:
		more, err = true, r.roll(ctx, raw, p, next, day)
	default:
		more, err = r.take(ctx, raw, p, day)
	}
	return more, err
}

// layout is part of the definition: another one makes every row anew.
const layout = "1"

// definition names the schedules that hold on a day, by their contents.
func (r *Registry) definition(day time.Time) string {
	h := sha256.New()
	in, _ := r.Schedules.On(day)
	for _, s := range in {
		h.Write([]byte(s.Canonical()))
		if err := json.NewEncoder(h).Encode(s); err != nil {
			panic("registry: a schedule cannot be written: " + err.Error())
		}
		for _, series := range s.Series {
			for _, d := range series.Doses { // whose ages are no members of the JSON
				for _, a := range []*immunization.Age{d.MinAge, d.Recommended, d.MaxAge, d.MinInterval, d.OverdueAfter} {
					if a != nil {
						h.Write([]byte(a.String()))
					}
					h.Write([]byte{'|'})
				}
			}
		}
	}
	return layout + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// save commits the position with other rows; raw is the position as it was read.
func (r *Registry) save(ctx context.Context, raw []byte, next position, rows []store.Record) error {
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	_, err = r.Store.Commit(ctx, store.Changes{
		Require: []store.Precondition{store.RecordIs{Space: Space, Key: "state", Value: raw}},
		Records: append(rows, store.Record{Space: Space, Key: "state", Value: value}),
	})
	return err
}

// take counts the next commits of the feed.
func (r *Registry) take(ctx context.Context, raw []byte, p position, day time.Time) (more bool, err error) {
	at := max(p.T, r.at()) // between them nothing was of ours to count
	touched := map[fhir.ID]bool{}
	commits := 0
	for c, err := range r.Store.Outlines(ctx, at) {
		if err != nil {
			return false, err
		}
		for i := range c.Writes {
			if err := r.touch(ctx, &c.Writes[i], touched); err != nil {
				return false, err
			}
		}
		at = c.T
		if commits++; len(touched) >= mostPersons || commits >= mostCommits {
			more = true
			break
		}
	}
	next := p
	next.T = at
	if len(touched) > 0 {
		rows, err := r.recount(ctx, touched, at, day)
		if err != nil {
			return false, err
		}
		if err := r.save(ctx, raw, next, rows); err != nil {
			return false, err
		}
		more = true // at least our own commit
	} else if at >= p.T+mostCommits { // so that a restart does not read all of them again
		if err := r.save(ctx, raw, next, nil); err != nil {
			return false, err
		}
		more = true
	}
	r.reach(at)
	return more, nil
}

// touch notes the persons whom a version of a document, and the one before it, is about.
func (r *Registry) touch(ctx context.Context, w *store.Found, touched map[fhir.ID]bool) error {
	switch w.Key.Type {
	case "Patient":
		touched[w.Key.ID] = true
	case "Immunization":
		for _, id := range w.Subjects {
			touched[id] = true
		}
		if w.Version <= 1 {
			return nil
		}
		before, err := r.Store.ReadVersion(ctx, w.Key, w.Version-1)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		for _, id := range before.Subjects {
			touched[id] = true
		}
	}
	return nil
}

// roll looks again at the persons whose day has come. The day is moved when none are left.
func (r *Registry) roll(ctx context.Context, raw []byte, p, next position, day time.Time) error {
	touched := map[fhir.ID]bool{}
	for rec, err := range r.Store.Records(ctx, Space, key("r"), end("r", next.Day)) {
		if err != nil {
			return err
		}
		if len(touched) == mostPersons {
			next.Day = p.Day // there are more
			break
		}
		touched[fhir.ID(parts(rec.Key)[2])] = true
	}
	rows, err := r.recount(ctx, touched, p.T, day)
	if err != nil {
		return err
	}
	return r.save(ctx, raw, next, rows)
}

// redefine judges the next persons by other schedules. Those whom the feed or the calendar brings up meanwhile are judged
// by them as well, at whatever place.
func (r *Registry) redefine(ctx context.Context, raw []byte, p, next position, definition string, day time.Time) error {
	if p.Next != definition {
		next.Next, next.Cursor = definition, ""
	}
	touched := map[fhir.ID]bool{}
	from := key("p") + next.Cursor
	done := true
	for rec, err := range r.Store.Records(ctx, Space, from, end("p")) {
		if err != nil {
			return err
		}
		id := parts(rec.Key)[1]
		if next.Cursor != "" && id == next.Cursor {
			continue
		}
		if len(touched) == mostPersons {
			done = false
			break
		}
		touched[fhir.ID(id)] = true
		next.Cursor = id
	}
	rows, err := r.recount(ctx, touched, p.T, day)
	if err != nil {
		return err
	}
	if done { // the rows of the days that have come are among them
		next.Definition, next.Next, next.Cursor = definition, "", ""
	} else {
		next.Day = p.Day
	}
	return r.save(ctx, raw, next, rows)
}
