package interaction

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// Service performs interactions on one store. It has no state of its own and is safe for concurrent use.
type Service struct {
	store     store.Store
	params    *parameters  // the search parameters in force, and the index by them
	merged    recent[bool] // is there any merge?
	base      string
	also      search.Bases
	fold      func(system string) string
	codes     *terminology.Resolver // stored and built-in code systems and value sets
	now       func() time.Time
	newID     func() fhir.ID
	hooks     []Hook
	introduce func(context.Context, fhir.Type, string) (bool, error)
	missed    func(context.Context) error
	known     func(context.Context) error
	limits    Limits
	turns     *turnstiles
}

// Config is what a Service is made of; only Store is required.
type Config struct {
	Store store.Store
	// Base is this server's own FHIR base URL, such as https://records.example/fhir, without a slash at the end: absolute
	// references that start with it are references to resources here. "" = only relative references are.
	Base string
	Also search.Bases // further base URLs of this server
	// FoldSystem maps the aliases of an identifier system to the one that the index knows; documents stay as sent. nil = no aliases.
	FoldSystem func(system string) string
	Now        func() time.Time // nil = time.Now; dates relative to now in search criteria
	NewID      func() fhir.ID   // nil = version 7 UUIDs, whose order is that of their making
	Hooks      []Hook           // in order
	// Introduce says whether a conditional reference that finds nothing which the caller may see may find the one resource
	// that is there all the same: criteria hold what only somebody knows who has the person before them. nil = never.
	Introduce func(ctx context.Context, t fhir.Type, criteria string) (bool, error)
	// Missed is told that what Introduce let through found nobody, or several; its error is answered. nil = nobody is told.
	Missed func(ctx context.Context) error
	// Known is told that a write, done or tried, is refused because a person whom the caller may not see is known; its error is
	// answered in place of that. nil = nobody is told.
	Known  func(ctx context.Context) error
	Limits Limits // zero fields = defaults
}

// Limits bound what one request may ask for. A zero field means the default in brackets.
type Limits struct {
	Entries      int // of a bundle [100,000]
	Issues       int // reported about one document or bundle [50]
	Retries      int // decisions on one request when the state keeps moving [20]
	Parallel     int // entries of a batch at work at the same time [32]
	PatchOps     int // operations of a JSON Patch [1,000]
	PatchGrowth  int // bytes that the copy operations of one patch may add [1 MiB]
	PatchWork    int // bytes that applying one patch may read: each run of operations and each test reads the document [256 MiB]
	Count        int // matches on a page when the request does not say [50]
	MaxCount     int // matches on a page at most [1,000]
	RecordCount  int // resources of a whole record on a page: most records are one page, and each page gathers anew [2,000]
	MaxIncluded  int // resources that _include and _revinclude may add to a page; more is an error, never a silent cut [10,000]
	CountMatches int // matches counted for people (SearchOptions.CountUp); past it a page has no total [1,000]
}

