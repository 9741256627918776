package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/store"
)

// Exporter makes files of evidence; its members are required, but for Now.
type Exporter struct {
	Cases   *cases.Service
	Outbox  *delivery.Outbox
	Store   store.Store
	Journal *audit.Journal
	Follow  *audit.Follower
	Mask    audit.Masker
	Now     func() time.Time // nil is time.Now

	// mu lets one export read the journal at a time; a second one waits.
	mu sync.Mutex
}

// maxVersions bounds the versions of one resource in a file.
const maxVersions = 1000

// Export makes the file of a claim as the caller may see it, and leaves a line in the journal that has its hash. Errors are
// those of cases.Show.
func (e *Exporter) Export(ctx context.Context, claim fhir.ID, lang outcome.Language) ([]byte, error) {
	c, docs, err := e.Cases.Show(ctx, claim)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	m := Manifest{Format: Format, Claim: c.Claim, MaCSKCB: c.MaCSKCB, MaLK: c.MaLK, Exported: now().UTC(), Masked: store.FenceOf(ctx).Hider() != nil}
	if who := access.Calling(ctx); who != nil {
		m.For = audit.AgentOf(who, e.Mask)
	}
	own := []fhir.Key{{Type: "Claim", ID: claim}, {Type: "ClaimResponse", ID: delivery.ResponseID(claim)}, {Type: "Task", ID: delivery.TaskID(claim)}}
	history, versions, err := e.history(ctx, own)
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{partFHIR: c.Bundle(docs), partHistory: history}
	if parts[partCase], err = json.MarshalIndent(c, "", " "); err != nil {
		return nil, err
	}
	if parts[partSheet], err = sheet(c, lang); err != nil {
		return nil, err
	}
	if parts[partPDF], err = page(c, m, lang); err != nil {
		return nil, err
	}
	if !m.Masked && seesAll(c) { // a claim file has the patient's name in it, and all that the claim cites
		if m.Left, err = e.bodies(ctx, claim, c, parts); err != nil {
			return nil, err
		}
	}
	m.Files = chain(parts)
	if err := e.checkpoint(ctx, now()); err != nil {
		return nil, err
	}
	if err := e.trace(ctx, &m, own, versions); err != nil {
		return nil, err
	}
	if parts[partManifest], err = json.MarshalIndent(m, "", " "); err != nil {
		return nil, err
	}
	if parts[partHead], err = e.Journal.Sign(headText(parts[partManifest])); err != nil {
		return nil, err
	}
	// From here on the journal says that this file was given out; it is, or it was for nobody to see.
	given := audit.Entry{
		At: m.Exported, Do: "operation", On: c.Claim + "/$evidence", Agent: m.For, Gave: versions, SHA256: hashOf(parts[partManifest]),
		Status: 200,
	}
	if err := e.Journal.Append(ctx, &given); err != nil {
		return nil, err
	}
	if err := e.checkpoint(ctx, now()); err != nil {
		return nil, err
	}
	if parts[partTrail], err = e.proof(ctx, m, given.SHA256); err != nil {
		return nil, err
	}
	return pack(parts, m.Exported)
}

// seesAll says whether the caller may see all that the claim cites.
func seesAll(c cases.Case) bool {
	return !slices.ContainsFunc(c.Cited, func(r cases.Cited) bool { return r.Version == 0 })
}

// bodies adds what attempts sent and got, as far as it was kept, and gives the names of what is left out.
func (e *Exporter) bodies(ctx context.Context, claim fhir.ID, c cases.Case, parts map[string][]byte) (left []string, err error) {
	size := 0
	for _, v := range c.Versions {
		sees, err := cases.SeesTaken(ctx, e.Store, fhir.Key{Type: "Claim", ID: claim}, fhir.Version(v.Version))
		if err != nil {
			return nil, err
		}
		if !sees { // what this version cites is not what the newest does
			continue
		}
		for _, a := range v.Attempts {
			for _, p := range []delivery.Part{delivery.Request, delivery.Reply} {
				body, err := e.Outbox.Body(ctx, delivery.Key{Claim: claim, Version: fhir.Version(v.Version)}, a.N, p)
				if absent(err) {
					continue
				}
				if err != nil {
					return nil, err
				}
				name := bodyName(v.Version, a.N, p)
				if size += len(body); size > maxBodies {
					left = append(left, name)
					continue
				}
				parts[name] = body
			}
		}
	}
	return left, nil
}

