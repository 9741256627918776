// Package enginetest opens stores for the tests of the rooms above the store, all over the same kind of log: the one in the
// store's folder, or, if LIENTHONG_TEST_LOG names a MongoDB server, one there with a database of its own for each folder.
// So one variable runs the whole suite over a shared log.
package enginetest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// TestLog is the environment variable with the URI of the MongoDB server whose databases hold the logs of tests. Its path is
// passed over. A server that is no replica set is taken if SingleLog is set too.
const (
	TestLog   = "LIENTHONG_TEST_LOG"
	SingleLog = "LIENTHONG_LOG_SINGLE"
)

// Open opens a store in a temporary folder and closes it when the test ends. What o leaves out is what most tests want: the
// parameters of R4 with those that a test adds, and no log lines.
func Open(tb testing.TB, o engine.Options) *engine.Engine {
	tb.Helper()
	return OpenAt(tb, tb.TempDir(), o)
}

// OpenAt is Open in a folder, which may be there already. A test that closes the store before its end may open it again.
func OpenAt(tb testing.TB, dir string, o engine.Options) *engine.Engine {
	tb.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Index == nil {
		o = Indexed(o, index.Options{})
	}
	if uri, single := LogOf(tb, dir); uri != "" && o.Log == nil {
		o.Log = openLog(tb, uri, single, o.Logger)
	}
	st, err := engine.Open(dir, o)
	if err != nil {
		tb.Fatalf("open the store of the test: %v", err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Errorf("close the store: %v", err)
		}
	})
	return st
}

// Servers opens stores of several servers over one log: one that stands alone in a temporary folder, or that of TestLog.
func Servers(tb testing.TB, o engine.Options, n int) []*engine.Engine {
	tb.Helper()
	dir := tb.TempDir()
	uri, single := LogOf(tb, dir)
	var all []*engine.Engine
	if uri == "" {
		l, err := embedded.OpenFolder(nil, filepath.Join(dir, "log"))
		if err != nil {
			tb.Fatalf("open the log of the test: %v", err)
		}
		tb.Cleanup(func() { _ = l.Close() })
		o.Log = l
	}
	for range n {
		if uri != "" {
			o.Log = openLog(tb, uri, single, nil)
		}
		all = append(all, OpenAt(tb, tb.TempDir(), o))
	}
	return all
}

// LogTimeout is how long tests wait for a log that is another process: machines are slow, and no test of a room above the store is
// about that.
const LogTimeout = time.Minute

func openLog(tb testing.TB, uri string, single bool, log *slog.Logger) commitlog.Log {
	tb.Helper()
	l, err := mongodb.Open(context.Background(), mongodb.Config{URI: uri, Single: single, Timeout: LogTimeout, Logger: log})
	if err != nil {
		tb.Fatalf("open the log of the test: %v", err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

// Indexed gives o with the functions that index by i.
func Indexed(o engine.Options, i index.Options) engine.Options {
	o.Index = index.Stored(i)
	o.IndexWith = func(reg *r4.Registry) engine.IndexFunc {
		i := i
		i.Registry = reg
		return index.Stored(i)
	}
	return o
}

// LogOf gives the address of the log that belongs to a folder, "" if it is to be in the folder. single: the server is no
// replica set.
func LogOf(tb testing.TB, dir string) (uri string, single bool) {
	tb.Helper()
	base := os.Getenv(TestLog)
	if base == "" {
		return "", false
	}
	u, err := url.Parse(base)
	if err != nil {
		tb.Fatalf("%s is no URI", TestLog)
	}
	name, _ := databases.LoadOrStore(filepath.Clean(dir), "t_"+strings.ToLower(rand.Text()[:16]))
	u.Path = "/" + name.(string)
	return u.String(), os.Getenv(SingleLog) != ""
}

// InFolder skips a test of what lies in the folder of a store, the log with it, if the logs of this run are elsewhere.
func InFolder(tb testing.TB) {
	tb.Helper()
	if os.Getenv(TestLog) != "" {
		tb.Skipf("not with %s: it is about a log in the folder", TestLog)
	}
}

// FalseClock skips a test under a false clock (testing/synctest) if the logs of this run are in a replica set: such a clock stands still
// while an answer of a network is waited for, as that of a change stream always is.
func FalseClock(tb testing.TB) {
	tb.Helper()
	if os.Getenv(TestLog) != "" && os.Getenv(SingleLog) == "" {
		tb.Skip("SKIPPED over a replica set: a false clock does not go on while its change stream is waited for")
	}
}

// databases names the database of each folder, for the tests of this process.
var databases sync.Map
