package interaction

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// Transaction performs all entries of a transaction bundle or none (ATOMIC), in the order of the specification: deletes,
// creates, updates and patches, reads. Criteria see what the bundle itself did by then (pending.go); conditional references
// see all of it.
//
//	parse -> identify: which resource is each entry? -> link: references to entries and by criteria get their final text
//	      -> prepare: walk, index, hooks, on all cores -> rehearse the reads -> one commit -> reads as of it
//
// Everything from identify to the commit is one decision, made anew when the state moved. All that it reads shares one question for the
// head of a log that servers share: FRESH is of the moment when the bundle came, and what others write later the commit finds out.
//
// Errors have the path of the entry at fault. Two entries that write the same resource are refused (codes "entry-same-resource", and
// "entry-same-criteria" where criteria mean what another entry writes); conditional creates that mean the same resource
// are one. A read that would fail refuses the bundle like any other entry.
func (s *Service) Transaction(ctx context.Context, doc *resource.Document, o BundleOptions) ([]Answer, error) {
	ctx, _ = store.OneReading(ctx)
	entries, err := s.parseBundle(doc.Root(), "transaction", o.Base, func(_ int, err error) error { return err })
	if err != nil {
		return nil, err
	}
	tx := &transaction{s: s, entries: entries, options: o, indexed: map[int][]search.Entry{}}
	if err := tx.bind(ctx); err != nil {
		return nil, err
	}
	pinned := len(s.hooks) > 0 || tx.patches
	if err := s.settle(ctx, "transaction", func(err error) bool { return moved(err, pinned) }, func() error { return tx.try(ctx) }); err != nil {
		return nil, s.telling(ctx, tx.placed(err))
	}
	tx.read(ctx)
	return tx.answers, nil
}

// transaction is a bundle on its way.
type transaction struct {
	s       *Service
	entries []*entry
	options BundleOptions
	patches bool

	urlCriteria []*criteria            // by entry: of the request's url; nil if none
	ifNoneExist []*criteria            // by entry
	fresh       []fhir.ID              // by entry: the id of a new resource, the same in each decision
	links       *linker                // made at the first decision
	indexed     map[int][]search.Entry // by entry: of documents that criteria asked about
	definitions *definitions           // that indexed was made by
	compared    int                    // see comparisons

	// Of one decision:
	at         fhir.T
	require    []store.Precondition
	deleted    map[fhir.Key]bool
	writer     map[fhir.Key]int // entry that writes or deletes a resource
	alias      map[int]int      // conditional creates that stand for another entry
	firsts     map[string]int   // conditional create by the text of its criteria
	matches    map[string]match // what the store answers, by the text of criteria
	references map[string]fhir.Key
	introduced map[fhir.Key]bool
	pending    map[fhir.Type]*pendingDocs
	doubtful   []doubt
	changes    []*change // by entry; nil if the entry writes nothing
	answers    []Answer
}

// bind reads all criteria, by the search parameters of the moment, and gives out ids; nothing else of it depends on the store.
func (tx *transaction) bind(ctx context.Context) error {
	n := len(tx.entries)
	tx.urlCriteria, tx.ifNoneExist, tx.fresh = make([]*criteria, n), make([]*criteria, n), make([]fhir.ID, n)
	for i, e := range tx.entries {
		var err error
		if e.criteria != "" {
			if tx.urlCriteria[i], err = tx.s.bindCriteria(ctx, e.key.Type, e.criteria); err != nil {
				return within(e.path(".request.url"), err)
			}
			tx.urlCriteria[i].path = e.path(".request.url")
		}
		if e.ifNoneExist != "" {
			if tx.ifNoneExist[i], err = tx.s.bindCriteria(ctx, e.key.Type, e.ifNoneExist); err != nil {
				return within(e.path(".request.ifNoneExist"), err)
			}
			tx.ifNoneExist[i].path = e.path(".request.ifNoneExist")
		}
		if e.verb == Post || e.verb == Put && e.criteria != "" {
			tx.fresh[i] = tx.s.newID()
		}
		if (e.verb == Get || e.verb == Head) && tx.options.Read == nil {
			return fhir.Errorf(fhir.NotAllowed, "entry-read", e.path(".request.method"))
		}
		tx.patches = tx.patches || e.verb == Patch
	}
	return nil
}

