package ferretdbtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// unfit demands that a log is not opened, and what is said of it.
func unfit(t *testing.T, s Server, why string) {
	t.Helper()
	l, err := mongodb.Open(t.Context(), mongodb.Config{URI: s.URI, Single: s.Single})
	if err == nil {
		_ = l.Close()
	}
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("it was opened, or refused with another reason than %q: %v", why, err)
	}
}

// TestUnfitCollections: where commits would vanish, be refused or be taken for one another no log is kept.
func TestUnfitCollections(t *testing.T) {
	expiring := mongo.IndexModel{Keys: bson.D{{Key: "at", Value: 1}}, Options: mongooptions.Index().SetExpireAfterSeconds(3600)}
	for what, c := range map[string]struct {
		why     string
		setOnly bool // FerretDB has no such collections
		make    func(t *testing.T, db *mongo.Database) error
	}{
		"capped": {"is capped", false, func(t *testing.T, db *mongo.Database) error {
			return db.CreateCollection(t.Context(), "commits", mongooptions.CreateCollection().SetCapped(true).SetSizeInBytes(1<<20))
		}},
		"collation": {"has a collation", true, func(t *testing.T, db *mongo.Database) error {
			return db.CreateCollection(t.Context(), "commits", mongooptions.CreateCollection().SetCollation(&mongooptions.Collation{Locale: "vi"}))
		}},
		"validator": {"has a validator", true, func(t *testing.T, db *mongo.Database) error {
			return db.CreateCollection(t.Context(), "chunks", mongooptions.CreateCollection().SetValidator(bson.D{{Key: "b", Value: bson.D{{Key: "$exists", Value: true}}}}))
		}},
		"view": {"is a view", true, func(t *testing.T, db *mongo.Database) error {
			return db.CreateView(t.Context(), "commits", "others", mongo.Pipeline{})
		}},
		"expiring": {"has an index that expires documents", true, func(t *testing.T, db *mongo.Database) error {
			_, err := db.Collection("chunks").Indexes().CreateOne(t.Context(), expiring)
			return err
		}},
	} {
		t.Run(what, func(t *testing.T) {
			for _, s := range Servers(t) {
				if c.setOnly && s.Single {
					continue
				}
				if err := c.make(t, databaseOf(t, s)); err != nil {
					t.Fatal(err)
				}
				unfit(t, s, c.why)
			}
		})
	}
}

// TestUnfitServer: one disk is taken for a log only by who says so, and a log of a later form by nobody.
func TestUnfitServer(t *testing.T) {
	s := Ferret(t)
	unfit(t, Server{s.Name, s.URI, false, ""}, "is no replica set")
	if err := open(t, s, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := databaseOf(t, s).Collection("meta").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "log"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "schema", Value: int32(2)}}}}); err != nil {
		t.Fatal(err)
	}
	unfit(t, s, "written in form 2")
}

// chunkInline is how many bytes a log takes inline in whose chunks a test looks.
const chunkInline = 64

// chunked gives a commit that lies in several chunks there.
func chunked(id byte) []commitlog.Commit {
	return []commitlog.Commit{{ID: commitlog.ID{id}, At: 5, Records: []commitlog.Record{{Space: "s", Key: "k", Value: []byte(noise(int(id), 1000))}}}}
}

// TestSweep: a start takes away the chunks of a group that lost its number to another one, and no others: not those of a commit, nor those
// whose number nobody has yet, since somebody may be writing them.
func TestSweep(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("LOSSLESS/"+s.Name, func(t *testing.T) {
			l := open(t, s, func(c *mongodb.Config) { c.Inline = chunkInline })
			defer l.Close()
			if _, err := l.Append(t.Context(), 0, chunked(1)); err != nil {
				t.Fatal(err)
			}
			chunks := databaseOf(t, s).Collection("chunks")
			count := func() int64 {
				n, err := chunks.CountDocuments(t.Context(), bson.D{})
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			named := count()
			for number, id := range map[int]commitlog.ID{1: {9}, 2: {8}} { // lost, not yet decided
				for i := range 3 {
					key := fmt.Sprintf("%016d/%s/%05d", number, hex.EncodeToString(id[:]), i)
					if _, err := chunks.InsertOne(t.Context(), bson.D{{Key: "_id", Value: key}, {Key: "b", Value: bson.Binary{Data: []byte("left")}}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			other := open(t, s, nil)
			defer other.Close()
			if n := count(); n != named+3 || named < 3 {
				t.Errorf("%d chunks are left, want %d and 3", n, named)
			}
			read := 0
			for _, err := range other.Read(t.Context(), 0) {
				if err != nil {
					t.Fatal(err)
				}
				read++
			}
			if read != 1 {
				t.Errorf("%d commits", read)
			}
		})
	}
}

// TestDamagedLog: what somebody took out of the middle of a log is not read over, and is told at once, however long it may be asked.
func TestDamagedLog(t *testing.T) {
	reads := func(t *testing.T, l *mongodb.Log, good int, why string) {
		t.Helper()
		next := fhir.T(1)
		for c, err := range l.Read(t.Context(), 0) {
			if err != nil {
				if !strings.Contains(err.Error(), why) || int(next) != good+1 {
					t.Errorf("after %d commits: %v, want %q after %d", next-1, err, why, good)
				}
				return
			}
			if c.T != next {
				t.Fatalf("commit %d comes after %d", c.T, next-1)
			}
			next++
		}
		t.Errorf("it ended after %d commits without a word", next-1)
	}
	for _, s := range Servers(t) {
		t.Run("COMPLETE/"+s.Name, func(t *testing.T) {
			l := open(t, s, func(c *mongodb.Config) { c.Inline, c.InOrder, c.Timeout = chunkInline, true, time.Hour })
			defer l.Close()
			for n := range 5 {
				if _, err := l.Append(t.Context(), fhir.T(n), chunked(byte(n+1))); err != nil {
					t.Fatal(err)
				}
			}
			id := commitlog.ID{5}
			if r, err := databaseOf(t, s).Collection("chunks").DeleteOne(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprintf("%016d/%x/%05d", 5, id[:], 1)}}); err != nil || r.DeletedCount != 1 {
				t.Fatal(r, err)
			}
			reads(t, l, 4, "no chunk")
			remove(t, s, 3)
			reads(t, l, 2, "after commit 2 comes")
			if _, err := databaseOf(t, s).Collection("commits").InsertOne(t.Context(), bson.D{{Key: "_id", Value: "x"}, {Key: "n", Value: int32(1)}}); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // asking again and again would take longer
			defer stop()
			if head, err := l.Head(ctx); err == nil || !strings.Contains(err.Error(), "damaged") || ctx.Err() != nil {
				t.Errorf("head %d, %v", head, err)
			}
		})
	}
}
