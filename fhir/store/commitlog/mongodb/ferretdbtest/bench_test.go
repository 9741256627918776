package ferretdbtest

import (
	"compress/bzip2"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// BenchmarkLogs sets the shared log beside the embedded one, in one run, with real documents:
//
//	CGO_ENABLED=0 go test -run '^$' -bench Logs -benchtime 1x .
//
// Server and log share the machine. FerretDB over SQLite is no MongoDB: figures of it bound what the engine costs, not what a
// replica set gives.
func BenchmarkLogs(b *testing.B) {
	bundles, resources := corpus(b)
	b.Run("embedded", func(b *testing.B) {
		for range b.N {
			e := openOver(b, nil)
			measure(b, e, bundles, resources)
			if err := e.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, s := range Servers(b) {
		b.Run(s.Name, func(b *testing.B) {
			for range b.N {
				s := s.With("")
				l := open(b, s, nil)
				e := openOver(b, l)
				measure(b, e, bundles, resources)
				began := time.Now()
				other := openOver(b, l)
				b.ReportMetric(float64(resources)/time.Since(began).Seconds(), "caught-up/s")
				for _, c := range []interface{ Close() error }{other, e, l} {
					if err := c.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rawInsert(b, s).Microseconds()), "raw-insert-us")
			}
		})
	}
}

// openOver opens a new engine over a log, nil for one of its own.
func openOver(b *testing.B, l commitlog.Log) *engine.Engine {
	x := index.New(index.Options{})
	e, err := engine.Open(b.TempDir(), engine.Options{Log: l, Logger: slog.New(slog.DiscardHandler), Index: func(_ fhir.Key, doc resource.Stored) (search.Indexed, error) {
		d, err := resource.New(doc.Body)
		if err != nil {
			return search.Indexed{}, err
		}
		found, _ := x.Document(d.Root(), 1)
		return found, nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// corpus gives the Synthea bundles as commits.
func corpus(b *testing.B) (bundles []store.Changes, resources int) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "..", "..", "shared", "data", "synthea", "*.json.bz2"))
	if err != nil || len(files) == 0 {
		b.Skip("the Synthea bundles are not beside the project")
	}
	x := index.New(index.Options{})
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		doc, err := resource.Read(bzip2.NewReader(f), resource.Limits{})
		_ = f.Close()
		if err != nil {
			b.Fatal(err)
		}
		var c store.Changes
		for e := range doc.Root().Get("entry").Elements() {
			r := e.Get("resource")
			id, _ := r.ID()
			found, _ := x.Document(r, 1)
			c.Puts = append(c.Puts, store.Put{Key: fhir.Key{Type: r.ResourceType(), ID: fhir.ID(id)}, Doc: r.Store(fhir.ID(id)), Entries: found.Entries, Contained: found.Contained, Method: store.MethodCreate})
		}
		resources += len(c.Puts)
		bundles = append(bundles, c)
	}
	return bundles, resources
}

func measure(b *testing.B, e *engine.Engine, bundles []store.Changes, resources int) {
	ctx := ours(context.Background())
	took := together(4, len(bundles), func(i int) error { _, err := e.Commit(ctx, bundles[i]); return err }, b)
	b.ReportMetric(float64(resources)/took.Seconds(), "imported/s")
	reads := 20_000
	took = together(64, reads, func(int) error {
		c := bundles[rand.IntN(len(bundles))]
		_, err := e.Read(ctx, c.Puts[rand.IntN(len(c.Puts))].Key, 0)
		return err
	}, b)
	b.ReportMetric(float64(reads)/took.Seconds(), "reads/s")
	singles := 3000
	took = together(64, singles, func(i int) error {
		p := bundles[i%len(bundles)].Puts[0]
		p.Key.ID = fhir.ID(fmt.Sprint("single-", i))
		_, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}})
		return err
	}, b)
	b.ReportMetric(float64(singles)/took.Seconds(), "commits/s")
	one := time.Now()
	for i := range 100 {
		p := bundles[i%len(bundles)].Puts[0]
		p.Key.ID = fhir.ID(fmt.Sprint("alone-", i))
		if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{p}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(one).Microseconds())/100, "commit-us")
}

// together does n things by some workers.
func together(workers, n int, do func(i int) error, b *testing.B) time.Duration {
	work := make(chan int, workers)
	var wg sync.WaitGroup
	began := time.Now()
	for range workers {
		wg.Go(func() {
			for i := range work {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	return time.Since(began)
}

// rawInsert is what the driver takes for a document like that of one commit.
func rawInsert(b *testing.B, s Server) time.Duration {
	c := databaseOf(b, s.With("raw")).Collection("c")
	body := make([]byte, 900)
	const n = 100
	began := time.Now()
	for range n {
		if _, err := c.InsertOne(context.Background(), bson.D{{Key: "_id", Value: bson.NewObjectID().Hex()}, {Key: "b", Value: body}}); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / n
}
