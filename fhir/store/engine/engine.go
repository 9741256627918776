package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// formatVersion numbers the rows' format (doc.go). A folder of another one is refused, not guessed at, but for that of
// formatBefore, whose rows are all read: from its first start on the folder is of this one.
const (
	formatVersion = "2"
	formatBefore  = "1" // large values of records stood in their rows (record.go)
)

// Engine is a store.Store in one folder of one machine. See the package comment for its rows and its goroutines.
type Engine struct {
	o    Options
	dir  string
	lock *pebble.Lock
	db   *pebble.DB
	log  *embedded.Log

	queue     queue
	published published
	head      headQuestion // of a shared log
	gate      gate
	building  building
	recent    recent
	kept      *kept
	alike     *alike
	types     atomic.Pointer[types] // at least those of the published head
	broken    atomic.Pointer[error] // set once, when the disk failed

	spaces spaces
	lately lately

	running sync.WaitGroup // sequencer, syncer, idle, builder
	stop    context.CancelFunc
}

var _ store.Store = (*Engine)(nil)

// Open opens the store in dir, making it if there is none. Errors have Kind Unavailable: store-locked (Args: folder,
// process, since when), store-format, store-definition, store-disk, and those of sealed.Check; Internal store-damaged.
func Open(dir string, o Options) (*Engine, error) {
	o.setDefaults()
	if err := sealed.Check(o.FS, dir); err != nil {
		return nil, err
	}
	lock, err := lockFolder(o.FS, dir, o.Now())
	if err != nil {
		return nil, err
	}
	e := &Engine{o: o, dir: dir, lock: lock, kept: newKept(), alike: newAlike()}
	if err := e.open(); err != nil {
		if e.db != nil {
			_ = e.db.Close() // the first error says more
		}
		_ = lock.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) open() error {
	began := time.Now()
	if err := e.openDB(false); err != nil {
		return err
	}
	if err := e.checkMeta(); err != nil {
		return err
	}
	s, err := loadSequence(e.db)
	if err != nil {
		return err
	}
	logHead, err := e.log.Head(context.Background())
	if err != nil {
		return errDisk(err)
	}
	if logHead != s.head.t {
		return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("the log ends at commit %d, the state at %d", logHead, s.head.t))
	}
	defined, row, err := loadBuilding(e.db)
	if err != nil {
		return err
	}
	e.building.open(defined, row)
	e.publish(s)
	if e.o.Log != nil {
		if err := e.openShared(s); err != nil {
			return err
		}
	} else if shared, err := get(e.db, metaShared, func([]byte) error { return nil }); err != nil || shared {
		return cmp.Or(err, error(fhir.Errorf(fhir.Unavailable, "store-log-elsewhere", "")))
	}
	e.start(s)
	e.o.Room.serve()
	e.o.Logger.Info("store opened", "folder", e.dir, "commit", s.head.t, "versions", s.head.versions, "took", time.Since(began))
	return nil
}

// checkMeta looks at the format and the index definition; a new folder gets them.
func (e *Engine) checkMeta() error {
	var format, definition string
	text := func(to *string) func([]byte) error {
		return func(v []byte) error { *to = string(v); return nil }
	}
	known, err := get(e.db, metaFormat, text(&format))
	if err != nil {
		return err
	}
	if !known {
		if t, _ := e.log.Head(context.Background()); t != 0 {
			return fhir.Wrap(fhir.Internal, "store-damaged", errors.New("a log without a format row"))
		}
		b := e.db.NewBatch()
		defer b.Close()
		err := errors.Join(b.Set(metaFormat, []byte(formatVersion), nil), b.Set(metaDefinition, []byte(e.o.Definition), nil), b.Commit(pebble.Sync))
		if err != nil {
			return errDisk(err)
		}
		return nil
	}
	if format == formatBefore {
		if err := e.db.Set(metaFormat, []byte(formatVersion), pebble.Sync); err != nil {
			return errDisk(err)
		}
	} else if format != formatVersion {
		return fhir.Errorf(fhir.Unavailable, "store-format", "", format, formatVersion)
	}
	if _, err := get(e.db, metaDefinition, text(&definition)); err != nil {
		return err
	}
	unfinished, err := get(e.db, metaRebuild, func([]byte) error { return nil })
	if err != nil {
		return err
	}
	if definition == e.o.Definition && !unfinished {
		return nil
	}
	return e.reindex()
}

// publish shows the sequence s to readers, before anything runs.
func (e *Engine) publish(s *sequence) {
	s.log = e.log
	e.types.Store(s.types)
	e.spaces.open(s.head.t)
	e.published.head = s.head
	e.published.counts = map[fhir.Type]int64{}
	for code, n := range s.counts {
		e.published.counts[s.types.name[code]] = n
	}
}

// start lets the goroutines run on the sequence s.
func (e *Engine) start(s *sequence) {
	e.queue.maxCount, e.queue.maxBytes = e.o.MaxWaiting, e.o.MaxWaitingBytes
	e.queue.wake = make(chan struct{}, 1)

	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	s.kept = e.kept
	if e.o.Log != nil {
		e.running.Go(func() { e.sharedSequencer(s) })
		e.running.Go(func() { e.tail(ctx) })
	} else {
		out := make(chan outcome, 256)
		e.running.Go(func() { e.sequencer(s, out) })
		e.running.Go(func() { e.syncer(out) })
	}
	e.running.Go(func() { e.flushWhenIdle(ctx, idleAfter) })
	if e.o.IndexWith != nil {
		e.running.Go(func() { e.builder(ctx) })
	}
}

// idleAfter is how long the store must have been without a commit before its memory is written to sorted files.
const idleAfter = 2 * time.Second

// flushWhenIdle writes what is in memory to sorted files when nothing has been committed for a while: the write-ahead
// log shrinks and a start after a crash has nothing to replay. It ends with ctx.
func (e *Engine) flushWhenIdle(ctx context.Context, idle time.Duration) {
	var flushed fhir.T
	last := e.published.t()
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t := e.published.t()
		if t == last && t != flushed && e.o.Room.Full() == nil && e.broken.Load() == nil {
			if err := e.db.Flush(); err != nil {
				e.o.Logger.Warn("store could not flush", "error", err)
			}
			flushed = t
		}
		last = t
	}
}

// Close answers what waits, lets readers finish, writes all to sorted files and frees the folder. A second Close does
// nothing. While a write waits for room on the disk the folder is not freed before the process ends (store-full).
func (e *Engine) Close() error {
	e.queue.close()
	e.published.close()
	if !e.gate.close() {
		return nil
	}
	e.stop()
	closed := make(chan error, 1)
	go func() { closed <- e.closeDisk() }()
	select {
	case err := <-closed:
		return err
	case <-e.o.Room.waiting():
		return errFull(errors.New("the store is not closed in order: the next start reads its write-ahead log"))
	}
}

// closeDisk waits for what runs and closes the database.
func (e *Engine) closeDisk() error {
	e.running.Wait()
	var err error
	if e.broken.Load() == nil && e.o.Room.Full() == nil { // else the next start reads the write-ahead log
		err = e.db.Flush()
	}
	if err = errors.Join(err, e.db.Close(), e.lock.Close()); err != nil {
		return errDisk(err)
	}
	return nil
}
