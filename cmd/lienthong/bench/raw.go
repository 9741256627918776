package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// rawRates are what the engine alone reaches with the same documents and index entries, without HTTP, JSON and checks.
type rawRates struct {
	bundled float64 // resources/s, one commit a bundle, as many writers as the import has senders
}

// rawEngine writes the Synthea bundles straight into an engine in a folder of its own. Everything is parsed and indexed
// before the clock starts.
func rawEngine(ctx context.Context, dir, synthea string) (rawRates, error) {
	first, patients, err := loadSynthea(synthea)
	if err != nil {
		return rawRates{}, err
	}
	ix := index.New(index.Options{})
	var commits []store.Changes
	total := 0
	for _, b := range append(first, patients...) {
		doc, err := resource.Parse(b.raw, resource.DefaultLimits)
		if err != nil {
			return rawRates{}, fmt.Errorf("%s: %w", b.name, err)
		}
		var c store.Changes
		for entry := range doc.Root().Get("entry").Elements() {
			v := entry.Get("resource")
			entries, _ := ix.Resource(v, 10)
			total++
			id := fhir.ID("raw-" + strconv.Itoa(total))
			c.Puts = append(c.Puts, store.Put{
				Key: fhir.Key{Type: v.ResourceType(), ID: id}, Doc: v.Store(id), Entries: entries, Method: store.MethodCreate, MustCreate: true,
			})
		}
		commits = append(commits, c)
	}
	folder := filepath.Join(dir, "raw")
	defer os.RemoveAll(folder)
	e, err := engine.Open(folder, engine.Options{})
	if err != nil {
		return rawRates{}, err
	}
	defer e.Close()
	began := time.Now()
	if err := writeAll(ctx, e, commits, 4); err != nil {
		return rawRates{}, err
	}
	return rawRates{bundled: float64(total) / time.Since(began).Seconds()}, nil
}

// writeAll commits each of the changes once, by several writers.
func writeAll(ctx context.Context, s store.Store, commits []store.Changes, writers int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, writers)
	for range writers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(commits) {
					return
				}
				if _, err := s.Commit(ctx, commits[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// rawCreates gives the commits/s of 64 writers that put one small document each.
func rawCreates(ctx context.Context, dir string, body []byte, d time.Duration) (float64, error) {
	doc, err := resource.Parse(body, resource.DefaultLimits)
	if err != nil {
		return 0, err
	}
	entries, _ := index.New(index.Options{}).Resource(doc.Root(), 10)
	folder := filepath.Join(dir, "raw-creates")
	defer os.RemoveAll(folder)
	e, err := engine.Open(folder, engine.Options{})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	var done atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, clients)
	end := time.Now().Add(d)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				id := fhir.ID("raw-" + strconv.FormatInt(done.Add(1), 10))
				put := store.Put{Key: fhir.Key{Type: "Observation", ID: id}, Doc: doc.Root().Store(id), Entries: entries, Method: store.MethodCreate, MustCreate: true}
				if _, err := e.Commit(ctx, store.Changes{Puts: []store.Put{put}}); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	return float64(done.Load()) / d.Seconds(), nil
}
