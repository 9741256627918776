package audit

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestALineTakenOverIsTheEntryWithWhatWasWritten holds the line that is put together from bytes against the entry that was
// taken apart, completed and written, also where strings look like members, and where the record has members of its own that
// are put together.
func TestALineTakenOverIsTheEntryWithWhatWasWritten(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	texts := []string{"", "", "Patient/1", `,"met":["x"]`, `,"request":"x"`, `"t":1}`, "a,", `\`, "cấp cứu", "<&>", "}"}
	text := func() string { return texts[random.IntN(len(texts))] + texts[random.IntN(len(texts))] }
	ids := []fhir.ID{"p1", "p2", "p3", "p4"}
	var l lines
	for range 5000 {
		e := randomEntry(random, text)
		if random.IntN(4) > 0 { // as records are
			e.Gave, e.Wrote, e.People, e.Status, e.T, e.Part, e.SHA256 = nil, nil, nil, 0, 0, 0, ""
		}
		record, err := e.appendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := store.Commit{T: fhir.T(1 + random.Uint64N(1<<40)), Records: []store.Record{{Space: "other", Value: []byte("?")}, {Space: []store.Space{entrySpace, entryRowSpace}[random.IntN(2)], Value: record}}}
		e.T = c.T
		for range random.IntN(4) {
			f := store.Found{Key: fhir.Key{Type: "Observation", ID: ids[random.IntN(len(ids))]}, Version: fhir.Version(1 + random.Uint64N(9))}
			e.Wrote = append(e.Wrote, versionName(f.Key, f.Version))
			for range random.IntN(3) {
				f.Subjects = append(f.Subjects, ids[random.IntN(len(ids))])
			}
			for _, id := range f.Subjects {
				if !slices.Contains(e.People, string(id)) {
					e.People = append(e.People, string(id))
				}
			}
			c.Writes = append(c.Writes, f)
		}
		want, err := e.appendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		l.reset()
		if err := l.takeOver(&c); err != nil || string(l.text) != string(want)+"\n" || len(l.leaves) != 1 || l.t != c.T {
			t.Fatalf("seed %d: %s became %s (%v), want %s", seed, record, l.text, err, want)
		}
		if l.leaves[0] != hashLeaf(append([]byte{0}, want...)) {
			t.Fatalf("seed %d: the hash is not that of %s", seed, want)
		}
	}
	l.reset()
	if err := l.takeOver(&store.Commit{Records: []store.Record{{Space: "other"}}}); err != nil || len(l.leaves) != 0 {
		t.Errorf("a commit without an entry: %d lines, %v", len(l.leaves), err)
	}
	if err := l.takeOver(&store.Commit{Records: []store.Record{{Space: entrySpace, Value: []byte("{")}}}); err == nil || len(l.leaves) != 0 {
		t.Errorf("a record that is no line: %d lines, %v", len(l.leaves), err)
	}
}
