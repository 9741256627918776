// Package ferretdbtest tests what stands on MongoDB against a server that starts within the test: FerretDB over SQLite,
// through the real driver and real sockets. Where LIENTHONG_MONGOD is the path of a mongod, the same tests run against a replica
// set of three that they start from it too, and some kill its members; LIENTHONG_MONGODB_URI names one that is there already (databases
// are made in it and left). Where there is neither, TestMain says so. The command serve runs other commands beside a log.
//
// The package is a module of its own. promises prints the table of promises by log from the output of the tests.
package ferretdbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// ReplicaSet is the environment variable with the URI of a replica set.
const ReplicaSet = "LIENTHONG_MONGODB_URI"

// Server is a MongoDB server, or what plays one.
type Server struct {
	Name   string // for tables: ferretdb, replica-set
	URI    string // with a database of its own
	Single bool   // no replica set
	Direct string // address of the one server that a proxy stands before: of a set, its primary
}

// With gives the same server with another database, a new one for "".
func (s Server) With(name string) Server {
	if name == "" {
		name = database()
	}
	s.URI = inDatabase(s.URI, name)
	return s
}

// StartFerret starts FerretDB with its files in dir, under settings of SQLite. It gives the URI without a database, and what ends it.
func StartFerret(dir string, pragmas ...string) (uri string, stop func(), err error) {
	f, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:  "sqlite", SQLiteURL: "file:" + dir + "/?" + url.Values{"_pragma": pragmas}.Encode(),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", nil, fmt.Errorf("start FerretDB: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = f.Run(ctx) })
	running.Go(func() { indexCommits(ctx, dir) })
	return strings.TrimSuffix(f.MongoDBURI(), "/") + "/", func() { cancel(); running.Wait() }, nil
}

// Ferret starts FerretDB for a test.
func Ferret(tb testing.TB) Server {
	tb.Helper()
	uri, stop, err := StartFerret(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return Server{"ferretdb", inDatabase(uri, database()), true, strings.Trim(strings.TrimPrefix(uri, "mongodb://"), "/")}
}

// Servers gives the servers that a test is to run against.
func Servers(tb testing.TB) []Server {
	tb.Helper()
	all := []Server{Ferret(tb)}
	switch {
	case os.Getenv(ReplicaSet) != "":
		uri := inDatabase(os.Getenv(ReplicaSet), database())
		direct, _, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
		direct, _, _ = strings.Cut(direct[strings.LastIndex(direct, "@")+1:], ",")
		all = append(all, Server{"replica-set", uri, false, direct})
	case os.Getenv(Mongod) != "":
		setStarted = true
		set, err := sharedSet()
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, set.Server(tb))
	}
	return all
}

// Server gives a new database on a set.
func (s *Set) Server(tb testing.TB) Server {
	tb.Helper()
	ctx, stop := context.WithTimeout(tb.Context(), time.Minute)
	defer stop()
	m, err := s.Primary(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return Server{"replica-set", inDatabase(s.URI, database()), false, m.Addr}
}

// inDatabase gives a URI with another database.
func inDatabase(uri, name string) string {
	rest, query, asked := strings.Cut(uri, "?")
	hosts, _, _ := strings.Cut(strings.TrimPrefix(rest, "mongodb://"), "/")
	uri = "mongodb://" + hosts + "/" + name
	if asked {
		uri += "?" + query
	}
	return uri
}

// databaseOf gives the database of a server, to look at and change what is in it from outside. What is changed the majority has.
func databaseOf(tb testing.TB, s Server) *mongo.Database {
	tb.Helper()
	name, err := mongodb.CheckURI(s.URI)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := mongo.Connect(mongooptions.Client().ApplyURI(s.URI).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Disconnect(context.Background()) }) // what was asked has its own error
	return c.Database(name)
}

func database() string { return "t_" + strings.ToLower(rand.Text()[:16]) }
