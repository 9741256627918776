package ferretdbtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// reader is a log that is read, in a folder or on a server.
type reader interface {
	Read(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error]
}

// contents are the hashes of a log's commits in order, without what only a shared log says of them.
func contents(t *testing.T, l reader) (all [][sha256.Size]byte) {
	t.Helper()
	ids := map[commitlog.ID]bool{}
	for c, err := range l.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if c.T != fhir.T(len(all)+1) || ids[c.ID] {
			t.Fatalf("after %d commits comes commit %d (%x)", len(all), c.T, c.ID)
		}
		ids[c.ID] = true
		c.Prev, c.Sum = commitlog.ID{}, commitlog.Sum{}
		all = append(all, sha256.Sum256(commitlog.AppendCommit(nil, &c)))
	}
	return all
}

// inFolder gives the contents of a folder that nobody serves, and whether its log is elsewhere.
func inFolder(t *testing.T, dir string) (all [][sha256.Size]byte, shared bool) {
	t.Helper()
	l, err := engine.OpenLog(dir, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all = contents(t, l)
	if shared, err = l.Shared(); err != nil {
		t.Fatal(err)
	}
	return all, shared
}

// begins says whether a log is the beginning of another one.
func begins(part, whole [][sha256.Size]byte) bool {
	if len(part) > len(whole) {
		return false
	}
	for i := range part {
		if part[i] != whole[i] {
			return false
		}
	}
	return true
}

// moment returns when a process is to be killed, or has ended.
type moment func(ended <-chan struct{})

// after is a moment by the clock.
func after(d time.Duration) moment {
	return func(ended <-chan struct{}) {
		select {
		case <-ended:
		case <-time.After(d):
		}
	}
}

// reached is the moment when a log has so many commits.
func reached(l *mongodb.Log, n fhir.T) moment {
	return func(ended <-chan struct{}) {
		for {
			if head, err := l.Head(context.Background()); err != nil || head >= n {
				return
			}
			select {
			case <-ended:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// killedAt runs migrate and kills it at a moment, unless it has come to its end before: then err is what it ended with.
func killedAt(t *testing.T, s Server, when moment, args ...string) (out string, killed bool, err error) {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"migrate"}, args...)
	if s.Single {
		args = append(args, "--log-single")
	}
	var said bytes.Buffer
	cmd := exec.Command(file, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		when(ended)
		_ = cmd.Process.Kill() // which does nothing to what has ended
	})
	err = cmd.Wait()
	close(ended)
	killer.Wait()
	if !cmd.ProcessState.Exited() {
		return said.String(), true, nil
	}
	return said.String(), false, err
}

// TestMigrateKilled: migrate is killed at random moments, again and again. What it left is the beginning of the log; said again it goes
// on, and in the end both sides have the same commits, each once.
func TestMigrateKilled(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { migrateKilled(t, s) })
	}
}

