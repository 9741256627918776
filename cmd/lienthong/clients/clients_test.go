package clients

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// awaiting lists the checks that the server does not pass yet, with the reason. Such a check is skipped while it fails;
// once it passes the test asks to take it off the list.
var awaiting = map[string]string{}

// client is a script of testdata and what it runs on.
type client struct {
	name    string
	program string
	needs   string   // what .ci/clients installs
	args    []string // before the base URL
}

func TestPublicClients(t *testing.T) {
	dir := installation(t)
	python := filepath.Join(dir, "python", "bin", "python")
	var ready []client
	for _, c := range []client{
		{"fhir-kit-client", "node", filepath.Join(dir, "node", "node_modules", "fhir-kit-client"), []string{beside(t, "testdata/node/client.mjs", filepath.Join(dir, "node", "node_modules"))}},
		{"fhirpy", python, python, []string{"-B", "testdata/python/drive_fhirpy.py"}},
		{"fhirclient", python, python, []string{"-B", "testdata/python/drive_fhirclient.py"}},
		{"models", python, python, []string{"-B", "testdata/python/models.py"}},
		{"hapi", "java", filepath.Join(dir, "java", "lib"), java(dir, "Drive.java")},
		{"validator", "java", filepath.Join(dir, "java", "lib"), java(dir, "Validate.java")},
	} {
		_, noProgram := exec.LookPath(c.program)
		_, noPackage := os.Stat(c.needs)
		if err := errors.Join(noPackage, noProgram); err != nil {
			t.Run(c.name, func(t *testing.T) { t.Skipf("not installed here, see .ci/clients: %v", err) })
			continue
		}
		ready = append(ready, c)
	}
	if len(ready) == 0 {
		return
	}
	base := startDemo(t)
	for _, c := range ready {
		t.Run(c.name, func(t *testing.T) { c.drive(t, base) })
	}
}

// java runs a source file without compiling it first; its code runs once, so the thorough compiler would not pay.
func java(dir, source string) []string {
	return []string{"-Xmx1g", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(dir, "java", "lib", "*"), filepath.Join("testdata", "java", source)}
}

// installation is the folder that .ci/clients installs into.
func installation(t *testing.T) string {
	dir := os.Getenv("LIENTHONG_CLIENTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", ".cache", "clients")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// beside copies a script to where Node finds the packages: modules are looked for beside the script alone.
func beside(t *testing.T, script, packages string) string {
	dir := t.TempDir()
	raw, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, filepath.Base(script))
	if err := errors.Join(os.WriteFile(copied, raw, 0o600), os.Symlink(packages, filepath.Join(dir, "node_modules"))); err != nil {
		t.Fatal(err)
	}
	return copied
}

// drive runs the script; each line that it prints becomes a subtest.
func (c client) drive(t *testing.T, base string) {
	ctx, cancel := context.WithTimeout(t.Context(), fhirtest.Patience)
	defer cancel()
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, c.program, append(c.args, base)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; err != nil || last != "done" {
		t.Errorf("the script did not come to its end: %v\n%s\n%s", err, stderr.String(), last)
	}
	n := 0
	for _, line := range lines {
		verdict, rest, _ := strings.Cut(line, "\t")
		name, what, _ := strings.Cut(rest, "\t")
		if verdict != "ok" && verdict != "fail" {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			switch reason, waits := awaiting[c.name+"/"+name]; {
			case verdict == "fail" && waits:
				t.Skipf("%s\n%s", reason, what)
			case verdict == "fail":
				t.Error(what)
			case waits:
				t.Error("it passes: take it off the list of those that are awaited")
			}
		})
	}
	if n == 0 {
		t.Error("the script checked nothing")
	}
}
