package ferretdbtest

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/logtest"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

func TestMain(m *testing.M) {
	code := m.Run()
	removeProgram()
	EndSet()
	if os.Getenv(ReplicaSet) == "" && os.Getenv(Mongod) == "" {
		fmt.Fprintf(os.Stderr, "\nSKIPPED: A REAL REPLICA SET. Neither %s nor %s is set: everything above ran against FerretDB alone,\n"+
			"so majority write concern, linearizable reads, fail-over and reads in the order of _id are NOT covered here.\n\n", Mongod, ReplicaSet)
	}
	os.Exit(code)
}

func open(tb testing.TB, s Server, change func(*mongodb.Config)) *mongodb.Log {
	tb.Helper()
	c := mongodb.Config{URI: s.URI, Single: s.Single, Poll: 5 * time.Millisecond, Timeout: 5 * time.Minute} // however busy the machine is
	if change != nil {
		change(&c)
	}
	l, err := mongodb.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// TestLog runs the suite of all logs: as it is, with everything in chunks, and read in the order of _id.
func TestLog(t *testing.T) {
	for _, v := range []struct {
		name   string
		change func(*mongodb.Config)
	}{
		{"plain", nil},
		{"chunks", func(c *mongodb.Config) { c.Inline = 64 }},
		{"in-order", func(c *mongodb.Config) { c.InOrder = true }},
	} {
		for _, s := range Servers(t) {
			t.Run(s.Name+"/"+v.name, func(t *testing.T) {
				places := map[string]Server{}
				logtest.Run(t, logtest.Config{Open: func(t *testing.T, place string) commitlog.Log {
					place = t.Name() + place
					if _, known := places[place]; !known {
						places[place] = s.With("")
					}
					return open(t, places[place], v.change)
				}})
			})
		}
	}
}

// TestLargeCommit: a commit longer than a document may be.
func TestLargeCommit(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LOSSLESS/"+s.Name, func(t *testing.T) {
			l := open(t, s, nil)
			defer l.Close()
			c := commitlog.Commit{ID: commitlog.ID{1}, At: 5}
			seed := uint64(1)
			for i := range 25 { // 25 MB that do not pack
				doc := make([]byte, 1<<20)
				for j := range doc {
					seed = seed*6364136223846793005 + 1442695040888963407
					doc[j] = byte(seed >> 56)
				}
				c.Writes = append(c.Writes, commitlog.Write{Key: fhir.Key{Type: "Binary", ID: fhir.ID(fmt.Sprint(i))}, Version: 1, Method: 1, Document: doc})
			}
			if _, err := l.Append(t.Context(), 0, []commitlog.Commit{c}); err != nil {
				t.Fatal(err)
			}
			for got, err := range l.Read(t.Context(), 0) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range got.Writes {
					if string(got.Writes[i].Document) != string(c.Writes[i].Document) {
						t.Fatalf("document %d came back as another", i)
					}
				}
			}
		})
	}
}

// TestGroups: a group of commits can be read from any point within, and nothing can be appended within.
func TestGroups(t *testing.T) {
	for _, s := range Servers(t) {
		for _, inOrder := range []bool{false, true} {
			t.Run(fmt.Sprintf("FEED/%s/%v", s.Name, inOrder), func(t *testing.T) {
				s := s.With("")
				l := open(t, s, func(c *mongodb.Config) { c.InOrder = inOrder })
				defer l.Close()
				other := open(t, s, nil)
				defer other.Close()
				n := 0
				for _, size := range []int{3, 1, 300, 2} {
					var group []commitlog.Commit
					for range size {
						n++
						group = append(group, commitlog.Commit{ID: commitlog.ID{byte(n), byte(n >> 8)}, At: fhir.Instant(n)})
					}
					if t2, err := l.Append(t.Context(), fhir.T(n-size), group); err != nil || t2 != fhir.T(n) {
						t.Fatal(t2, err)
					}
				}
				for _, after := range []int{0, 1, 2, 3, 4, 150, 303, 304, 305, 306} {
					for _, l := range []*mongodb.Log{l, other} {
						want := after
						for c, err := range l.Read(t.Context(), fhir.T(after)) {
							if want++; err != nil || c.T != fhir.T(want) || c.At != fhir.Instant(want) {
								t.Fatalf("after %d: commit %d, %v; want %d", after, c.T, err, want)
							}
						}
						if want != n {
							t.Fatalf("after %d it ended at %d", after, want)
						}
					}
				}
				for _, after := range []fhir.T{1, 2, 100, 305, 307} {
					if _, err := other.Append(t.Context(), after, []commitlog.Commit{{ID: commitlog.ID{99}}}); !errors.Is(err, commitlog.ErrMoved) {
						t.Errorf("append after %d of %d: %v", after, n, err)
					}
				}
			})
		}
	}
}
