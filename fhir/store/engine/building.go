package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Added search parameters. Which there are follows from the log: records of search.RegisteredSpace. From the commit that
// registers a parameter on, all writes carry its entries (the writer demands the generation that it indexed by). What was
// there before is indexed by the builder, in jobs one after the other; a job adds the entries of some parameters to all
// versions of all resources of their types, and takes those of dropped ones away. Afterwards the rows are what a replay of
// the log with the parameters of now makes, which Verify compares: a page as of any t is exact.
//
//	definitions (sequencer, at staging) ──► building ──► builder: read a chunk, compute its rows
//	                                           ▲                  │ build, through the queue
//	                                           └── sequencer: is each resource still as it was read? then rows and m|build
//
// The row m|build, local to the engine, has what is done and where the job is; it is in the batch of each chunk.

var metaBuild = []byte("m|build")

var _ store.ParamBuilder = (*Engine)(nil)

// buildRow is the row m|build, as JSON.
type buildRow struct {
	Built   []uint16  `json:"built,omitempty"`   // all resources have their entries
	Cleaned []uint16  `json:"cleaned,omitempty"` // dropped, and no row has an entry of theirs
	Job     *buildJob `json:"job,omitempty"`
}

// buildJob is one pass over the resources of some types.
type buildJob struct {
	Add    []uint16    `json:"add,omitempty"`
	Drop   []uint16    `json:"drop,omitempty"`
	Types  []fhir.Type `json:"types"`
	Cursor []byte      `json:"cursor,omitempty"` // key of the row i that was done last
	Done   int         `json:"done"`
}

// building is what the engine knows of added parameters. mu guards the fields; nothing is done under it but to read and
// change them. Slices and jobs are not changed once they are here.
type building struct {
	mu      sync.Mutex
	defined map[uint16]search.Registered // as of the newest commit applied
	row     buildRow
	fault   string
	built   []uint16 // in force and built
	gen     int      // grows with each change of defined

	wake chan struct{} // one token: there may be something to do
}

// loadBuilding reads what is registered and what is built.
func loadBuilding(db pebble.Reader) (map[uint16]search.Registered, buildRow, error) {
	defined, row := map[uint16]search.Registered{}, buildRow{}
	low := appendRecordKey(nil, search.RegisteredSpace, search.RegisteredFrom)
	high := appendRecordKey(nil, search.RegisteredSpace, search.RegisteredTo)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return nil, row, errDisk(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		value, err := recordValue(db, it.Key(), it.Value())
		if err != nil {
			return nil, row, err
		}
		g, err := search.ReadRegistered(value)
		if err != nil {
			return nil, row, fhir.Wrap(fhir.Internal, "store-damaged", err)
		}
		defined[g.Param.ID] = g
	}
	if err := it.Error(); err != nil {
		return nil, row, errDisk(err)
	}
	_, err = get(db, metaBuild, func(v []byte) error { return json.Unmarshal(v, &row) })
	return defined, row, err
}

// open takes over what was loaded.
func (b *building) open(defined map[uint16]search.Registered, row buildRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = make(chan struct{}, 1)
	b.defined, b.row = defined, row
	b.settle()
}

// settle works out what follows from the other fields, and wakes the builder.
func (b *building) settle() {
	b.built = slices.DeleteFunc(slices.Clone(b.row.Built), func(n uint16) bool { return !inForce(b.defined, n) })
	slices.Sort(b.built)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// definitions gives what is defined, and its generation.
func (b *building) definitions() ([]search.Registered, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.defined)), b.gen
}

func (b *building) generation() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gen
}

func inForce(defined map[uint16]search.Registered, n uint16) bool {
	g, ok := defined[n]
	return ok && !g.Dropped
}

// take notes the definitions that a commit brings. The sequencer calls it when the commit is staged, so that nothing
// decided later uses a parameter that is gone.
func (b *building) take(records []commitlog.Record) {
	var more []search.Registered
	for _, r := range records {
		if r.Space != search.RegisteredSpace || r.Key < search.RegisteredFrom || r.Key >= search.RegisteredTo {
			continue
		}
		if g, err := search.ReadRegistered(r.Value); err == nil { // else Open and Verify say so
			more = append(more, g)
		}
	}
	if more == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.defined = maps.Clone(b.defined)
	for _, g := range more {
		b.defined[g.Param.ID] = g
	}
	b.gen++
	b.settle()
}

