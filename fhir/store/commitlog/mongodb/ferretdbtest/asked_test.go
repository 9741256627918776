package ferretdbtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// question is a command that went to a server.
type question struct {
	name, collection string // such as insert, commits
	write            struct {
		W       any  `bson:"w"`
		Journal bool `bson:"j"`
	}
	read struct {
		Level string `bson:"level"`
	}
}

func (q question) String() string { return q.name + " " + q.collection }

// questionOf reads a command; false for those about the connection.
func questionOf(request []byte) (q question, ok bool) {
	doc := document(request)
	if doc == nil {
		return q, false
	}
	first, err := doc.IndexErr(0)
	if err != nil {
		return q, false
	}
	q.name = first.Key()
	if q.collection, ok = first.Value().StringValueOK(); !ok {
		return q, false
	}
	for name, into := range map[string]any{"writeConcern": &q.write, "readConcern": &q.read} {
		if v, err := doc.LookupErr(name); err == nil && v.Unmarshal(into) != nil {
			return q, false
		}
	}
	return q, true
}

// questions keeps what is asked through a proxy.
type questions struct {
	mu  sync.Mutex
	all []question
}

func (a *questions) note(request []byte) {
	if q, ok := questionOf(request); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, q)
	}
}

// since gives what was asked, and forgets it.
func (a *questions) since() (all []question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, a.all = a.all, nil
	return all
}

// asCluster has a server say that it is the door to a cluster: it is then asked as one that has more than its own disk.
func asCluster(request, answer []byte) []byte {
	said, question := document(answer), document(request)
	if said == nil || question == nil {
		return answer
	}
	if _, err := question.LookupErr("hello"); err != nil {
		return answer
	}
	var d bson.D
	if bson.Unmarshal(said, &d) != nil {
		return answer
	}
	m, err := saying(answer, append(d, bson.E{Key: "msg", Value: "isdbgrid"}))
	if err != nil {
		return answer
	}
	return m
}

// TestWhatIsAsked: with which concerns a set or a cluster is asked, and in which order. FerretDB carries them out whatever they are, so
// that a weaker one would show nowhere but here and in a set whose primary is lost at the right moment.
func TestWhatIsAsked(t *testing.T) {
	s := Ferret(t)
	p := NewProxy(t, s, 1)
	var seen questions
	p.Change(func(request, answer []byte) []byte { seen.note(request); return asCluster(request, answer) })
	l := open(t, Server{s.Name, p.URI, false, ""}, func(c *mongodb.Config) { c.Inline = chunkInline })
	defer l.Close()
	want := func(what string, q question, write, read string) {
		t.Helper()
		wrote := fmt.Sprint(q.write.W, " journal ", q.write.Journal)
		if write != "" && wrote != write {
			t.Errorf("%s: %s with the write concern %s, want %s", what, q, wrote, write)
		}
		if read != "" && q.read.Level != read {
			t.Errorf("%s: %s with the read concern %q, want %q", what, q, q.read.Level, read)
		}
	}
	const durable = "majority journal true"

	for _, q := range seen.since() {
		if q.name == "insert" {
			want("DURABLE, at the start", q, durable, "")
		}
		if q.name == "find" && (q.collection == "commits" || q.collection == "chunks" || q.collection == "meta") {
			want("DURABLE, at the start", q, "", "majority")
		}
	}
	if _, err := l.Append(t.Context(), 0, chunked(1)); err != nil {
		t.Fatal(err)
	}
	chunks, named := 0, false
	for _, q := range seen.since() {
		switch q.String() {
		case "insert chunks":
			want("DURABLE", q, durable, "")
			if chunks++; named {
				t.Error("ATOMIC: a chunk is written after the commit that names it")
			}
		case "insert commits":
			want("DURABLE", q, durable, "")
			named = true
		}
	}
	if chunks < 2 || !named {
		t.Errorf("%d chunks, commit written: %v", chunks, named)
	}
	if head, err := l.Head(t.Context()); err != nil || head != 1 {
		t.Fatal(head, err)
	}
	heads := seen.since()
	for _, q := range heads {
		want("FRESH, the head", q, "", "linearizable")
	}
	if len(heads) == 0 {
		t.Error("the head was given without a question")
	}
	for _, err := range l.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
	}
	reads := 0
	for _, q := range seen.since() {
		if q.name == "find" {
			reads++
			want("DURABLE, reading", q, "", "majority")
		}
	}
	if reads < 2 {
		t.Errorf("%d questions for a commit and its chunks", reads)
	}

	// What an append met under its number is read as of now, not as of what the majority had a moment ago.
	var lost atomic.Bool
	p.Change(func(request, answer []byte) []byte {
		seen.note(request)
		if q, ok := questionOf(request); ok && q.String() == "insert commits" && !lost.Swap(true) {
			return nil
		}
		return asCluster(request, answer)
	})
	if got, err := l.Append(t.Context(), 1, []commitlog.Commit{{ID: commitlog.ID{2}, At: 5}}); err != nil || got != 2 {
		t.Fatal(got, err)
	}
	tries, back := 0, 0
	for _, q := range seen.since() {
		switch q.String() {
		case "insert commits":
			tries++
		case "find commits":
			if tries > 0 {
				back++
				want("EXACT, read back", q, "", "linearizable")
			}
		}
	}
	if tries != 2 || back == 0 {
		t.Errorf("%d tries, read back %d times", tries, back)
	}
}

