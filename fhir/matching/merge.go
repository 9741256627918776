package matching

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Decision is a person's word on two Patients.
type Decision struct {
	Source fhir.ID // is replaced
	Target fhir.ID // stays in use
	Reason string  // in the words of who decides
	At     time.Time
}

// reasonMost bounds the text of a reason.
const reasonMost = 1000

// change is what a decision does to one Patient: its link to the other one and whether it is in use.
type change struct {
	found store.Found
	doc   resource.Value
	patch resource.ListOf
}

// Merge lets Target stand for Source: Source becomes inactive and replaced-by Target, Target replaces Source, and a
// Provenance says who, when and why, all in one commit. It gives the ids of the Patients that now are one person, Target first.
//
// Errors: Invalid "merge-reason", "merge-same"; NotFound; Conflict "merge-merged" if Source was replaced already or Target
// is itself replaced.
func (s *Service) Merge(ctx context.Context, d Decision) error {
	source, target, err := s.both(ctx, d)
	if err != nil {
		return err
	}
	if replacedBy(source.doc) != "" || replacedBy(target.doc) != "" {
		return fhir.Errorf(fhir.Conflict, "merge-merged", "", string(d.Source), string(d.Target))
	}
	source.link(d.Target, "replaced-by")
	source.patch = append(source.patch, resource.ObjectOf{"op", "add", "path", "/active", "value", false})
	target.link(d.Source, "replaces")
	return s.commit(merged(ctx), d, "MERGE", source, target)
}

// Unmerge takes a merge back: the links go, and Source is in use again unless it was not before the merge.
//
// Errors as for Merge; Conflict "merge-not-merged" if Target does not stand for Source, and "unique-taken" if another Patient
// has been given the citizen ID of Source since.
func (s *Service) Unmerge(ctx context.Context, d Decision) error {
	source, target, err := s.both(ctx, d)
	if err != nil {
		return err
	}
	if replacedBy(source.doc) != d.Target {
		return fhir.Errorf(fhir.Conflict, "merge-not-merged", "", string(d.Source), string(d.Target))
	}
	source.unlink(d.Target, "replaced-by")
	target.unlink(d.Source, "replaces")
	if was, err := s.activeBefore(ctx, source.found); err != nil {
		return err
	} else if was == "" {
		source.patch = append(source.patch, resource.ObjectOf{"op", "remove", "path", "/active"})
	} else {
		source.patch = append(source.patch, resource.ObjectOf{"op", "add", "path", "/active", "value", was == "true"})
	}
	return s.commit(taken(ctx), d, "UNMERGE", source, target)
}

// both reads the two Patients as the caller may see them.
func (s *Service) both(ctx context.Context, d Decision) (source, target *change, err error) {
	if d.Reason = strings.TrimSpace(d.Reason); d.Reason == "" || len(d.Reason) > reasonMost {
		return nil, nil, fhir.Errorf(fhir.Invalid, "merge-reason", "", reasonMost)
	}
	if d.Source == d.Target {
		return nil, nil, fhir.Errorf(fhir.Invalid, "merge-same", "")
	}
	if source, err = s.read(ctx, d.Source); err != nil {
		return nil, nil, err
	}
	target, err = s.read(ctx, d.Target)
	return source, target, err
}

func (s *Service) read(ctx context.Context, id fhir.ID) (*change, error) {
	f, err := s.store.Read(ctx, fhir.Key{Type: "Patient", ID: id}, 0)
	if err != nil {
		return nil, err
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return nil, err
	}
	return &change{found: f, doc: doc.Root()}, nil
}

// replacedBy gives the Patient that stands for this one, "" if none does.
func replacedBy(patient resource.Value) fhir.ID {
	for link := range patient.Get("link").Elements() {
		if link.Get("type").Text() == "replaced-by" {
			return linked(link)
		}
	}
	return ""
}

func linked(link resource.Value) fhir.ID {
	id, ok := strings.CutPrefix(link.Get("other").Get("reference").Text(), "Patient/")
	if parsed, err := fhir.ParseID(id); ok && err == nil {
		return parsed
	}
	return ""
}

