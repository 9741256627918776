package ferretdbtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/sealed"
	"github.com/lienthong/lienthong/fhir/store/storetest"
)

// TestCheckpoints: a new server starts from the newest checkpoint that is whole and verifies, whatever lies in its folder of a
// start that was killed, and comes to the state of the others; older ones go.
func TestCheckpoints(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { checkpoints(t, s) })
	}
}

func checkpoints(t *testing.T, s Server) {
	ctx := ours(t.Context())
	var log strings.Builder
	l := open(t, s, func(c *mongodb.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	t.Cleanup(func() { _ = l.Close() }) // after the servers that opens starts, which would ask a closed log for minutes
	o := engine.Options{Logger: slog.New(slog.DiscardHandler), Index: storetest.Index, Log: l}
	e, err := engine.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	db := databaseOf(t, s)
	count := func(collection string) int64 {
		n, err := db.Collection(collection).CountDocuments(ctx, bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	now := time.Now()
	if next, err := l.FetchCheckpoint(ctx, t.TempDir(), usableOn(engine.Options{})); next != 0 || err != nil {
		t.Fatalf("%d, %v", next, err)
	}
	// Left by a server that died in the middle of writing: not whole, whatever it has.
	left := bson.NewObjectID()
	for collection, doc := range map[string]bson.D{
		"checkpoints":        {{Key: "_id", Value: left}, {Key: "t", Value: int64(3)}, {Key: "at", Value: now.Add(-24 * time.Hour)}, {Key: "whole", Value: false}},
		"checkpoints.chunks": {{Key: "_id", Value: bson.NewObjectID()}, {Key: "files_id", Value: left}, {Key: "n", Value: int32(0)}, {Key: "data", Value: bson.Binary{Data: []byte("half")}}},
	} {
		if _, err := db.Collection(collection).InsertOne(ctx, doc); err != nil {
			t.Fatal(err)
		}
	}
	write := func(from, to int) {
		for n := from; n < to; n++ {
			if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", fhir.ID(fmt.Sprint(n%30)), 16, fmt.Sprint(n))}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 4 {
		write(round*10, round*10+10)
		dir := filepath.Join(t.TempDir(), "copy")
		if err := e.Checkpoint(ctx, dir); err != nil {
			t.Fatal(err)
		}
		if err := l.KeepCheckpoint(ctx, dir, fhir.T(round*10+10), now); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := count("checkpoints"), count("checkpoints.files"); a != 2 || b != 2 {
		t.Errorf("%d checkpoints, %d files", a, b)
	}
	if n, err := db.Collection("checkpoints.chunks").CountDocuments(ctx, bson.D{{Key: "files_id", Value: left}}); n != 0 || err != nil {
		t.Errorf("%d chunks of a dead server, %v", n, err)
	}
	write(40, 50)

	starts := func(from fhir.T) {
		t.Helper()
		dir := t.TempDir()
		for _, name := range []string{"000002.log", "000004.sst", "checkpoint.loading/000001.log"} { // of a start that was killed
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		next, err := l.FetchCheckpoint(ctx, dir, usableOn(engine.Options{}))
		if next != from || err != nil {
			t.Fatalf("starts after %d, not %d: %v", next, from, err)
		}
		if next == 0 {
			return
		}
		if again, err := l.FetchCheckpoint(ctx, dir, usableOn(engine.Options{})); again != 0 || err != nil {
			t.Errorf("a store that is there was filled: %d, %v", again, err)
		}
		other := opens(t, dir, o, 30)
		if head, err := other.Head(ctx); head != 50 || err != nil {
			t.Errorf("it is at %d, %v", head, err)
		}
	}
	starts(41)
	var newest struct {
		ID bson.ObjectID `bson:"_id"`
	}
	sorted := mongooptions.FindOne().SetSort(bson.D{{Key: "t", Value: -1}})
	if err := db.Collection("checkpoints").FindOne(ctx, bson.D{}, sorted).Decode(&newest); err != nil {
		t.Fatal(err)
	}
	chunk := bson.D{{Key: "files_id", Value: newest.ID}, {Key: "n", Value: int32(0)}}
	var body struct {
		Data bson.Binary `bson:"data"`
	}
	if err := db.Collection("checkpoints.chunks").FindOne(ctx, chunk).Decode(&body); err != nil {
		t.Fatal(err)
	}
	body.Data.Data[len(body.Data.Data)/2] ^= 1
	if _, err := db.Collection("checkpoints.chunks").UpdateOne(ctx, chunk, bson.D{{Key: "$set", Value: bson.D{{Key: "data", Value: body.Data}}}}); err != nil {
		t.Fatal(err)
	}
	starts(31) // the one before it
	if !strings.Contains(log.String(), "cannot be used") {
		t.Errorf("nobody is told of a damaged checkpoint: %s", &log)
	}
	longer := filepath.Join(t.TempDir(), "copy")
	if err := e.Checkpoint(ctx, longer); err != nil {
		t.Fatal(err)
	}
	if err := l.KeepCheckpoint(ctx, longer, 60, now); err != nil {
		t.Fatal(err)
	}
	starts(0) // one of a log that was longer, before it was put back, is of no use; the other one is damaged
}

// opens opens a folder that was filled, which follows from the log and has so many patients.
func opens(t *testing.T, dir string, o engine.Options, patients int) *engine.Engine {
	t.Helper()
	e, err := engine.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	ctx := ours(context.Background())
	if err := e.Verify(ctx); err != nil {
		t.Error(err)
	}
	if n, err := e.Count(ctx, search.Query{Type: "Patient"}, 0); n != patients || err != nil {
		t.Errorf("%d patients, %v", n, err)
	}
	return e
}

// usableOn is what a server can use whose disk is that of o.
func usableOn(o engine.Options) func(dir string) error {
	return func(dir string) (err error) {
		if o.FS == nil {
			o.FS, err = sealed.Disk("", nil)
		}
		return errors.Join(err, sealed.Check(o.FS, dir))
	}
}

// withKey gives options with an encrypted disk.
func withKey(t *testing.T) (o engine.Options) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.json")
	_, err := sealed.NewKeyFile(path, "")
	if err == nil {
		o.FS, err = sealed.Disk(path, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestSealedCheckpoint: a copy of an encrypted store has nothing in clear, a server with its key starts from it, and one without the
// key, or with another one, passes it over.
func TestSealedCheckpoint(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LIVE/"+s.Name, func(t *testing.T) { sealedCheckpoint(t, s) })
	}
}

func sealedCheckpoint(t *testing.T, s Server) {
	ctx := ours(t.Context())
	l := open(t, s, nil)
	t.Cleanup(func() { _ = l.Close() }) // after the servers that opens starts, which would ask a closed log for minutes
	o := withKey(t)
	o.Logger, o.Index, o.Log = slog.New(slog.DiscardHandler), storetest.Index, l
	e, err := engine.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const marked = "thesealedone"
	for n := range 40 {
		if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", fhir.ID(fmt.Sprint(marked, n)), 16, marked)}}); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := e.Checkpoint(ctx, copied); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(copied)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if raw, err := os.ReadFile(filepath.Join(copied, f.Name())); err != nil || strings.Contains(string(raw), marked) {
			t.Errorf("%s is in clear, %v", f.Name(), err)
		}
	}
	if err := l.KeepCheckpoint(ctx, copied, 40, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]engine.Options{"no key": {}, "another key": withKey(t)} {
		dir := t.TempDir()
		if next, err := l.FetchCheckpoint(ctx, dir, usableOn(o)); next != 0 || err != nil {
			t.Errorf("%s: begins at %d, %v", name, next, err)
		}
		if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
			t.Errorf("%s: it left %v, %v", name, left, err)
		}
	}
	dir := t.TempDir()
	if next, err := l.FetchCheckpoint(ctx, dir, usableOn(o)); next != 41 || err != nil {
		t.Fatalf("begins at %d, %v", next, err)
	}
	other := opens(t, dir, o, 40)
	if _, err := other.Commit(ctx, store.Changes{Puts: []store.Put{storetest.Sample("Patient", "more", 16, "v")}}); err != nil {
		t.Errorf("a commit on what was fetched: %v", err)
	}
}

// TestCheckpointsKilled: servers are killed while they keep a checkpoint and while they start from one. Each server that comes
// to serve has everything.
func TestCheckpointsKilled(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("DURABLE/"+s.Name, func(t *testing.T) { checkpointsKilled(t, s) })
		t.Run("DURABLE/"+s.Name+"/sealed", func(t *testing.T) {
			key := filepath.Join(t.TempDir(), "key.json")
			if _, err := sealed.NewKeyFile(key, ""); err != nil {
				t.Fatal(err)
			}
			checkpointsKilled(t, s.With(""), "--encryption-key", key)
		})
	}
}

func checkpointsKilled(t *testing.T, s Server, settings ...string) {
	rng := rand.New(rand.NewPCG(seed(t), 0))
	a := newProcess(t, s, append(settings, "--log-checkpoint-every", "50ms")...)
	const written = 60
	for n := range written {
		status, body, err := a.put(fmt.Sprint("p", n), "x")
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %v\n%s", status, err, body)
		}
		if n%15 == 14 {
			wait(t.Context(), time.Duration(rng.IntN(200))*time.Millisecond)
			a.kill()
			a.start(t)
		}
	}
	l := open(t, s, nil)
	defer l.Close()
	for began := time.Now(); ; {
		if _, known, err := l.CheckpointAge(t.Context(), time.Now()); err != nil || time.Since(began) > 60*time.Second {
			t.Fatalf("no checkpoint is kept: %v", err)
		} else if known {
			break
		}
		wait(t.Context(), 20*time.Millisecond)
	}
	a.kill()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "new")
	kills := 6
	if testing.Short() {
		kills = 3
	}
	for range kills {
		args := append([]string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--log", s.URI, "--data", data}, settings...)
		if s.Single {
			args = append(args, "--log-single")
		}
		cmd := exec.Command(file, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait(t.Context(), time.Duration(rng.IntN(600))*time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for _, more := range [][]string{{"--data", data}, {"--log-level", "info"}} { // the one that was killed, and one from nothing
		p := newProcess(t, s, append(more, settings...)...)
		status, raw, _, err := exchange(http.MethodGet, p.url()+"/Basic?_summary=count", "")
		if err != nil || status != http.StatusOK || !strings.Contains(string(raw), fmt.Sprintf(`"total":%d`, written)) {
			t.Errorf("%d %v %s", status, err, raw)
		}
		p.kill()
		if more[0] == "--log-level" && !strings.Contains(p.log.String(), "begins with a checkpoint") {
			t.Errorf("it began from nothing:\n%s", p.log.String())
		}
	}
}
