package engine_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// wantCode fails unless err is a fhir.Error of that code.
func wantCode(t *testing.T, err error, code string) *fhir.Error {
	t.Helper()
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return e
}

func TestSecondOpenSaysWhoHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	e := openStore(t, dir, options(0))
	_, err := engine.Open(dir, options(0))
	refusal := wantCode(t, err, "store-locked")
	if refusal.Kind != fhir.Unavailable || refusal.Args[0] != dir || refusal.Args[1] != os.Getpid() {
		t.Fatalf("got %v", refusal)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openStore(t, dir, options(0)).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSecondProcess: the same between processes. The child is this test binary.
func TestSecondProcess(t *testing.T) {
	if dir := os.Getenv("ENGINE_TEST_HELD"); dir != "" {
		_, err := engine.Open(dir, options(0))
		e := wantCode(t, err, "store-locked")
		if e.Args[1] != os.Getppid() {
			t.Fatalf("the holder is said to be %v, it is %d", e.Args[1], os.Getppid())
		}
		return
	}
	dir := t.TempDir()
	e := openStore(t, dir, options(0))
	defer e.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSecondProcess$")
	cmd.Env = append(os.Environ(), "ENGINE_TEST_HELD="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// plain gives a store with some commits of the suite's kind in a folder.
func plain(t *testing.T, dir string, o engine.Options) []store.Put {
	t.Helper()
	e := openStore(t, dir, o)
	var puts []store.Put
	for i := range 20 {
		p := storetest.Sample("Patient", fhir.ID(strconv.Itoa(i)), 16, strconv.Itoa(i%3))
		puts = append(puts, p)
		if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Commit(ours(t.Context()), store.Changes{Deletes: []store.Delete{{Key: puts[0].Key}}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return puts
}

func count(t *testing.T, s store.Store, p search.ParamID, value string) int {
	t.Helper()
	n, err := s.Count(ours(t.Context()), search.Query{Type: "Patient", Where: []search.Condition{
		search.Terms{Any: []search.Term{{Param: p, Low: []byte(value), Exact: true}}},
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestReindex: another definition gives other entries, for old commits too; the documents and versions stay.
func TestReindex(t *testing.T) {
	dir := t.TempDir()
	plain(t, dir, options(0))
	o := options(0)
	o.Definition = "2"
	o.Index = nil
	_, err := engine.Open(dir, o)
	wantCode(t, err, "store-definition")

	failing := errors.New("cannot index this")
	o.Index = func(key fhir.Key, doc resource.Stored) (search.Indexed, error) {
		if key.ID == "11" {
			return search.Indexed{}, failing
		}
		return storetest.Index(key, doc)
	}
	if _, err := engine.Open(dir, o); !errors.Is(err, failing) {
		t.Fatalf("got %v", err)
	}

	// The reindexing that failed half way begins anew, even with the old definition.
	e := openStore(t, dir, options(0))
	if n := count(t, e, 16, "1"); n != 7 {
		t.Fatalf("%d found after a reindexing that was broken off", n)
	}
	verify(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	o.Index = func(key fhir.Key, doc resource.Stored) (search.Indexed, error) {
		found, err := storetest.Index(key, doc)
		for i := range found.Entries {
			found.Entries[i].Param++
		}
		return found, err
	}
	e = openStore(t, dir, o)
	defer e.Close()
	if old, now := count(t, e, 16, "1"), count(t, e, 17, "1"); old != 0 || now != 7 {
		t.Fatalf("%d found by the old definition, %d by the new one", old, now)
	}
	verify(t, e)
	s, err := e.Stats(ours(t.Context()))
	if err != nil || s.Head != 21 || s.Versions != 21 || s.Resources["Patient"] != 19 {
		t.Fatalf("stats %+v, %v", s, err)
	}
	r, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{storetest.Sample("Patient", "5", 17, "x")}})
	if err != nil || r.T != 22 || r.Puts[0].Version != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestVerifyFindsDamage: a row that is changed, missing or too much is found, whatever it is.
func TestVerifyFindsDamage(t *testing.T) {
	dir := t.TempDir()
	plain(t, dir, options(0))
	e := openStore(t, dir, options(0))
	defer e.Close()
	verify(t, e)
	for _, prefix := range "chiuvxy" {
		undo, ok := e.Damage(byte(prefix))
		if !ok {
			continue // there is no such row
		}
		err := e.Verify(ours(t.Context()))
		wantCode(t, err, "store-damaged")
		undo()
		verify(t, e)
	}
}

func TestOtherFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	plain(t, dir, options(0))
	e := openStore(t, dir, options(0))
	e.SetFormat("99")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Open(dir, options(0))
	wantCode(t, err, "store-format")
}

// TestLogAndStateDisagree: a state that is not that of its log is not served.
func TestLogAndStateDisagree(t *testing.T) {
	dir := t.TempDir()
	plain(t, dir, options(0))
	e := openStore(t, dir, options(0))
	e.CutLog()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Open(dir, options(0))
	wantCode(t, err, "store-damaged")
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Open(filepath.Join(file, "below"), options(0))
	if e := wantCode(t, err, "store-disk"); !strings.Contains(e.Error(), "below") {
		t.Fatalf("%v does not say which folder", e)
	}
}
