package ferretdbtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/mirror"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// mirrored gives the database of a mirror, and waits until a document there is as it should be.
func mirrored(t *testing.T, s Server) (db *mongo.Database, until func(collection, id string, holds func(bson.M) bool)) {
	t.Helper()
	db = databaseOf(t, s)
	return db, func(collection, id string, holds func(bson.M) bool) {
		t.Helper()
		var doc bson.M
		for began := time.Now(); ; {
			doc = nil
			err := db.Collection(collection).FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&doc)
			if holds(doc) {
				return
			}
			if time.Since(began) > 60*time.Second {
				t.Fatalf("%s/%s in the mirror: %v, %v", collection, id, doc, err)
			}
		}
	}
}

// onSetsAlone skips FerretDB, which ends the connection on which the mirror writes.
func onSetsAlone(t *testing.T, s Server) {
	if s.Single {
		t.Skip("SKIPPED: FerretDB cannot hold a mirror; a replica set can")
	}
}

// TestMirror: what the mirror has of a history of random writes is what the store has, also where its feeder ended anywhere
// and where it is fed all of it once more.
func TestMirror(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("FEED/"+s.Name, func(t *testing.T) {
			onSetsAlone(t, s)
			e, err := engine.Open(t.TempDir(), engine.Options{Logger: slog.New(slog.DiscardHandler), Index: options(nil).Index})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			ctx := ours(t.Context())
			db, until := mirrored(t, s)
			name := db.Name()
			rng := rand.New(rand.NewPCG(seed(t), 0))
			write := func() {
				for range 30 {
					key := fhir.Key{Type: "Basic", ID: fhir.ID(fmt.Sprint("b", rng.IntN(12)))}
					c := store.Changes{Deletes: []store.Delete{{Key: key}}}
					if rng.IntN(4) > 0 {
						doc, err := resource.New(fmt.Appendf(nil, `{"resourceType":"Basic","id":%q,"created":"2020-02-29","n":%d,"d":1.50,"long":0.1234567890123456789012345678901234567}`, key.ID, rng.IntN(1e6)))
						if err != nil {
							t.Fatal(err)
						}
						c = store.Changes{Puts: []store.Put{{Key: key, Doc: doc.Root().Store(key.ID), Method: store.MethodUpdate}}}
					}
					if _, err := e.Commit(ctx, c); err != nil {
						t.Fatal(err)
					}
				}
			}
			for round := range 4 {
				write()
				if round == 2 { // as if it had been restored from an older copy
					if _, err := db.Collection("_mirror").DeleteMany(ctx, bson.D{}); err != nil {
						t.Fatal(err)
					}
				}
				m, err := mirror.Open(s.URI, name, e, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				running, stop := context.WithCancel(ctx)
				ended := make(chan error, 1)
				go func() { ended <- m.Run(running) }()
				if round == 1 {
					wait(ctx, time.Duration(rng.IntN(40))*time.Millisecond) // it ends anywhere
				} else {
					head, err := e.Head(ctx)
					if err != nil {
						t.Fatal(err)
					}
					until("_mirror", "position", func(d bson.M) bool { return fmt.Sprint(d["commit"]) == fmt.Sprint(head) })
				}
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if err := m.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			there := 0
			for i := range 12 {
				key := fhir.Key{Type: "Basic", ID: fhir.ID(fmt.Sprint("b", i))}
				f, err := e.Read(ctx, key, 0)
				var doc bson.M
				missing := db.Collection("Basic").FindOne(ctx, bson.D{{Key: "_id", Value: string(key.ID)}}).Decode(&doc)
				if err != nil { // deleted, or never there
					if missing == nil {
						t.Errorf("%s is gone and in the mirror", key)
					}
					continue
				}
				there++
				d, err := resource.New(f.Stored.Body)
				if err != nil {
					t.Fatal(err)
				}
				if missing != nil || fmt.Sprint(doc["_version"]) != f.Version.String() || fmt.Sprint(doc["n"]) != string(d.Root().Get("n").Raw()) ||
					fmt.Sprint(doc["d"]) != "1.50" || doc["long"] != "0.1234567890123456789012345678901234567" || doc["created"] != "2020-02-29" {
					t.Errorf("%s version %s: %v in the mirror, %v", key, f.Version, doc, missing)
				}
				if at, ok := doc["created_date"].(bson.DateTime); !ok || at.Time().UTC().Format(time.RFC3339) != "2020-02-28T17:00:00Z" {
					t.Errorf("created_date %v", doc["created_date"])
				}
			}
			if there == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// TestMirrorKilled: the server that feeds the mirror is killed while it does, and goes on when it is there again.
func TestMirrorKilled(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("FEED/"+s.Name, func(t *testing.T) {
			onSetsAlone(t, s)
			to := s.With("")
			_, until := mirrored(t, to)
			p := newProcess(t, s, "--mirror", to.URI)
			for round := range 3 {
				for i := range 20 {
					status, raw, _, err := exchange(http.MethodPut, fmt.Sprintf("%s/Basic/k%d", p.url(), i), fmt.Sprintf(`{"resourceType":"Basic","id":"k%d","code":{"text":"round %d"}}`, i, round))
					if err != nil || status >= 300 {
						t.Fatalf("%d %v\n%s", status, err, raw)
					}
				}
				p.kill()
				p.start(t)
			}
			for i := range 20 {
				until("Basic", fmt.Sprint("k", i), func(d bson.M) bool {
					code, _ := d["code"].(bson.D)
					return len(code) == 1 && code[0].Value == "round 2"
				})
			}
		})
	}
}
