package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// told says whether the journal of a store's folder tells of a version.
func told(t *testing.T, data, version string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, auditFolder, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(version)) {
			return true
		}
	}
	return false
}

func putPatient(t *testing.T, do func(*http.Request) (*http.Response, error), id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://localhost/fhir/Patient/"+id, strings.NewReader(`{"resourceType":"Patient","id":"`+id+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	res, err := do(req)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
}

// TRACED: an import into a folder takes over what its commits tell while it goes on, not when it ends.
func TestImportIntoAFolderKeepsTheTrailBeside(t *testing.T) {
	enginetest.InFolder(t)
	c := importCmd{Data: filepath.Join(t.TempDir(), "store"), SIDBase: "https://lienthong.example", Senders: 1}
	target, done, err := c.target(t.Context(), streams{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	putPatient(t, target.Client.Do, "beside")
	fhirtest.Eventually(t, "the entry of the commit in the journal", func() bool { return told(t, c.Data, "Patient/beside/_history/1") })
	if err := done(); err != nil {
		t.Error(err)
	}
}

// TRACED: a close that has no time to take over what commits tell is no failure, and the next start does it.
func TestATrailThatCannotCatchUpAtTheEnd(t *testing.T) {
	enginetest.InFolder(t)
	settings := config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}
	open := func() *node {
		n, err := openNode(t.Context(), settings, "", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := open()
	putPatient(t, inProcess{n.handler}.RoundTrip, "late")
	if err := n.trail.finish(0); err != nil {
		t.Errorf("no time at all: %v", err)
	}
	if told(t, settings.Data, "Patient/late/_history/1") {
		t.Error("it was taken over, so this test proves nothing")
	}
	if err := n.trail.journal.Close(); err != nil {
		t.Error(err)
	}
	if err := n.store.Close(); err != nil {
		t.Error(err)
	}
	if err := open().close(); err != nil {
		t.Error(err)
	}
	if !told(t, settings.Data, "Patient/late/_history/1") {
		t.Error("the next start did not take over what was left")
	}
}
