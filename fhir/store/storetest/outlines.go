package storetest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// outlines: at random histories the outlines are what the feed has without its documents, from wherever they are read, right after a
// commit as after a start. Whom each version is about is also what the history was made of.
func outlines(t *testing.T, cfg Config) {
	steps := 120
	if testing.Short() {
		steps = 40
	}
	rng := random(t)
	dir := t.TempDir()
	s := cfg.Open(t, dir, 0)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	about := map[string][]fhir.ID{} // by version
	some := 0
	for step := range steps {
		c, subjects := aboutPersons(rng, step)
		r := commit(t, s, c)
		for i, w := range r.Puts {
			about[fmt.Sprintf("%s/%s", c.Puts[i].Key, w.Version)] = subjects[i]
		}
		if step%23 == 22 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = cfg.Open(t, dir, 0)
		}
		after := fhir.T(rng.Uint64N(uint64(head(t, s)) + 1))
		feed := commitsOf(t, s.Feed(ours(t.Context()), after))
		for i := range feed {
			for k := range feed[i].Writes {
				f := &feed[i].Writes[k]
				f.Stored = resource.Stored{}
				want := about[fmt.Sprintf("%s/%s", f.Key, f.Version)]
				if some += len(want); !slices.Equal(f.Subjects, want) {
					t.Fatalf("FEED: %s version %s is about %v, want %v", f.Key, f.Version, f.Subjects, want)
				}
			}
		}
		if got := commitsOf(t, s.Outlines(ours(t.Context()), after)); !reflect.DeepEqual(got, feed) {
			t.Fatalf("FEED: outlines after %d of %d:\n%+v\nwant\n%+v", after, head(t, s), got, feed)
		}
	}
	if some == 0 {
		t.Fatal("no version was about anybody")
	}
	cfg.Check(t, s)
}

func commitsOf(t *testing.T, feed iter.Seq2[store.Commit, error]) (all []store.Commit) {
	t.Helper()
	for c, err := range feed {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// aboutPersons makes random changes of Patients, what is about them and what is not, and says about whom each put is.
func aboutPersons(rng *rand.Rand, step int) (c store.Changes, subjects [][]fhir.ID) {
	subject, performer := search.ParamID(r4.Param("Observation", "subject").ID), search.ParamID(r4.Param("Observation", "performer").ID)
	for range rng.IntN(5) {
		key := fhir.Key{Type: []fhir.Type{"Patient", "Observation", "Observation", "Medication"}[rng.IntN(4)], ID: fhir.ID(fmt.Sprint(rng.IntN(12)))}
		if slices.ContainsFunc(c.Puts, func(p store.Put) bool { return p.Key == key }) || slices.ContainsFunc(c.Deletes, func(d store.Delete) bool { return d.Key == key }) {
			continue
		}
		if rng.IntN(5) == 0 {
			c.Deletes = append(c.Deletes, store.Delete{Key: key})
			continue
		}
		var entries []search.Entry
		found := map[search.ParamID][]fhir.ID{}
		for range rng.IntN(4) {
			p := []search.ParamID{subject, performer, pRef}[rng.IntN(3)]
			to := fhir.Key{Type: []fhir.Type{"Patient", "Practitioner"}[rng.IntN(2)], ID: fhir.ID(fmt.Sprint(rng.IntN(3)))}
			entries = append(entries, search.Entry{Param: p, Value: search.ReferenceValue(to)})
			if to.Type == "Patient" && p != pRef {
				found[p] = append(found[p], to.ID)
			}
		}
		var ids []fhir.ID
		switch key.Type {
		case "Patient":
			ids = []fhir.ID{key.ID}
		case "Observation":
			for _, p := range slices.Sorted(slices.Values([]search.ParamID{subject, performer})) {
				for _, id := range slices.Sorted(slices.Values(found[p])) {
					if !slices.Contains(ids, id) {
						ids = append(ids, id)
					}
				}
			}
		}
		c.Puts, subjects = append(c.Puts, put(key, fmt.Sprint(step), entries...)), append(subjects, ids)
	}
	c.Records = []store.Record{{Space: "s", Key: fmt.Sprint(rng.IntN(4)), Value: [][]byte{nil, {}, []byte("value")}[rng.IntN(3)]}}
	return c, subjects
}

// recordsChanged: what was read of the records of a space is what they are as long as RecordsChanged gives no later commit, also while
// others write them.
func recordsChanged(t *testing.T, cfg Config) {
	s := open(t, cfg)
	ctx, stop := context.WithCancel(ours(t.Context()))
	defer stop()
	const n = 60
	done := make(chan error, 2)
	acked := make(chan int, n)
	go func() {
		defer close(acked)
		for i := range n {
			if _, err := s.Commit(ctx, store.Changes{Records: []store.Record{{Space: "watched", Key: "k", Value: fmt.Append(nil, i)}}}); err != nil {
				done <- err
				return
			}
			acked <- i
		}
		done <- nil
	}()
	go func() { // others, who change nothing of it
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := s.Commit(ctx, store.Changes{Records: []store.Record{{Space: "other", Key: "k", Value: fmt.Append(nil, i)}}}); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var known fhir.T
	value := -1
	read := func() {
		changed, err := s.RecordsChanged(ctx, "watched")
		if err != nil {
			t.Fatal(err)
		}
		if value >= 0 && changed <= known {
			return
		}
		raw, found, err := s.Record(ctx, "watched", "k")
		if err != nil {
			t.Fatal(err)
		}
		if value = -1; found {
			fmt.Sscan(string(raw), &value)
		}
		known = changed
	}
	for i := range acked {
		if read(); value < i {
			t.Fatalf("FRESH: the record is held to be %d after %d was acknowledged", value, i)
		}
		read()
	}
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	// Who wrote elsewhere has changed nothing here.
	before, err := s.RecordsChanged(ours(t.Context()), "watched")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, store.Changes{Records: []store.Record{{Space: "other", Key: "k", Value: []byte("at last")}}})
	after, err := s.RecordsChanged(ours(t.Context()), "watched")
	if err != nil || after != before {
		t.Fatalf("FRESH: records of a space changed at %d, and at %d after a commit of another space, %v", before, after, err)
	}
}
