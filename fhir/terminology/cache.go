package terminology

import (
	"context"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/lienthong/lienthong/fhir"
)

// caches hold the cache for the newest state of the source that was seen.
//
//	question -> Changed(CodeSystem), Changed(ValueSet) -> same as the cache's: use it
//	                                                    -> a newer ValueSet: a new cache with the old code systems
//	                                                    -> a newer CodeSystem: a new, empty cache
//
// mu guards current. The source is never asked under it.
type caches struct {
	mu      sync.Mutex
	current *cache
}

// cache keeps what was read of one state of the source: sets under "v" and the canonical, code systems under "c", system, "|"
// and version. What was built while the source moved on goes into a cache that is no longer asked.
//
// mu guards rows, bytes and tick. Nothing is built under it.
type cache struct {
	valueSets, codeSystems fhir.T
	limit                  int
	flight                 singleflight.Group

	mu    sync.Mutex
	rows  map[string]*row
	bytes int
	tick  uint64
}

// maxKept bounds the rows of a cache: unknown systems and small sets take next to no bytes.
const maxKept = 4096

type row struct {
	value any
	bytes int
	used  uint64 // tick of the last use
}

// current gives the cache to use for a question that begins now.
func (r *Resolver) current(ctx context.Context) (*cache, error) {
	var vs, cs fhir.T
	if r.source != nil {
		var err error
		if cs, err = r.source.Changed(ctx, "CodeSystem"); err != nil {
			return nil, err
		}
		if vs, err = r.source.Changed(ctx, "ValueSet"); err != nil {
			return nil, err
		}
	}
	r.caches.mu.Lock()
	defer r.caches.mu.Unlock()
	old := r.caches.current
	if old != nil && vs <= old.valueSets && cs <= old.codeSystems {
		return old, nil
	}
	c := &cache{valueSets: vs, codeSystems: cs, limit: r.limits.CacheBytes, rows: map[string]*row{}}
	if old != nil {
		c.valueSets, c.codeSystems = max(vs, old.valueSets), max(cs, old.codeSystems)
		if cs <= old.codeSystems {
			old.mu.Lock()
			for key, have := range old.rows {
				if key[0] == 'c' {
					c.rows[key] = &row{value: have.value, bytes: have.bytes}
					c.bytes += have.bytes
				}
			}
			old.mu.Unlock()
		}
	}
	r.caches.current = c
	return c, nil
}

// get gives what is kept under key.
func (c *cache) get(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.rows[key]; have != nil {
		c.tick++
		have.used = c.tick
		return have.value, true
	}
	return nil, false
}

// once builds what key stands for, one time for all who ask while it is built. A caller who goes away does not stop it for
// the others; errors are not kept.
func (c *cache) once(ctx context.Context, key string, build func(context.Context) (value any, bytes int, err error)) (any, error) {
	done := c.flight.DoChan(key, func() (any, error) {
		value, bytes, err := build(context.WithoutCancel(ctx))
		if err == nil {
			c.put(key, value, bytes+len(key)+64)
		}
		return value, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		return got.Val, got.Err
	}
}

// put keeps a value, and drops what was not asked for longest while the cache is over its limit. A code system goes with the
// sets that stand on it, since they would hold its memory.
func (c *cache) put(key string, value any, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick++
	if old := c.rows[key]; old != nil {
		c.bytes -= old.bytes
	}
	c.rows[key] = &row{value: value, bytes: bytes, used: c.tick}
	c.bytes += bytes
	for (c.bytes > c.limit || len(c.rows) > maxKept) && len(c.rows) > 1 {
		oldest := ""
		for k, have := range c.rows {
			if k != key && (oldest == "" || have.used < c.rows[oldest].used) {
				oldest = k
			}
		}
		c.drop(oldest)
		if oldest[0] == 'c' {
			for k := range c.rows {
				if k[0] == 'v' && k != key {
					c.drop(k)
				}
			}
		}
	}
}

func (c *cache) drop(key string) {
	c.bytes -= c.rows[key].bytes
	delete(c.rows, key)
}
