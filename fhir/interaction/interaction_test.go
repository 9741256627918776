package interaction_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

func service(t *testing.T, hooks ...interaction.Hook) *interaction.Service {
	t.Helper()
	st := enginetest.Open(t, engine.Options{})
	return interaction.New(interaction.Config{Store: st, Hooks: hooks})
}

func doc(t *testing.T, format string, args ...any) *resource.Document {
	t.Helper()
	d, err := resource.New(fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// code gives the catalogue code of an error.
func code(err error) string {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func patient(t *testing.T, id, language string) *resource.Document {
	return doc(t, `{"resourceType":"Patient","id":%q,"language":%q}`, id, language)
}

var p1 = fhir.Key{Type: "Patient", ID: "p1"}

// A hook is told the version that the write gets, whoever else writes; what it adds lands in the same commit.
func TestHookKnowsTheVersion(t *testing.T) {
	s := service(t, func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		return interaction.Additions{Records: []store.Record{{Space: "seen", Key: fmt.Sprintf("%s/%03d", w.Key, w.Version), Value: []byte{byte(w.Method)}}}}, nil
	})
	var g sync.WaitGroup
	results := make([]interaction.Result, 24)
	for i := range results {
		d := patient(t, "p1", fmt.Sprintf("x-%d", i))
		g.Go(func() {
			r, err := s.Update(ours(t.Context()), p1, d, interaction.UpdateOptions{})
			if err != nil {
				t.Error(err)
			}
			results[i] = r
		})
	}
	g.Wait()
	if _, err := s.Delete(ours(t.Context()), p1, interaction.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	n := fhir.Version(0)
	for r, err := range s.Store().Records(ours(t.Context()), "seen", "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; r.Key != fmt.Sprintf("Patient/p1/%03d", n) {
			t.Fatalf("record %d is %s", n, r.Key)
		}
	}
	if n != 25 {
		t.Fatalf("%d records for 24 updates and a delete", n)
	}
}

// A write that changes nothing makes no version and asks no hook.
func TestUnchangedUpdate(t *testing.T) {
	asked := 0
	s := service(t, func(context.Context, interaction.Write) (interaction.Additions, error) {
		asked++
		return interaction.Additions{}, nil
	})
	for i := range 3 {
		r, err := s.Update(ours(t.Context()), p1, patient(t, "p1", "vi"), interaction.UpdateOptions{})
		if err != nil || r.Version != 1 || r.Created != (i == 0) || r.Same != (i > 0) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if asked != 1 {
		t.Fatalf("the hook was asked %d times", asked)
	}
	if _, err := s.Update(ours(t.Context()), p1, patient(t, "p1", "vi"), interaction.UpdateOptions{IfMatch: new(fhir.Version(7))}); code(err) != "version-conflict" {
		t.Fatalf("If-Match of an update that changes nothing: %v", err)
	}
}

// A hook's error refuses the whole request, also of a transaction, and nothing is stored (ATOMIC).
func TestHookRefuses(t *testing.T) {
	s := service(t, func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Doc.Get("language").Text() == "xx" {
			return interaction.Additions{}, fhir.Errorf(fhir.Unprocessable, "identity-invalid", "")
		}
		return interaction.Additions{}, nil
	})
	if _, err := s.Create(ours(t.Context()), patient(t, "x", "xx"), interaction.CreateOptions{}); code(err) != "identity-invalid" {
		t.Fatal(err)
	}
	_, err := s.Transaction(ours(t.Context()), doc(t, `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"a","language":"vi"},"request":{"method":"PUT","url":"Patient/a"}},
		{"resource":{"resourceType":"Patient","id":"b","language":"xx"},"request":{"method":"PUT","url":"Patient/b"}}]}`), interaction.BundleOptions{})
	if code(err) != "identity-invalid" {
		t.Fatal(err)
	}
	if e, _ := errors.AsType[*fhir.Error](err); e.Path != "Bundle.entry[1]" {
		t.Fatalf("path %q", e.Path)
	}
	if head, err := s.Store().Head(ours(t.Context())); err != nil || head != 0 {
		t.Fatalf("head %d, %v", head, err)
	}
}

// A hook's documents are stored with the write, checked like any.
func TestHookPuts(t *testing.T) {
	good := true
	s := service(t, func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Key.Type != "Patient" {
			return interaction.Additions{}, nil
		}
		status := `"requested"`
		if !good {
			status = `7`
		}
		return interaction.Additions{Puts: []*resource.Document{doc(t, `{"resourceType":"Task","id":"t-%s","status":%s,"intent":"order"}`, w.Key.ID, status)}}, nil
	})
	if _, err := s.Update(ours(t.Context()), p1, patient(t, "p1", "vi"), interaction.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(ours(t.Context()), fhir.Key{Type: "Task", ID: "t-p1"}); err != nil {
		t.Fatal(err)
	}
	good = false
	if _, err := s.Update(ours(t.Context()), p1, patient(t, "p1", "en"), interaction.UpdateOptions{}); code(err) != "resource-invalid" {
		t.Fatal(err)
	}
}

func TestApply(t *testing.T) {
	for _, hooks := range [][]interaction.Hook{nil, {func(context.Context, interaction.Write) (interaction.Additions, error) {
		return interaction.Additions{}, nil
	}}} {
		t.Run(fmt.Sprintf("%d hooks", len(hooks)), func(t *testing.T) {
			s := service(t, hooks...)
			state := func(v string) store.RecordIs { return store.RecordIs{Space: "s", Key: "k", Value: []byte(v)} }
			first := interaction.WriteSet{
				Docs:      []*resource.Document{patient(t, "p1", "vi"), patient(t, "p2", "vi")},
				IfVersion: map[fhir.Key]fhir.Version{p1: 0},
				Records:   []store.Record{{Space: "s", Key: "k", Value: []byte("one")}},
				Require:   []store.Precondition{store.RecordIs{Space: "s", Key: "k"}},
			}
			rec, err := s.Apply(ours(t.Context()), first)
			if err != nil || len(rec.Puts) != 2 || !rec.Puts[0].Created {
				t.Fatalf("%+v, %v", rec, err)
			}
			if _, err := s.Apply(ours(t.Context()), first); code(err) != "version-conflict" && code(err) != "record-changed" {
				t.Fatalf("the same again: %v", err)
			}
			if _, err := s.Apply(ours(t.Context()), interaction.WriteSet{Require: []store.Precondition{state("other")}, Docs: []*resource.Document{patient(t, "p1", "en")}}); code(err) != "record-changed" {
				t.Fatalf("another record: %v", err)
			}
			if _, err := s.Apply(ours(t.Context()), interaction.WriteSet{Docs: []*resource.Document{patient(t, "p1", "en")}, IfVersion: map[fhir.Key]fhir.Version{p1: 9}}); code(err) != "version-conflict" {
				t.Fatalf("another version: %v", err)
			}
			rec, err = s.Apply(ours(t.Context()), interaction.WriteSet{
				Docs: []*resource.Document{patient(t, "p1", "en")}, Deletes: []fhir.Key{{Type: "Patient", ID: "p2"}},
				IfVersion: map[fhir.Key]fhir.Version{p1: 1}, Require: []store.Precondition{state("one")},
			})
			if err != nil || rec.Puts[0].Version != 2 || rec.Deletes[0].Version != 2 {
				t.Fatalf("%+v, %v", rec, err)
			}
			if _, err := s.Apply(ours(t.Context()), interaction.WriteSet{Docs: []*resource.Document{doc(t, `{"resourceType":"Patient"}`)}}); code(err) != "id-required" {
				t.Fatal(err)
			}
			if _, err := s.Apply(ours(t.Context()), interaction.WriteSet{Docs: []*resource.Document{doc(t, `{"resourceType":"Patient","id":"x","nmae":1}`)}}); code(err) != "resource-invalid" {
				t.Fatal(err)
			}
		})
	}
}

// What a room alone writes is checked like all else, and neither a hook nor what stands there is asked about it.
func TestApplyOwn(t *testing.T) {
	var asked []fhir.Key
	s := service(t, func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		asked = append(asked, w.Key)
		return interaction.Additions{}, nil
	})
	for n := range fhir.Version(2) { // the same twice: each is a version
		rec, err := s.Apply(ours(t.Context()), interaction.WriteSet{Docs: []*resource.Document{patient(t, "p1", "vi")}, Own: []*resource.Document{doc(t, `{"resourceType":"Patient","id":"p2","gender":"other"}`)}})
		if err != nil || len(rec.Puts) != 2 || rec.Puts[0].Version != 1 || rec.Puts[1].Version != n+1 {
			t.Fatalf("%+v, %v", rec, err)
		}
	}
	if !slices.Equal(asked, []fhir.Key{p1}) {
		t.Errorf("hooks were asked about %v", asked)
	}
	if _, err := s.Apply(ours(t.Context()), interaction.WriteSet{Own: []*resource.Document{doc(t, `{"resourceType":"Patient","id":"x","nmae":1}`)}}); code(err) != "resource-invalid" {
		t.Error(err)
	}
	if page, err := s.Search(ours(t.Context()), "Patient", "gender=other", interaction.SearchOptions{}); err != nil || len(page.Matches) != 1 {
		t.Errorf("%d are found, %v", len(page.Matches), err)
	}
}

// In a transaction with patches the If-Match of another entry is still the caller's: it fails with its own code.
func TestTransactionIfMatchBesidePatch(t *testing.T) {
	s := service(t)
	for _, id := range []string{"a", "b"} {
		if _, err := s.Update(ours(t.Context()), fhir.Key{Type: "Patient", ID: fhir.ID(id)}, patient(t, id, "vi"), interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	const patch = "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9sYW5ndWFnZSIsInZhbHVlIjoiZW4ifV0="
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"` + patch + `"},"request":{"method":"PATCH","url":"Patient/a"}},
		{"resource":{"resourceType":"Patient","id":"b","language":"en"},"request":{"method":"PUT","url":"Patient/b","ifMatch":"W/\"%d\""}}]}`
	if _, err := s.Transaction(ours(t.Context()), doc(t, bundle, 9), interaction.BundleOptions{}); code(err) != "version-conflict" {
		t.Fatal(err)
	}
	answers, err := s.Transaction(ours(t.Context()), doc(t, bundle, 1), interaction.BundleOptions{})
	if err != nil || answers[0].Result.Version != 2 || answers[1].Result.Version != 2 {
		t.Fatalf("%+v, %v", answers, err)
	}
}

// Entries are limited, and a read without somebody to answer it is refused before anything is stored.
func TestBundleLimits(t *testing.T) {
	s := service(t)
	if _, err := s.Transaction(ours(t.Context()), doc(t, `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},{"request":{"method":"GET","url":"Patient"}}]}`), interaction.BundleOptions{}); code(err) != "entry-read" {
		t.Fatal(err)
	}
	few := interaction.New(interaction.Config{Store: s.Store(), Limits: interaction.Limits{Entries: 2}})
	entry := `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`
	if _, err := few.Transaction(ours(t.Context()), doc(t, `{"resourceType":"Bundle","type":"transaction","entry":[%s]}`, strings.Join([]string{entry, entry, entry}, ",")), interaction.BundleOptions{}); code(err) != "bundle-too-long" {
		t.Fatal(err)
	}
	if head, err := s.Store().Head(ours(t.Context())); err != nil || head != 0 {
		t.Fatalf("head %d, %v", head, err)
	}
}

// A search by Go call pages by its cursor, as of the first page.
func TestSearchPages(t *testing.T) {
	s := service(t)
	for i := range 5 {
		id := fmt.Sprintf("p%d", i)
		if _, err := s.Update(ours(t.Context()), fhir.Key{Type: "Patient", ID: fhir.ID(id)}, patient(t, id, "vi"), interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	o := interaction.SearchOptions{}
	for {
		p, err := s.Search(ours(t.Context()), "Patient", "_count=2&_sort=-_id", o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Total == nil || *p.Total != 5 {
			t.Fatalf("total %v", p.Total)
		}
		for _, f := range p.Matches {
			got = append(got, string(f.Key.ID))
		}
		if p.Next == nil {
			break
		}
		if _, err := s.Delete(ours(t.Context()), fhir.Key{Type: "Patient", ID: "p1"}, interaction.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		o = interaction.SearchOptions{AsOf: p.AsOf, After: p.Next, Total: p.Total}
	}
	if fmt.Sprint(got) != "[p4 p3 p2 p1 p0]" {
		t.Fatal(got)
	}
	if _, err := s.Search(ours(t.Context()), "Nonsense", "", o); code(err) != "type-unknown" {
		t.Fatal(err)
	}
}

// FuzzJSONPatch: whatever a patch says, applying it neither panics nor stores what is no resource of that type and id.
func FuzzJSONPatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"add","path":"/name","value":[{"family":"x"}]}]`, `[{"op":"remove","path":"/name/0"}]`, `[{"op":"test","path":"","value":null}]`,
		`[{"op":"copy","from":"","path":"/contained"}]`, `[{"op":"move","from":"/name","path":"/name/0"}]`, `[{"op":"replace","path":"","value":[]}]`,
		`[{"op":"add","path":"/name/9999999999","value":1}]`, `[{"op":"replace","path":"/name/-1","value":1}]`, `[null]`, `[{}]`, `[{"op":null,"path":null}]`,
		`[{"op":"add","path":"/~2","value":1}]`, `[{"op":"test","path":"/meta/versionId","value":"1"}]`, `[{"op":"move","from":1,"path":"/a"}]`,
	} {
		f.Add([]byte(seed))
	}
	st := enginetest.Open(f, engine.Options{})
	s := interaction.New(interaction.Config{Store: st})
	raw := []byte(`{"resourceType":"Patient","id":"p1","name":[{"family":"Võ","given":["An","Bình"]}],"multipleBirthInteger":2}`)
	f.Fuzz(func(t *testing.T, patch []byte) {
		d, err := resource.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ours(t.Context()), p1, d, interaction.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		p, err := s.ParseJSONPatch(patch)
		if err != nil {
			return
		}
		if _, err := s.Patch(ours(t.Context()), p1, p, interaction.PatchOptions{}); err != nil {
			if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind == fhir.Internal {
				t.Fatal(err)
			}
			return
		}
		found, err := s.Read(ours(t.Context()), p1)
		if err != nil {
			t.Fatal(err)
		}
		back, err := resource.New(found.Stored.Append(nil, found.Version, found.At))
		if err != nil || back.Root().ResourceType() != "Patient" {
			t.Fatalf("stored %s: %v", found.Stored.Body, err)
		}
	})
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