// moved takes over a row that is on disk.
func (b *building) moved(row buildRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row, b.fault = row, ""
	b.settle()
}

func (b *building) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = err.Error()
}

// todo gives what is defined and the row with the job that is to be gone on with, or begun; Job nil: there is nothing to do.
func (b *building) todo() (map[uint16]search.Registered, buildRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.row.Job == nil {
		b.row.Job = nextJob(b.defined, b.row)
	}
	return b.defined, b.row
}

// nextJob gathers all that is to be added and dropped into one job; nil if there is nothing.
func nextJob(defined map[uint16]search.Registered, row buildRow) *buildJob {
	job := &buildJob{}
	types := map[fhir.Type]bool{}
	for n, g := range defined {
		switch {
		case !g.Dropped && !slices.Contains(row.Built, n):
			job.Add = append(job.Add, n)
		case g.Dropped && !slices.Contains(row.Cleaned, n):
			job.Drop = append(job.Drop, n)
		default:
			continue
		}
		for _, t := range r4.TypesOfBase(g.Param.Base) {
			types[t] = true
		}
	}
	if len(job.Add)+len(job.Drop) == 0 {
		return nil
	}
	slices.Sort(job.Add)
	slices.Sort(job.Drop)
	job.Types = slices.Sorted(maps.Keys(types))
	return job
}

// after is the row when its job is done.
func (row buildRow) after() buildRow {
	gone := func(n uint16) bool { return slices.Contains(row.Job.Drop, n) }
	built := slices.DeleteFunc(slices.Concat(row.Built, row.Job.Add), gone)
	cleaned := slices.Concat(row.Cleaned, row.Job.Drop)
	slices.Sort(built)
	slices.Sort(cleaned)
	return buildRow{Built: built, Cleaned: cleaned}
}

// BuildsParams implements store.ParamBuilder.
func (e *Engine) BuildsParams() bool { return e.o.IndexWith != nil }

// BuiltParams implements store.ParamBuilder.
func (e *Engine) BuiltParams() []uint16 {
	e.building.mu.Lock()
	defer e.building.mu.Unlock()
	return e.building.built
}

// ParamProgress implements store.ParamBuilder.
func (e *Engine) ParamProgress(n uint16) store.BuildProgress {
	b := &e.building
	b.mu.Lock()
	g, defined := b.defined[n]
	row, fault, built := b.row, b.fault, slices.Contains(b.built, n)
	b.mu.Unlock()
	p := store.BuildProgress{State: store.BuildWaiting, Fault: fault}
	switch {
	case !defined || g.Dropped && slices.Contains(row.Cleaned, n):
		return store.BuildProgress{State: store.BuildUnknown}
	case built:
		return store.BuildProgress{State: store.BuildReady}
	case g.Dropped:
		p.State = store.BuildCleaning
	}
	types := r4.TypesOfBase(g.Param.Base)
	if job := row.Job; job != nil && (slices.Contains(job.Add, n) || slices.Contains(job.Drop, n)) {
		types, p.Done = job.Types, job.Done
		if !g.Dropped {
			p.State = store.BuildRunning
		}
	}
	_, counts := e.published.all()
	for _, t := range types {
		p.Total += int(counts[t])
	}
	p.Total = max(p.Total, p.Done)
	return p
}

// usable refuses queries by parameters whose index is not whole. It is asked before a search and again after it, since
// the rows of a parameter that is dropped meanwhile go away under it.
func (e *Engine) usable(q search.Query) error {
	asked := q.AddedParams()
	if len(asked) == 0 {
		return nil
	}
	b := &e.building
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range asked {
		if slices.Contains(b.built, n) {
			continue
		}
		name := fmt.Sprint(n)
		if g, ok := b.defined[n]; ok {
			name = g.Param.Code
			if g.Dropped {
				return fhir.Errorf(fhir.Conflict, "search-param-dropped", "", name)
			}
		}
		return fhir.Errorf(fhir.Unavailable, "search-param-building", "", name, 0)
	}
	return nil
}