// TestRefusedAfterAll: the answer to an append is lost, and its second try is refused, for the right to write is gone. Whether it got in is
// not known, and may not be told otherwise; its chunks stay, since it did.
func TestRefusedAfterAll(t *testing.T) {
	t.Run("ATOMIC/ferretdb", func(t *testing.T) {
		s := Ferret(t)
		p := NewProxy(t, s, 1)
		l := open(t, Server{s.Name, p.URI, true, ""}, func(c *mongodb.Config) { c.Inline = chunkInline })
		defer l.Close()
		ctx, enough := context.WithCancel(t.Context())
		defer enough()
		var mu sync.Mutex
		tries := 0
		p.Change(func(request, answer []byte) []byte {
			if q, ok := questionOf(request); !ok || q.String() != "insert commits" {
				return answer
			}
			mu.Lock()
			defer mu.Unlock()
			switch tries++; tries {
			case 1:
				return nil
			case 4:
				enough()
			}
			m, err := saying(answer, bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: int32(13)}, {Key: "codeName", Value: "Unauthorized"}, {Key: "errmsg", Value: "not authorized"}})
			if err != nil {
				t.Error(err)
			}
			return m
		})
		_, err := l.Append(ctx, 0, chunked(1))
		if err == nil || errors.Is(err, commitlog.ErrUnreachable) || errors.Is(err, commitlog.ErrMoved) {
			t.Errorf("a commit that is in the log: %v", err)
		}
		p.Change(nil)
		other := open(t, s, nil) // which sweeps
		defer other.Close()
		read := 0
		for c, err := range other.Read(t.Context(), 0) {
			if err != nil || c.ID != (commitlog.ID{1}) {
				t.Fatal(c.ID, err)
			}
			read++
		}
		if read != 1 {
			t.Errorf("%d commits in the log after %d tries", read, tries)
		}
	})
}

// TestPutBackInOrder is TestPutBack for the log by itself, however it is read: one that was put back tells so, also where the group under
// the last number is another one, and goes on from there.
func TestPutBackInOrder(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		t.Run(fmt.Sprint("FRESH/ferretdb/", inOrder), func(t *testing.T) {
			s := Ferret(t)
			l := open(t, s, func(c *mongodb.Config) { c.InOrder = inOrder })
			defer l.Close()
			put := func(after, id int) {
				t.Helper()
				if _, err := l.Append(t.Context(), fhir.T(after), []commitlog.Commit{{ID: commitlog.ID{byte(id)}, At: 5}}); err != nil {
					t.Fatal(err)
				}
			}
			was := fhir.T(0)
			comesTo := func(want fhir.T) { // for a moment it may be what it was, and nothing else
				t.Helper()
				until(t, fmt.Sprint("head ", want), func() bool {
					head, err := l.Head(t.Context())
					if err != nil || head != was && head != want {
						t.Fatalf("head %d, %v; was %d, want %d", head, err, was, want)
					}
					return head == want
				})
				was = want
			}
			for n := range 6 {
				put(n, n+1)
			}
			was = 6
			remove(t, s, 5, 6)
			comesTo(4)
			put(4, 50)
			was = 5
			for c, err := range l.Read(t.Context(), 4) {
				if err != nil || c.T != 5 || c.ID != (commitlog.ID{50}) {
					t.Errorf("after commit 4 comes %d (%x), %v", c.T, c.ID, err)
				}
			}
			// Others have written on, after another backup: what begins with commit 5 has one more now.
			remove(t, s, 5)
			other := open(t, s, nil)
			defer other.Close()
			if _, err := other.Append(t.Context(), 4, []commitlog.Commit{{ID: commitlog.ID{51}, At: 5}, {ID: commitlog.ID{52}, At: 5}}); err != nil {
				t.Fatal(err)
			}
			comesTo(6)
			remove(t, s, 1, 2, 3, 4, 5)
			comesTo(0)
			put(0, 60)
			was = 1
			comesTo(1)
		})
	}
}

// remove takes groups out of a log, as a backup does that is put in its place.
func remove(t *testing.T, s Server, firsts ...int) {
	t.Helper()
	commits := databaseOf(t, s).Collection("commits")
	for _, n := range firsts {
		if r, err := commits.DeleteOne(context.Background(), bson.D{{Key: "_id", Value: fmt.Sprintf("%016d", n)}}); err != nil || r.DeletedCount != 1 {
			t.Fatal(r, err)
		}
	}
}
