package audit

import (
	"context"
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
	for i := range found {
		found[i].Met = slices.DeleteFunc(found[i].Met, func(id string) bool { return !slices.Contains(q.People, fhir.ID(id)) })
		words := narrative(q.Language, found[i].Words(q.Language, name))
		entries = append(entries, resource.ObjectOf{"resource", found[i].Event(r.Journal.Origin(), words)})
	}
	b := resource.ObjectOf{"resourceType", "Bundle", "type", "collection", "timestamp", time.Now().UTC().Format(time.RFC3339), "entry", entries}
	if more && q.Self != "" {
		b = append(b, "link", resource.ListOf{resource.ObjectOf{"relation", "next", "url", q.Self + "to=" + found[len(found)-1].At.UTC().Format(time.RFC3339Nano)}})
	}
	return resource.AppendJSON(nil, b), nil
}

// toldOnce leaves out what a request read of what it then wrote: its commit tells of that.
func toldOnce(found []Entry) []Entry {
	wrote := map[string]map[string]bool{}
	for _, e := range found {
		if e.T == 0 || e.Request == "" {
			continue
		}
		of := wrote[e.Request+" "+e.Do]
		if of == nil {
			of = map[string]bool{}
			wrote[e.Request+" "+e.Do] = of
		}
		for _, v := range e.Wrote {
			name, _, _ := strings.Cut(v, "/_history/")
			of[name] = true
		}
	}
	return slices.DeleteFunc(found, func(e Entry) bool {
		of := wrote[e.Request+" "+e.Do]
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
