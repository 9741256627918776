package engine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// TestDamagedFiles: wherever a byte of a sorted file is changed, a store either gives what was written or says that it is
// damaged, takes no commits once it has found out, and names no one in its log. The process lives.
func TestDamagedFiles(t *testing.T) {
	whole := t.TempDir()
	const marked = "thedamagedone"
	e := openStore(t, whole, options(0))
	p := storetest.Sample("Patient", marked, 16, "v")
	if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{p}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(whole, "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	damaged := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(raw); at += max(1, len(raw)/8) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			changed := bytes.Clone(raw)
			changed[at] ^= 0x55
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), changed, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			o := options(0)
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			if useDamaged(t, dir, p.Key, o) {
				damaged++
			}
			if strings.Contains(log.String(), marked) {
				t.Fatalf("byte %d: the log names a resource: %s", at, log.String())
			}
		}
	}
	if damaged == 0 {
		t.Fatal("no damage was found")
	}
}

// useDamaged opens, reads, writes and verifies a store; found: it says that it is damaged.
func useDamaged(t *testing.T, dir string, key fhir.Key, o engine.Options) (found bool) {
	t.Helper()
	e, err := engine.Open(dir, o)
	if err != nil {
		return saysDamage(t, err)
	}
	defer e.Close()
	ctx := ours(context.Background())
	if _, err := e.Read(ctx, key, 0); err != nil {
		found = saysDamage(t, err)
	}
	n, err := e.Count(ctx, search.Query{Type: key.Type, Where: []search.Condition{search.Terms{Any: []search.Term{{Param: 16, Low: []byte("v"), Exact: true}}}}}, 0)
	if err != nil {
		found = saysDamage(t, err) || found
	} else if n != 1 {
		t.Fatalf("%d found", n)
	}
	if err := e.Verify(ctx); err != nil {
		found = saysDamage(t, err) || found
	}
	_, err = e.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", "another", 16, "v")}})
	if found != (err != nil) {
		t.Fatalf("damage was found: %v; a commit gives %v", found, err)
	}
	return found
}

func saysDamage(t *testing.T, err error) bool {
	t.Helper()
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "store-damaged" && e.Code != "store-disk" {
		t.Fatalf("damage is said to be %+v", err)
	}
	return true
}