// withDefaults fills in zero fields.
func (l Limits) withDefaults() Limits {
	set := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	set(&l.Entries, 100_000)
	set(&l.Issues, 50)
	set(&l.Retries, 20)
	set(&l.Parallel, 32)
	set(&l.PatchOps, 1_000)
	set(&l.PatchGrowth, 1<<20)
	set(&l.PatchWork, 256<<20)
	set(&l.Count, 50)
	set(&l.MaxCount, 1_000)
	set(&l.RecordCount, 2_000)
	set(&l.MaxIncluded, 10_000)
	set(&l.CountMatches, 1_000)
	return l
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{
		store:  c.Store,
		params: newParameters(c.Store, index.Options{Base: c.Base, Also: c.Also, FoldSystem: c.FoldSystem}),
		base:   c.Base,
		also:   c.Also,
		fold:   c.FoldSystem,
		now:    c.Now,
		newID:  c.NewID,
		hooks:  c.Hooks,

		introduce: c.Introduce,
		missed:    c.Missed,
		known:     c.Known,
		limits:    c.Limits.withDefaults(),
		turns:     newTurnstiles(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.codes = terminology.New(terminology.Options{Source: codes{s}})
	if s.newID == nil {
		s.newID = timeOrderedID
	}
	return s
}

// asOurselves gives a context that sees and changes everything: for what this server does on its own account.
func asOurselves(ctx context.Context) context.Context {
	return store.Ourselves(ctx)
}

// timeOrderedID makes a version 7 UUID: resources that come together lie together in the store.
func timeOrderedID() fhir.ID { return fhir.ID(uuid.Must(uuid.NewV7()).String()) }

// Store is the store that the service works on; rooms above use it for records and the feed, never to write documents.
func (s *Service) Store() store.Store { return s.store }

// Here says which resource of this server a reference names; the zero Key for one of another server, whatever its id.
func (s *Service) Here(reference string) fhir.Key {
	if key, ok := search.Here(reference, s.base, s.also); ok {
		return key
	}
	return fhir.Key{}
}

// Limits are the limits in force.
func (s *Service) Limits() Limits { return s.limits }

// Hook adds to the commit of a write what belongs to it: unique values, outbox records, preconditions, further documents.
//
// It is called for every document put and every delete, before the commit, for the writes of one bundle concurrently;
// and again when the commit has to be decided anew, so it must have no effect but what it returns. An error refuses the
// whole request. A hook is not called for an update that changes nothing, nor for the Puts of another hook. Its context has
// an open fence: what it reads and adds is the server's own, not the caller's.
type Hook func(ctx context.Context, w Write) (Additions, error)

// Write is what a hook sees of one write of a commit that is being prepared.
type Write struct {
	Key    fhir.Key
	Doc    resource.Value // as it will be stored, references resolved; zero for a delete
	Method store.Method
	// Version is the one that the write will get; the commit demands that it still is the next one. For a delete it is
	// the version of the delete; 0 when there is nothing to delete.
	Version fhir.Version
	// Before is the current version, nil if there is none or it is deleted.
	Before *store.Found
	// Blind says that whoever writes may not read Before: an answer must not tell what it has.
	Blind bool
	// Ours says that the server writes it on its own account, whoever asked.
	Ours bool
	// Introduced are the resources that references of the request found by Config.Introduce.
	Introduced map[fhir.Key]bool
	// Beside says whether the same request writes a resource as well; one that it deletes it does not.
	Beside func(fhir.Key) bool
	// With gives the document that the same request writes of a resource.
	With func(fhir.Key) (resource.Value, bool)
}

// Additions are what a hook wants in the same commit. Puts have type and id set; they are checked and indexed as any document.
type Additions struct {
	Unique  []store.UniqueKey
	Records []store.Record
	Require []store.Precondition
	Puts    []*resource.Document
	Issues  []fhir.Issue // warnings about the write, for the sender; they refuse nothing
}

// Result is the outcome of one write, or of a read of one version.
type Result struct {
	Key     fhir.Key
	Version fhir.Version
	At      fhir.Instant    // meta.lastUpdated of Version
	T       fhir.T          // reads as of it see the effect
	Created bool            // there was no current version before: HTTP 201
	Same    bool            // nothing was written: conditional create that found a match, update that changes nothing
	Deleted bool            // of a delete: something was deleted
	Issues  []fhir.Issue    // warnings of hooks about what was written
	Stored  resource.Stored // the document as it stands now; empty after a delete
}

// resultOf makes the result of a put from its receipt.
func resultOf(c *change, rec store.Receipt, w store.Written) Result {
	return Result{Key: c.key, Version: w.Version, At: w.At, T: rec.T, Created: w.Created, Same: w.Same, Issues: c.more.Issues, Stored: c.put.Doc}
}

// resultOfFound makes the result of a write that found its work done.
func resultOfFound(f store.Found, t fhir.T) Result {
	return Result{Key: f.Key, Version: f.Version, At: f.At, T: t, Same: true, Stored: f.Stored}
}