// checkpoint takes over what was committed and signs the journal.
func (e *Exporter) checkpoint(ctx context.Context, now time.Time) error {
	ours := store.Ourselves(ctx)
	if err := e.Follow.Now(ours); err != nil {
		return err
	}
	return e.Follow.Checkpoint(ours, now)
}

// history is a Bundle of the versions of the claim's own resources that the caller may see, with their names, oldest first.
func (e *Exporter) history(ctx context.Context, keys []fhir.Key) (bundle []byte, names []string, err error) {
	b := []byte(`{"resourceType":"Bundle","type":"collection","entry":[`)
	for _, key := range keys {
		var all []store.Found
		for f, err := range e.Store.History(ctx, store.History{Key: key}) {
			if absent(err) {
				break // of a type that the caller may not see, or never written
			}
			if err != nil {
				return nil, nil, err
			}
			if len(all) == maxVersions {
				return nil, nil, fhir.Errorf(fhir.TooCostly, "evidence-versions", "", key.String(), maxVersions)
			}
			if !f.Deleted() {
				all = append(all, f)
			}
		}
		for _, f := range slices.Backward(all) {
			if len(names) > 0 {
				b = append(b, ',')
			}
			names = append(names, versionName(string(key.Type), string(key.ID), f.Version.String()))
			b = append(b, `{"resource":`...)
			b = append(f.Stored.Append(b, f.Version, f.At), '}')
		}
	}
	return append(b, "]}"...), names, nil
}

func absent(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied)
}

// ours are texts that stand in each line that tells of one of the resources.
func ours(keys []fhir.Key) (texts []string) {
	for _, k := range keys {
		texts = append(texts, `"`+k.String()+`/_history/`)
	}
	return texts
}

// trace finds the lines of the journal that wrote the versions.
func (e *Exporter) trace(ctx context.Context, m *Manifest, own []fhir.Key, versions []string) error {
	wrote := [][]string{}
	lines, err := e.Journal.Find(ctx, ours(own), func(line *audit.Entry) bool {
		var of []string
		for _, w := range line.Wrote {
			if slices.Contains(versions, w) {
				of = append(of, w)
			}
		}
		if of != nil {
			wrote = append(wrote, of)
		}
		return of != nil
	})
	if err != nil {
		return err
	}
	m.Trail = []Wrote{}
	traced := map[string]bool{}
	for i, l := range lines.Lines {
		m.Trail = append(m.Trail, Wrote{Line: l.Index, Versions: wrote[i]})
		for _, v := range wrote[i] {
			traced[v] = true
		}
	}
	for _, v := range versions {
		if !traced[v] {
			m.Untraced = append(m.Untraced, v)
		}
	}
	return nil
}

// proof proves the lines of the manifest, and the one that has its hash. What tells of others is withheld.
func (e *Exporter) proof(ctx context.Context, m Manifest, head string) ([]byte, error) {
	var texts []string
	for _, w := range m.Trail {
		for _, v := range w.Versions {
			texts = append(texts, `"`+v+`"`)
		}
	}
	var entries []*audit.Entry
	p, err := e.Journal.Prove(ctx, append(texts, `"sha256":"`+head+`"`), func(line *audit.Entry) bool {
		wanted := line.SHA256 == head || slices.ContainsFunc(m.Trail, func(w Wrote) bool {
			return slices.ContainsFunc(w.Versions, func(v string) bool { return slices.Contains(line.Wrote, v) })
		})
		if wanted {
			entries = append(entries, line)
		}
		return wanted
	})
	if err != nil {
		return nil, err
	}
	for i, line := range entries {
		if line.SHA256 != head && !e.mayTell(ctx, m, line) {
			p.Lines[i] = p.Lines[i].Withhold()
		}
	}
	return json.MarshalIndent(p, "", " ")
}

// mayTell says whether the caller may see all that a line tells of. The claim's own Task is named after the claim: that there is
// one tells nothing.
func (e *Exporter) mayTell(ctx context.Context, m Manifest, line *audit.Entry) bool {
	quiet := audit.WithTrail(ctx, nil)
	sees := func(name string) bool {
		ref := fhir.ParseReference(resourceOf(name)).Key
		if name == m.Claim || strings.HasPrefix(name, m.Claim+"/") || ref.ID == delivery.TaskID(fhir.ParseReference(m.Claim).Key.ID) {
			return true
		}
		_, err := e.Store.Read(quiet, ref, 0)
		return err == nil
	}
	for _, name := range line.Wrote {
		if !sees(name) {
			return false
		}
	}
	for _, id := range line.People {
		if !sees("Patient/" + id) {
			return false
		}
	}
	return true
}
