package audit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Reporter answers "who looked at my record".
type Reporter struct {
	Journal *Journal
	Store   store.Store // for the names of organizations
	Follow  *Follower
}

// Inquiry is what is asked.
type Inquiry struct {
	People   []fhir.ID // ids of one person: the Patient and those that it replaced
	From, To time.Time // zero = no bound
	Most     int       // entries, newest first
	Language outcome.Language
	Self     string // address of the question without "to", for the link to what is older; "" = no link
}

// Report is a Bundle of AuditEvents, newest first, each told in words as well. What was answered or committed before the call is
// in it.
func (r *Reporter) Report(ctx context.Context, q Inquiry) ([]byte, error) {
	if err := r.Follow.Now(ctx); err != nil {
		return nil, err
	}
	open := store.Ourselves(ctx)
	names := map[string]string{}
	name := func(id string) string {
		n, known := names[id]
		if !known {
			n = r.nameOf(open, fhir.ID(id))
			names[id] = n
		}
		return n
	}
	var found []Entry
	told := map[string]bool{} // one entry may be about several ids of the person
	for _, person := range q.People {
		n := 0
		for e, err := range r.Journal.About(ctx, person, q.From, q.To) {
			if err != nil {
				return nil, err
			}
			line, err := e.appendLine(nil)
			if err != nil {
				return nil, err
			}
			if !told[string(line)] {
				told[string(line)] = true
				found = append(found, e)
			}
			if n == q.Most {
				break // one more than is shown: there is more
			}
			n++
		}
	}
	slices.SortStableFunc(found, func(a, b Entry) int { return b.At.Compare(a.At) })
	found = toldOnce(found)
	more := len(found) > q.Most
	found = found[:min(len(found), q.Most)]
	var entries resource.ListOf
	looked := 0
	for i := range found {
		found[i].Met = slices.DeleteFunc(found[i].Met, func(id string) bool { return !slices.Contains(q.People, fhir.ID(id)) })
		words := narrative(q.Language, found[i].Words(q.Language, name)) // counts all, and names nobody
		if err := r.without(open, &found[i], q.People, &looked); err != nil {
			return nil, err
		}
		entries = append(entries, resource.ObjectOf{"resource", found[i].Event(r.Journal.Origin(), words)})
	}
	b := resource.ObjectOf{"resourceType", "Bundle", "type", "collection", "timestamp", time.Now().UTC().Format(time.RFC3339), "entry", entries}
	if more && q.Self != "" {
		b = append(b, "link", resource.ListOf{resource.ObjectOf{"relation", "next", "url", q.Self + "to=" + found[len(found)-1].At.UTC().Format(time.RFC3339Nano)}})
	}
	return resource.AppendJSON(nil, b), nil
}

// versionsMost bounds how many versions of entries about several people are looked up for one report, to know whose they are: of what is
// beyond, only the Patient is named.
const versionsMost = 5000

// without takes out of an entry who else it is about: whom else a request found, and their resources, are not this person's to learn.
func (r *Reporter) without(ctx context.Context, e *Entry, people []fhir.ID, looked *int) error {
	other := func(id string) bool { return !slices.Contains(people, fhir.ID(id)) }
	if !slices.ContainsFunc(e.People, other) {
		return nil
	}
	e.People, e.Query = slices.DeleteFunc(e.People, other), ""
	e.Tried = slices.DeleteFunc(e.Tried, func(name string) bool {
		return !slices.ContainsFunc(named(name), func(id string) bool { return !other(id) })
	})
	for _, versions := range []*[]string{&e.Wrote, &e.Gave} {
		var theirs []string
		for _, v := range *versions {
			if *looked++; *looked > versionsMost && !strings.HasPrefix(v, "Patient/") {
				continue
			}
			of, err := r.belongs(ctx, v, people)
			if err != nil {
				return err
			}
			if of {
				theirs = append(theirs, v)
			}
			if len(theirs) == entitiesMost {
				break
			}
		}
		*versions = theirs
	}
	return nil
}

// belongs says whether a version is of one of these people, or of what belongs to them. What is not there any more belongs to nobody.
func (r *Reporter) belongs(ctx context.Context, version string, people []fhir.ID) (bool, error) {
	ref := fhir.ParseReference(version)
	if ref.Key.Type == "Patient" {
		return slices.Contains(people, ref.Key.ID), nil
	}
	number, ok := fhir.ParseVersion(ref.Version)
	if !ok {
		return false, nil
	}
	f, err := r.Store.ReadVersion(ctx, ref.Key, number)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(f.Subjects, func(id fhir.ID) bool { return slices.Contains(people, id) }), err
}

// toldOnce leaves out what a request read of what it then wrote: its commit tells of that. The name of a request is the caller's to choose:
// the moment that it came at is not.
func toldOnce(found []Entry) []Entry {
	wrote := map[string]map[string]bool{}
	request := func(e *Entry) string {
		return e.Request + " " + e.Do + " " + e.At.UTC().Format(time.RFC3339Nano) + " " + e.Agent.Who
	}
	for _, e := range found {
		if e.T == 0 || e.Request == "" {
			continue
		}
		of := wrote[request(&e)]
		if of == nil {
			of = map[string]bool{}
			wrote[request(&e)] = of
		}
		for _, v := range e.Wrote {
			name, _, _ := strings.Cut(v, "/_history/")
			of[name] = true
		}
	}
	return slices.DeleteFunc(found, func(e Entry) bool {
		of := wrote[request(&e)]
		return e.T == 0 && len(e.Gave) > 0 && of != nil && !slices.ContainsFunc(e.Gave, func(v string) bool {
			name, _, _ := strings.Cut(v, "/_history/")
			return !of[name]
		})
	})
}

func (r *Reporter) nameOf(ctx context.Context, id fhir.ID) string {
	f, err := r.Store.Read(ctx, fhir.Key{Type: "Organization", ID: id}, 0)
	if err != nil {
		return ""
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return ""
	}
	return doc.Root().Get("name").Text()
}
