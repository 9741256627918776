// Package ferretdbtest tests what stands on MongoDB against a server that starts within the test: FerretDB over SQLite,
// through the real driver and real sockets. Where LIENTHONG_MONGODB_URI names a replica set (a fresh one: databases are made
// and dropped), the same tests run against that too; where it does not, TestMain says so.
//
// The package is a module of its own. promises prints the table of promises by log from the output of the tests.
package ferretdbtest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// ReplicaSet is the environment variable with the URI of a replica set.
const ReplicaSet = "LIENTHONG_MONGODB_URI"

// Server is a MongoDB server, or what plays one.
type Server struct {
	Name   string // for tables: ferretdb, replica-set
	URI    string // with a database of its own
	Single bool   // no replica set
}

// Ferret starts FerretDB for a test.
func Ferret(tb testing.TB) Server {
	tb.Helper()
	f, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:  "sqlite", SQLiteURL: "file:" + tb.TempDir() + "/",
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatalf("start FerretDB: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = f.Run(ctx) }()
	tb.Cleanup(func() { stop(); <-ended })
	return Server{"ferretdb", strings.TrimSuffix(f.MongoDBURI(), "/") + "/" + database(), true}
}

// Servers gives the servers that a test is to run against.
func Servers(tb testing.TB) []Server {
	tb.Helper()
	all := []Server{Ferret(tb)}
	if base := os.Getenv(ReplicaSet); base != "" {
		all = append(all, replicaSet(tb, base))
	}
	return all
}

// replicaSet gives a database of its own on the replica set.
func replicaSet(tb testing.TB, base string) Server {
	u, err := url.Parse(base)
	if err != nil {
		tb.Fatalf("%s is no URI", ReplicaSet)
	}
	u.Path = "/" + database()
	return Server{"replica-set", u.String(), false}
}

func database() string { return "t_" + strings.ToLower(rand.Text()[:16]) }
