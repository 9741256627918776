package ferretdbtest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// until waits for what must come.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !reached(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// copying starts a server that has its log in its folder and copies it.
func copying(t *testing.T, s Server, data string) *process {
	t.Helper()
	return alone(t, data, append(onLog(s, "--log-copy"), "--log-level", "info")...)
}

const upToDate = "the copy of the log is whole"

// TestMigrateServed: a store moves to MongoDB while it is served and written to, though it is killed again and again in the middle;
// what is left to do when it stands still is the rest.
func TestMigrateServed(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { migrateServed(t, s) })
	}
}

func migrateServed(t *testing.T, s Server) {
	data := filepath.Join(t.TempDir(), "store")
	p := copying(t, s, data)
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	put := func(n int64) bool {
		id := fmt.Sprint("b", n)
		status, _, err := p.put(id, strings.Repeat(id, 50))
		if err != nil || status >= 300 {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		acknowledged[id] = true
		return true
	}
	var next atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !put(next.Add(1)) {
					<-time.After(10 * time.Millisecond) // it was killed
				}
			}
		})
	}
	l := open(t, s, nil)
	defer l.Close()
	copied, whole := fhir.T(0), 0 // what the killed ones said of a whole copy
	for range 3 {
		until(t, "a part of the log", func() bool {
			head, err := l.Head(t.Context())
			if err == nil && head > copied+20 {
				copied = head
				return true
			}
			return false
		})
		p.kill()
		whole = strings.Count(p.log.String(), upToDate)
		p.start(t)
	}
	if out, err := run(t, "migrate", s, "--from", data, "--to", s.URI); err == nil || !strings.Contains(out, "in use by process") {
		t.Errorf("a folder that is served: %v\n%s", err, out)
	}
	until(t, "a whole copy", func() bool { return strings.Count(p.log.String(), upToDate) > whole })
	close(stop)
	writers.Wait()
	p.kill()
	out, err := run(t, "migrate", s, "--from", data, "--to", s.URI)
	var total, served int
	if _, scanErr := fmt.Sscanf(lineWith(out, "were compared while"), "%d", &served); err != nil || scanErr != nil || served < 60 {
		t.Fatalf("%v %v\n%s", err, scanErr, out)
	}
	if _, err := fmt.Sscanf(lineWith(out, "are the same"), "%d", &total); err != nil || total < served {
		t.Fatalf("%v\n%s", err, out)
	}
	again, err := run(t, "migrate", s, "--from", data, "--to", s.URI, "--compare-all")
	if err != nil || hashOf(again) == "" || hashOf(again) != hashOf(out) || strings.Contains(again, "were compared while") {
		t.Fatalf("%v\n%s\n%s", err, out, again)
	}
	for name, p := range map[string]*process{"the folder": newProcess(t, s, "--data", data), "a new server": newProcess(t, s)} {
		for id := range acknowledged {
			if status, _, _, err := exchange(http.MethodGet, p.url()+"/Basic/"+id, ""); err != nil || status != http.StatusOK {
				t.Errorf("DURABLE: %s: %s was acknowledged: %d %v", name, id, status, err)
			}
		}
		p.kill()
	}
	t.Logf("%d of %d commits were compared while it was served, %d writes acknowledged", served, total, len(acknowledged))
}

func lineWith(out, part string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// TestCopyToAnotherLog: a server leaves a database alone that has another log, and serves.
func TestCopyToAnotherLog(t *testing.T) {
	s := Ferret(t)
	l := open(t, s, nil)
	defer l.Close()
	if _, err := l.Append(t.Context(), 0, []commitlog.Commit{{ID: commitlog.ID{1}, At: 5}}); err != nil {
		t.Fatal(err)
	}
	p := copying(t, s, filepath.Join(t.TempDir(), "store"))
	until(t, "a word about the other log", func() bool { return strings.Contains(p.log.String(), "no copy of") })
	if status, _, err := p.put("x", "x"); err != nil || status != http.StatusCreated {
		t.Errorf("%d %v", status, err)
	}
	if head, err := l.Head(t.Context()); head != 1 || err != nil {
		t.Errorf("the other log has %d commits, %v", head, err)
	}
}
