package engine_test

import (
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// The benchmarks write the Synthea bundles with their real index entries, so that figures are those of real documents:
//
//	CGO_ENABLED=0 go test ./fhir/store/engine -run '^$' -bench . -benchtime 1x
//
// Import copies: how often each bundle is written, each time under other ids; STORE_COPIES overrides.

// corpus is what is written: the bundles as commits, hospitals and practitioners first.
type corpus struct {
	bundles   []store.Changes
	resources int
	entries   int
	bytes     int
}

var syntheaCorpus = sync.OnceValues(func() (*corpus, error) {
	root, err := fhirtest.Root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, "..", "shared", "data", "synthea", "*.json.bz2"))
	if err != nil {
		return nil, err
	}
	c := &corpus{}
	x := index.New(index.Options{Base: "http://localhost/fhir"})
	for _, f := range files { // "0-…" sort first
		if err := c.add(x, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	return c, nil
})

func synthea(tb testing.TB) *corpus {
	tb.Helper()
	fhirtest.Data(tb, "data", "synthea")
	c, err := syntheaCorpus()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (c *corpus) add(x *index.Index, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := resource.Read(bzip2.NewReader(f), resource.Limits{})
	if err != nil {
		return err
	}
	local := map[string]string{} // urn:uuid -> Type/id
	for e := range doc.Root().Get("entry").Elements() {
		r := e.Get("resource")
		id, _ := r.ID()
		local[e.Get("fullUrl").Text()] = string(r.ResourceType()) + "/" + id
	}
	var changes store.Changes
	for e := range doc.Root().Get("entry").Elements() {
		r := e.Get("resource")
		link(r, local)
		id, _ := r.ID()
		entries, _ := x.Resource(r, 10)
		key := fhir.Key{Type: r.ResourceType(), ID: fhir.ID(id)}
		changes.Puts = append(changes.Puts, store.Put{Key: key, Doc: r.Store(key.ID), Entries: entries, Method: store.MethodCreate})
		c.resources++
		c.entries += len(entries)
		c.bytes += len(changes.Puts[len(changes.Puts)-1].Doc.Body)
	}
	c.bundles = append(c.bundles, changes)
	return nil
}

// link makes references between entries local ones.
func link(v resource.Value, local map[string]string) {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		if c.Kind() == resource.String && c.Name() == "reference" {
			if to, ok := local[c.Text()]; ok {
				c.ReplaceString(to)
			}
			continue
		}
		link(c, local)
	}
}

// nth gives an id as it is in copy n.
func nth(id string, n int) string {
	if n == 0 {
		return id
	}
	return fmt.Sprintf("%04x", n) + id[min(4, len(id)):]
}

// copyOf gives a bundle under other ids: the same size, the same sharing of values, references within the copy.
func copyOf(c store.Changes, n int) store.Changes {
	if n == 0 {
		return c
	}
	out := store.Changes{Puts: make([]store.Put, len(c.Puts))}
	rename := func(id string) string { return nth(id, n) }
	// Synthea's patients are identified by their id: each copy is a citizen of its own.
	var citizen, other []byte
	for _, p := range c.Puts {
		if p.Key.Type == "Patient" {
			citizen, other = []byte(p.Key.ID), []byte(rename(string(p.Key.ID)))
		}
	}
	for i, p := range c.Puts {
		p.Key.ID = fhir.ID(rename(string(p.Key.ID)))
		entries := make([]search.Entry, len(p.Entries))
		for j, e := range p.Entries {
			if key, ok := search.ReferenceKey(e.Value); ok {
				key.ID = fhir.ID(rename(string(key.ID)))
				e.Value = search.ReferenceValue(key)
			} else if citizen != nil && bytes.Contains(e.Value, citizen) {
				e.Value = bytes.ReplaceAll(e.Value, citizen, other)
			}
			entries[j] = e
		}
		p.Entries = entries
		out.Puts[i] = p
	}
	return out
}

// importAll commits the corpus with some senders; it gives the time until the last was on disk.
func importAll(tb testing.TB, e *engine.Engine, c *corpus, senders, copies int) time.Duration {
	tb.Helper()
	work := make(chan store.Changes, senders)
	var wg sync.WaitGroup
	began := time.Now()
	for range senders {
		wg.Go(func() {
			for changes := range work {
				if _, err := e.Commit(ours(context.Background()), changes); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	for n := range copies {
		for _, b := range c.bundles {
			work <- copyOf(b, n)
		}
	}
	close(work)
	wg.Wait()
	return time.Since(began)
}

// loaded gives a store with the corpus, ready for reading.
func loaded(b *testing.B, copies int) (*engine.Engine, *corpus) {
	c := synthea(b)
	e := openStore(b, b.TempDir(), options(0))
	b.Cleanup(func() { _ = e.Close() })
	importAll(b, e, c, 4, copies)
	if err := e.Flush(); err != nil {
		b.Fatal(err)
	}
	return e, c
}

func copies(b *testing.B) int {
	n := 1
	if s := os.Getenv("STORE_COPIES"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

// cpuTime gives what the process has used of all cores: on a machine that others use too it says more than the clock.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkImport(b *testing.B) {
	c := synthea(b)
	n := copies(b)
	total := float64(c.resources * n)
	b.Logf("%d resources, %.1f entries each, %d bytes each, %d copies", c.resources, float64(c.entries)/float64(c.resources), c.bytes/c.resources, n)
	for b.Loop() {
		debug.FreeOSMemory()
		e := openStore(b, b.TempDir(), options(0))
		cpu := cpuTime(b)
		took := importAll(b, e, c, 4, n)
		b.ReportMetric(total/took.Seconds(), "resources/s")
		b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/total, "cpu-µs/resource")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MB")
		s, err := e.Stats(ours(context.Background()))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.DiskBytes)/total, "disk-B/resource")
		if err := e.Flush(); err != nil {
			b.Fatal(err)
		}
		if s, err = e.Stats(ours(context.Background())); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.DiskBytes)/total, "flushed-B/resource")
		if testing.Verbose() {
			b.Log("\n" + e.Metrics())
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		if e2 := openStore(b, e.Dir(), options(0)); e2 != nil {
			s, _ = e2.Stats(ours(context.Background()))
			b.ReportMetric(float64(s.DiskBytes)/total, "reopened-B/resource")
			_ = e2.Close()
		}
	}
}

// BenchmarkCreate: durable commits of one resource each at 64 writers.
func BenchmarkCreate(b *testing.B) {
	c := synthea(b)
	e := openStore(b, b.TempDir(), options(0))
	defer e.Close()
	var all []store.Put
	for _, bundle := range c.bundles {
		all = append(all, bundle.Puts...)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var next atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := int(next.Add(1))
			p := all[n%len(all)]
			p.Key.ID = fhir.ID(fmt.Sprint(n))
			if _, err := e.Commit(ours(context.Background()), store.Changes{Puts: []store.Put{p}}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

func BenchmarkRead(b *testing.B) {
	n := copies(b)
	e, c := loaded(b, n)
	cpu := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			bundle := c.bundles[rand.IntN(len(c.bundles))]
			key := bundle.Puts[rand.IntN(len(bundle.Puts))].Key
			key.ID = fhir.ID(nth(string(key.ID), rand.IntN(n)))
			if _, err := e.Read(ours(context.Background()), key, 0); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkSearch(b *testing.B) {
	n := copies(b)
	e, c := loaded(b, n)
	var patients []fhir.Key
	for _, bundle := range c.bundles {
		for _, p := range bundle.Puts {
			for i := range n {
				if p.Key.Type == "Patient" {
					patients = append(patients, fhir.Key{Type: "Patient", ID: fhir.ID(nth(string(p.Key.ID), i))})
				}
			}
		}
	}
	rand.Shuffle(len(patients), func(i, j int) { patients[i], patients[j] = patients[j], patients[i] })
	for _, s := range []struct{ name, typ, query string }{
		{"immunizations-of-citizen", "Immunization", "patient.identifier=https://github.com/synthetichealth/synthea|%i&_sort=-date"},
		{"immunizations-of-patient", "Immunization", "patient=%p&_sort=-date"},
		{"patient-by-identifier", "Patient", "identifier=https://github.com/synthetichealth/synthea|%i"},
		{"patient-by-name", "Patient", "name=a"},
		{"patient-by-birthdate-and-gender", "Patient", "birthdate=ge1960&gender=female"},
		{"observation-by-code", "Observation", "code=http://loinc.org|8302-2"},
		{"observation-by-code-any-system", "Observation", "code=8302-2"},
		{"observation-by-patient-code-date", "Observation", "patient=%p&code=http://loinc.org|8302-2&date=ge2015"},
		{"observation-by-code-value", "Observation", "code=http://loinc.org|8302-2&value-quantity=gt150"},
		{"observation-sorted", "Observation", "_sort=-date"},
		{"observation-final-sorted", "Observation", "status=final&_sort=-date"},
		{"observation-by-date-sorted", "Observation", "date=ge2015&_sort=date"},
		{"observation-by-patient-name", "Observation", "patient.name=a"},
		{"observation-by-patient-gender-sorted", "Observation", "patient.gender=female&_sort=-date"},
		{"encounter-by-patient-date", "Encounter", "patient=%p&date=ge2010"},
		{"claim-by-patient-created", "Claim", "patient=%p&created=ge2010"},
		{"observation-all", "Observation", ""},
	} {
		b.Run(s.name, func(b *testing.B) {
			queries := make([]search.Query, len(patients))
			for i, p := range patients {
				text := strings.NewReplacer("%p", p.String(), "%i", string(p.ID)).Replace(s.query)
				params, err := search.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				r, err := search.Bind(fhir.Type(s.typ), params, search.Options{})
				if err != nil {
					b.Fatal(err)
				}
				queries[i] = r.Query
			}
			found := 0
			b.ReportAllocs()
			cpu := cpuTime(b)
			for i := 0; b.Loop(); i++ {
				for _, err := range e.Search(ours(context.Background()), queries[i%len(queries)], 0, store.SearchOptions{Limit: 21}) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
			}
			b.ReportMetric(float64(found)/float64(b.N), "found/op")
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
		})
		if s.query == "" {
			continue
		}
		b.Run(s.name+"/count", func(b *testing.B) {
			text := strings.NewReplacer("%p", patients[0].String(), "%i", string(patients[0].ID)).Replace(s.query)
			params, _ := search.Parse(text)
			r, err := search.Bind(fhir.Type(s.typ), params, search.Options{})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				if n, err = e.Count(ours(context.Background()), r.Query, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "found")
		})
	}
}

// BenchmarkStart: open after a kill, with what the write-ahead log held to be replayed, and after a clean close.
func BenchmarkStart(b *testing.B) {
	c := synthea(b)
	dir := filepath.Join(b.TempDir(), "store")
	e := openStore(b, dir, options(0))
	importAll(b, e, c, 4, copies(b))
	killed := dir + "-killed"
	// A copy while it serves has the write-ahead logs that a killed process leaves.
	if err := errors.Join(e.Checkpoint(ours(context.Background()), killed), e.Close()); err != nil {
		b.Fatal(err)
	}
	b.Run("clean", func(b *testing.B) {
		for b.Loop() {
			_ = openStore(b, dir, options(0)).Close()
		}
	})
	b.Run("killed", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			copied := fmt.Sprint(killed, i)
			if err := os.CopyFS(copied, os.DirFS(killed)); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			e := openStore(b, copied, options(0))
			b.StopTimer()
			_ = e.Close()
			_ = os.RemoveAll(copied)
			b.StartTimer()
		}
	})
}