func (c *change) link(other fhir.ID, kind string) {
	l := resource.ObjectOf{"other", resource.ObjectOf{"reference", "Patient/" + string(other)}, "type", kind}
	if c.doc.Get("link").Len() > 0 {
		c.patch = append(c.patch, resource.ObjectOf{"op", "add", "path", "/link/-", "value", l})
		return
	}
	c.patch = append(c.patch, resource.ObjectOf{"op", "add", "path", "/link", "value", resource.ListOf{l}})
}

func (c *change) unlink(other fhir.ID, kind string) {
	links := c.doc.Get("link")
	for i := range links.Len() {
		if l := links.At(i); l.Get("type").Text() != kind || linked(l) != other {
			continue
		}
		path := "/link/" + strconv.Itoa(i)
		if links.Len() == 1 {
			path = "/link"
		}
		c.patch = append(c.patch, resource.ObjectOf{"op", "remove", "path", path})
		return
	}
}

// activeBefore gives Patient.active of the version before the merge.
func (s *Service) activeBefore(ctx context.Context, f store.Found) (string, error) {
	for v := f.Version; v > 1; v-- {
		old, err := s.store.ReadVersion(ctx, f.Key, v-1)
		if err != nil {
			continue // it was deleted then
		}
		doc, err := resource.New(old.Stored.Body)
		if err != nil {
			return "", err
		}
		if replacedBy(doc.Root()) == "" {
			return doc.Root().Get("active").Text(), nil
		}
	}
	return "true", nil
}

// commit makes one transaction of it. Who may decide is settled by then, so the fence is open; the caller stays who it is.
func (s *Service) commit(ctx context.Context, d Decision, activity string, source, target *change) error {
	entries := resource.ListOf{}
	for _, c := range []*change{source, target} {
		patch := base64.StdEncoding.EncodeToString(resource.AppendJSON(nil, c.patch))
		entries = append(entries, resource.ObjectOf{
			"resource", resource.ObjectOf{"resourceType", "Binary", "contentType", "application/json-patch+json", "data", patch},
			"request", resource.ObjectOf{"method", "PATCH", "url", c.found.Key.String(), "ifMatch", `W/"` + c.found.Version.String() + `"`},
		})
	}
	who := resource.ObjectOf{"display", "not identified"}
	if c, ok := access.CallerOf(ctx); ok {
		who = resource.ObjectOf{"display", string(c.Role)}
		if c.Practitioner != "" {
			who = resource.ObjectOf{"reference", "Practitioner/" + string(c.Practitioner)}
		} else if c.Organization != "" {
			who = resource.ObjectOf{"reference", "Organization/" + string(c.Organization)}
		}
	}
	id := uuid.Must(uuid.NewV7()).String()
	entries = append(entries, resource.ObjectOf{
		"fullUrl", "urn:uuid:" + id,
		"resource", resource.ObjectOf{
			"resourceType", "Provenance",
			"target", resource.ListOf{reference(source.found.Key), reference(target.found.Key)},
			"recorded", d.At.UTC().Format(time.RFC3339Nano),
			"activity", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", ReasonSystem, "code", activity}}, "text", strings.TrimSpace(d.Reason)},
			"agent", resource.ListOf{resource.ObjectOf{"who", who}},
			"entity", resource.ListOf{
				resource.ObjectOf{"role", "source", "what", resource.ObjectOf{"reference", source.found.Key.String() + "/_history/" + source.found.Version.String()}},
				resource.ObjectOf{"role", "source", "what", resource.ObjectOf{"reference", target.found.Key.String() + "/_history/" + target.found.Version.String()}},
			},
		},
		"request", resource.ObjectOf{"method", "POST", "url", "Provenance"},
	})
	bundle, err := resource.New(resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Bundle", "type", "transaction", "entry", entries}))
	if err != nil {
		return err
	}
	_, err = s.interactions.Transaction(store.WithFence(ctx, store.OpenFence()), bundle, interaction.BundleOptions{})
	return err
}

func reference(key fhir.Key) resource.ObjectOf { return resource.ObjectOf{"reference", key.String()} }
