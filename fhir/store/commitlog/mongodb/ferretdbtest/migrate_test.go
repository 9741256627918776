package ferretdbtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// TestMigrate: the store of a demo goes to MongoDB and back, with a first part that was there already, and answers the same.
func TestMigrate(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { migrate(t, s) })
	}
}

func migrate(t *testing.T, s Server) {
	d := newDemo(t, "--every", "1h")
	want := counts(t, d)
	d.kill()
	old := filepath.Join(d.dir, "demo", "store")

	begin(t, s, old)
	if out, err := run(t, "migrate", s, "--from", old, "--to", s.With("").URI+"?w=0"); err == nil || !strings.Contains(out, "DURABLE") {
		t.Fatalf("%v\n%s", err, out)
	}
	forth, err := run(t, "migrate", s, "--from", old, "--to", s.URI)
	if err != nil || !strings.Contains(forth, "5 commits are there already") {
		t.Fatalf("%v\n%s", err, forth)
	}
	again, err := run(t, "migrate", s, "--from", old, "--to", s.URI)
	if err != nil || hashOf(again) == "" || hashOf(again) != hashOf(forth) {
		t.Fatalf("%v\n%s", err, again)
	}
	joined := newProcess(t, s, "--data", old)
	if got := counts(t, joined); got != want {
		t.Errorf("over the log: %s, was %s", got, want)
	}
	joined.kill()
	fresh := newProcess(t, s)
	if got := counts(t, fresh); got != want {
		t.Errorf("made anew: %s, was %s", got, want)
	}
	if status, _, err := fresh.put("x", "x"); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v", status, err)
	}
	want = counts(t, fresh)
	fresh.kill()

	back := filepath.Join(t.TempDir(), "back")
	out, err := run(t, "migrate", s, "--from", s.URI, "--to", back)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := counts(t, alone(t, back)); got != want {
		t.Errorf("back in a folder: %s, was %s", got, want)
	}
	if out, err := run(t, "migrate", s, "--from", d.dir, "--to", s.URI); err == nil {
		t.Errorf("a folder without a store was taken: %s", out)
	}
}

// begin copies the first commits, as a migration that was broken off leaves them.
func begin(t *testing.T, s Server, folder string) {
	t.Helper()
	from, err := engine.OpenLog(folder, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to := open(t, s, nil)
	defer to.Close()
	var prev commitlog.ID
	for c, err := range from.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		c.Prev, prev = prev, c.ID
		if _, err := to.Append(t.Context(), c.T-1, []commitlog.Commit{c}); err != nil {
			t.Fatal(err)
		}
		if c.T == 5 {
			return
		}
	}
}

func run(t *testing.T, command string, s Server, args ...string) (string, error) {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{command}, args...)
	if s.Single {
		args = append(args, "--log-single")
	}
	out, err := exec.Command(file, args...).CombinedOutput()
	return string(out), err
}

func hashOf(out string) string { return regexp.MustCompile(`[0-9a-f]{64}`).FindString(out) }

// counts tells how much a server has.
func counts(t *testing.T, p *process) string {
	t.Helper()
	var all []string
	for _, typ := range []string{"Patient", "Immunization", "Claim", "Encounter", "Observation", "Basic"} {
		status, raw, _, err := exchange(http.MethodGet, p.url()+"/"+typ+"?_summary=count", "")
		var b struct{ Total *int }
		if err != nil || status != http.StatusOK || json.Unmarshal(raw, &b) != nil || b.Total == nil {
			t.Fatalf("%d %v\n%s", status, err, raw)
		}
		all = append(all, fmt.Sprint(typ, " ", *b.Total))
	}
	return strings.Join(all, ", ")
}