// try makes one decision and commits it.
func (tx *transaction) try(ctx context.Context) (err error) {
	n := len(tx.entries)
	tx.require, tx.deleted, tx.writer = nil, map[fhir.Key]bool{}, map[fhir.Key]int{}
	tx.alias, tx.firsts, tx.matches, tx.references = map[int]int{}, map[string]int{}, map[string]match{}, map[string]fhir.Key{}
	tx.introduced = map[fhir.Key]bool{}
	tx.pending, tx.doubtful, tx.compared = map[fhir.Type]*pendingDocs{}, nil, 0
	tx.changes, tx.answers = make([]*change, n), make([]Answer, n)
	d, err := tx.s.definitions(ctx)
	if err != nil {
		return err
	}
	if tx.definitions == nil || !bytes.Equal(d.state, tx.definitions.state) {
		clear(tx.indexed)
	}
	tx.definitions = d
	if tx.at, err = tx.s.store.Head(ctx); err != nil {
		return err
	}
	if err := tx.identify(ctx); err != nil {
		return err
	}
	if err := tx.link(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{tx.prepare, tx.recheck, tx.unique, tx.rehearse} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return tx.commit(ctx)
}

// prepare walks and indexes all documents, on all cores. Faults of several entries are reported together.
func (tx *transaction) prepare(ctx context.Context) error {
	var todo []int
	beside := map[fhir.Key]*change{}
	for i, c := range tx.changes {
		if c != nil {
			todo = append(todo, i)
			c.introduced, c.beside = tx.introduced, beside
			if !c.isDelete() {
				beside[c.key] = c
			}
		}
	}
	faults := make([]error, len(todo))
	var failed atomic.Int64
	if err := tx.each(ctx, len(todo), func(i int) {
		if failed.Load() >= int64(tx.s.limits.Issues) {
			return
		}
		faults[i] = guarded(func() error { return tx.s.prepare(ctx, tx.changes[todo[i]], tx.definitions) })
		if faults[i] != nil {
			failed.Add(1)
		}
	}); err != nil {
		return err
	}
	return tx.together(todo, faults)
}

// each calls f with 0 to n-1, on all cores; f must not panic.
func (tx *transaction) each(ctx context.Context, n int, f func(i int)) error {
	var next atomic.Int64
	var g errgroup.Group
	const chunk = 16
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		g.Go(func() error {
			for {
				from := int(next.Add(chunk)) - chunk
				if from >= n || ctx.Err() != nil {
					return nil
				}
				for i := from; i < min(from+chunk, n); i++ {
					f(i)
				}
			}
		})
	}
	g.Wait() //nolint:errcheck // f has no errors of its own
	return ctx.Err()
}

// together makes one error of the first fault and of the issues that follow it.
func (tx *transaction) together(todo []int, faults []error) error {
	var all *fhir.Error
	for i, err := range faults {
		if err == nil {
			continue
		}
		path := tx.entries[todo[i]].path("")
		e, ok := errors.AsType[*fhir.Error](err)
		switch {
		case all == nil && (!ok || len(e.Issues) == 0):
			return within(path, err)
		case all == nil:
			c := *e
			all = &c
		case ok && len(e.Issues) > 0 && len(all.Issues) < tx.s.limits.Issues:
			all.Issues = append(all.Issues[:len(all.Issues):len(all.Issues)], e.Issues...)
		}
	}
	if all == nil {
		return nil
	}
	all.Issues = all.Issues[:min(len(all.Issues), tx.s.limits.Issues)]
	return all
}

// commit writes what is to be written and fills in the answers.
func (tx *transaction) commit(ctx context.Context) error {
	changes := make([]*change, 0, len(tx.changes))
	for _, c := range tx.changes {
		if c != nil {
			changes = append(changes, c)
		}
	}
	rec := store.Receipt{T: tx.at}
	if len(changes) > 0 {
		var err error
		if rec, err = tx.s.commit(ctx, changes, tx.require, nil); err != nil {
			return err
		}
	}
	tx.at = rec.T
	puts, deletes := 0, 0
	for i, c := range tx.changes {
		a := &tx.answers[i]
		a.Verb = tx.entries[i].verb
		switch {
		case c == nil:
		case c.isDelete():
			w := rec.Deletes[deletes]
			deletes++
			a.Result = Result{Key: c.key, Version: w.Version, At: w.At, T: rec.T, Deleted: w.Version != 0}
		default:
			a.Result = resultOf(c, rec, rec.Puts[puts])
			puts++
		}
	}
	tx.aliases()
	return nil
}