func migrateKilled(t *testing.T, s Server) {
	random := rand.New(rand.NewPCG(seed(t), 1))
	kills := 12
	if testing.Short() {
		kills = 4
	}
	source := filepath.Join(t.TempDir(), "source")
	fill(t, source)
	want, _ := inFolder(t, source)

	whole := s.With("")
	undisturbed := filepath.Join(t.TempDir(), "undisturbed")
	if err := os.CopyFS(undisturbed, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	if _, err := program(); err != nil { // which takes longer than to run it
		t.Fatal(err)
	}
	began := time.Now()
	out, err := run(t, "migrate", s, "--from", undisturbed, "--to", whole.URI)
	takes := time.Since(began)
	if err != nil || hashOf(out) == "" {
		t.Fatalf("%v\n%s", err, out)
	}
	hash := hashOf(out)

	// To the server: a new target whenever one is whole.
	resumed, finished := 0, 0
	for killed := 0; killed < kills; {
		to, folder := s.With(""), filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
		target := open(t, to, nil)
		for ended := false; !ended; {
			when := after(time.Duration(random.Int64N(int64(takes))))
			if random.IntN(2) == 0 {
				when = reached(target, 1+fhir.T(random.IntN(filled/2)))
			}
			out, isKilled, err := migrateOnce(t, s, killed < kills, when, "--from", folder, "--to", to.URI)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if ended = !isKilled; isKilled {
				killed++
			}
			here, shared := inFolder(t, folder)
			there := contents(t, target)
			if !begins(here, want) || len(here) != len(want) {
				t.Fatalf("the folder that was copied has %d of %d commits", len(here), len(want))
			}
			if !begins(there, want) || (ended || shared) && len(there) != len(want) || ended && !shared {
				t.Fatalf("LIVE: ended %v: the copy has %d of %d commits, the folder is marked: %v\n%s", ended, len(there), len(want), shared, out)
			}
			if !ended && len(there) > 0 && len(there) < len(want) {
				resumed++
			}
			if ended && hashOf(out) != hash {
				t.Fatalf("LIVE: %s\nwithout a kill:\n%s", out, hash)
			}
		}
		finished++
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("to the server: %d kills, %d in the middle of the copy, %d copies were finished", kills, resumed, finished)

	// Into a folder.
	began = time.Now()
	if out, err := run(t, "migrate", s, "--from", whole.URI, "--to", filepath.Join(t.TempDir(), "undisturbed")); err != nil || hashOf(out) != hash {
		t.Fatalf("%v\n%s", err, out)
	}
	takes, finished = time.Since(began), 0
	var back string
	for killed := 0; killed < kills; finished++ {
		back = filepath.Join(t.TempDir(), "back")
		for ended := false; !ended; {
			out, isKilled, err := migrateOnce(t, s, killed < kills, after(time.Duration(random.Int64N(int64(takes)))), "--from", whole.URI, "--to", back)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if ended = !isKilled; isKilled {
				killed++
				continue // what is there may be less than a store
			}
			if here, shared := inFolder(t, back); !begins(here, want) || len(here) != len(want) || shared || hashOf(out) != hash {
				t.Fatalf("LIVE: the folder has %d of %d commits, and is marked: %v\n%s", len(here), len(want), shared, out)
			}
		}
	}
	t.Logf("into a folder: %d kills, %d copies were finished", kills, finished)
	if there := onServer(t, whole); !begins(there, want) || len(there) != len(want) {
		t.Errorf("the log that was copied has %d of %d commits now", len(there), len(want))
	}
	if got, want := counts(t, alone(t, back)), fmt.Sprintf("Patient %d, ", filled); !strings.HasPrefix(got, want) {
		t.Errorf("%s of the folder, want %s", got, want)
	}
}

// migrateOnce runs migrate to its end, or if kill is set, kills it at a moment.
func migrateOnce(t *testing.T, s Server, kill bool, when moment, args ...string) (out string, killed bool, err error) {
	t.Helper()
	if kill {
		return killedAt(t, s, when, args...)
	}
	out, err = run(t, "migrate", s, args...)
	return out, false, err
}

// onServer gives the contents of a log on a server.
func onServer(t *testing.T, s Server) [][sha256.Size]byte {
	t.Helper()
	l := open(t, s, nil)
	defer l.Close()
	return contents(t, l)
}

// filled is how many commits, of one Patient each, fill makes: several of the groups in which a log is copied.
const filled = 6000

// fill makes a store in a folder.
func fill(t *testing.T, dir string) {
	t.Helper()
	e, err := engine.Open(dir, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for n := w; n < filled; n += 16 {
				c := store.Changes{Puts: []store.Put{storetest.Sample("Patient", fhir.ID(fmt.Sprint("p", n)), 16, "synthetic")}}
				if _, err := e.Commit(ours(t.Context()), c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMigrateKilledServed: a folder is served and copied, written to and killed; between the kills migrate is said, and killed too, also
// while the folder is served, where it does nothing. No commit that was acknowledged is lost, none is doubled.
func TestMigrateKilledServed(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { migrateKilledServed(t, s) })
	}
}

func migrateKilledServed(t *testing.T, s Server) {
	random := rand.New(rand.NewPCG(seed(t), 2))
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	data := filepath.Join(t.TempDir(), "store")
	fill(t, data)
	p := copying(t, s, data)
	l := open(t, s, nil)
	defer l.Close()
	var acknowledged []string
	put := func() {
		id := fmt.Sprint("b", len(acknowledged))
		status, raw, err := p.put(id, "synthetic")
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s %v\n%s", status, raw, err, p.log.String())
		}
		acknowledged = append(acknowledged, id)
	}
	began := time.Now()
	if out, err := run(t, "migrate", s, "--from", data, "--to", s.URI); err == nil || !strings.Contains(out, "in use by process") {
		t.Fatalf("a folder that is served: %v\n%s", err, out)
	}
	takes := time.Since(began) // it ended early, so most that are killed by then are in the middle
	copied, kills, moved := fhir.T(0), 0, false
	for round := 0; round < rounds && !moved; round++ {
		for range 20 {
			put()
		}
		if out, killed, err := killedAt(t, s, after(time.Duration(random.Int64N(int64(takes)))), "--from", data, "--to", s.URI); !killed && err == nil {
			t.Fatalf("a folder that is served was taken:\n%s", out)
		}
		put()
		until(t, "a part of the log", func() bool {
			head, err := l.Head(t.Context())
			if err != nil || head <= copied {
				return false
			}
			copied = head
			return true
		})
		p.kill()
		out, killed, err := killedAt(t, s, after(time.Duration(random.Int64N(int64(takes)))), "--from", data, "--to", s.URI)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if killed {
			kills++
		}
		here, shared := inFolder(t, data)
		if there := onServer(t, s); !begins(there, here) || shared && len(there) != len(here) {
			t.Fatalf("LIVE: the copy has %d commits and is no beginning of the %d in the folder, which is marked: %v", len(there), len(here), shared)
		}
		if moved = shared; !moved {
			p.start(t)
		}
	}
	p.kill()
	out, err := run(t, "migrate", s, "--from", data, "--to", s.URI)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	again, err := run(t, "migrate", s, "--from", data, "--to", s.URI, "--compare-all")
	if err != nil || hashOf(again) == "" || hashOf(again) != hashOf(out) {
		t.Fatalf("%v\n%s\n%s", err, out, again)
	}
	here, shared := inFolder(t, data)
	if there := onServer(t, s); !shared || !begins(here, there) || len(here) != len(there) {
		t.Fatalf("LIVE: %d commits in the folder (marked: %v), %d on the server", len(here), shared, len(there))
	}
	fresh := newProcess(t, s)
	for _, id := range acknowledged {
		status, raw, _, err := exchange(http.MethodGet, fresh.url()+"/Basic/"+id+"/_history?_summary=count", "")
		if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `"total":1`) {
			t.Errorf("DURABLE: %s was acknowledged once: %d %s %v", id, status, raw, err)
		}
	}
	t.Logf("%d commits, %d writes acknowledged, migrate killed %d times after the server; moved before the last round: %v", len(here), len(acknowledged), kills, moved)
}
