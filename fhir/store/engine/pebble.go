package engine

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
)

// pebbleOptions tunes Pebble for this engine's rows. What was measured stands beside each choice.
func pebbleOptions(o *Options) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		CacheSize:                   o.CacheBytes,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: 3,
		// Twice Pebble's own: two fifths less is written by merges of what claims write (with ownFiles), for 3 % more to look rows up.
		L0CompactionThreshold: 8,
		L0StopWritesThreshold: 40,
		LBaseMaxBytes:         largeStore,
		MaxOpenFiles:          500,
		BytesPerSync:          1 << 20,
		Logger:                &pebbleLog{log: o.Logger, now: time.Now},
		Cleaner:               deleteLogs{},
	}
	// Left alone, Pebble ends the process at the first damaged block, with its keys in the message.
	p.EventListener = &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) {
		o.Logger.Error("a file of the store is damaged: what is in it is refused", "file", filepath.Base(i.Path))
	}}
	p.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	// Zstd in the last level saves 100 of 1,000 bytes a resource and costs 8 µs of CPU to write one and up to 15 µs to
	// read one, which is a third of each.
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	p.Experimental.SpanPolicyFunc = spans
	for i := range p.Levels {
		p.Levels[i].BlockSize = 16 << 10 // 8 KiB: 120 bytes more a resource, a little less to read one
		p.Levels[i].IndexBlockSize = 64 << 10
		p.Levels[i].FilterPolicy = idFilter{bloom.FilterPolicy(10)}
	}
	return p
}

// largeStore is from when on a store is tuned for what is written into it. A smaller one stays one level below the files that wait to be
// merged: each level more, and each table in memory that is larger, costs searches some percent.
const largeStore = 64 << 20

// tuneForSize tunes Pebble for how much the sorted files of a folder take when it is opened.
//
// Documents and headers only pass through the base level, the first below the files that wait to be merged (ownFiles); postings fill it, and
// all of it is written anew for each few megabytes that come in. So in a large store it is no larger than those, and tables in memory,
// which Pebble takes out of the cache, are half as large again.
func tuneForSize(p *pebble.Options, dir string) error {
	size, err := sizeOfTables(p.FS, dir)
	if err != nil || size < largeStore {
		return err
	}
	p.LBaseMaxBytes = 16 << 20
	p.CacheSize += int64(p.MemTableSize) //nolint:gosec // megabytes
	p.MemTableSize += p.MemTableSize / 2
	return nil
}

// sizeOfTables gives how much the sorted files of a folder take; 0 if it is not there.
func sizeOfTables(fs vfs.FS, dir string) (size int64, err error) {
	names, err := fs.List(dir)
	if err != nil {
		if errors.Is(err, iofs.ErrNotExist) {
			err = nil
		}
		return 0, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}

// ownFiles are the first bytes of keys at which a sorted file ends: documents, headers of the log and rows of versions have files of their
// own. Documents and headers are written in the order of their keys and never again, and so are versions of new resources: such files
// move down the levels without being rewritten, while rows that come in between others, as postings do, are merged into them again at
// each level. Of 23,000 claims on top of 60,000 a fifth less is written by merges.
var ownFiles = []byte{embedded.DocumentPrefix, embedded.DocumentPrefix + 1, embedded.HeaderPrefix, embedded.HeaderPrefix + 1, rowVersion, rowVersion + 1}

// spans gives files of their own to what ownFiles says.
func spans(start []byte) (pebble.SpanPolicy, []byte, error) {
	for _, end := range ownFiles {
		if len(start) == 0 || start[0] < end {
			return pebble.SpanPolicy{}, []byte{end}, nil
		}
	}
	return pebble.SpanPolicy{}, nil, nil
}

// idFilter is a Bloom filter over the rows i, u and r only, those that are asked for without being there: each create asks
// whether its id and its unique keys are taken, each move of a claim whether there is such an attempt, each write whether search
// parameters were added. All other rows, thirty to one, would only make the filter larger.
type idFilter struct{ bloom.FilterPolicy }

// Name implements pebble.FilterPolicy. Files whose filter has another name, as those that know no rows r, are read without it.
func (idFilter) Name() string { return "lienthong.idFilter.2" }

// MayContain implements pebble.FilterPolicy.
func (f idFilter) MayContain(typ pebble.FilterType, filter, key []byte) bool {
	return !filtered(key) || f.FilterPolicy.MayContain(typ, filter, key)
}

// NewWriter implements pebble.FilterPolicy.
func (f idFilter) NewWriter(typ pebble.FilterType) pebble.FilterWriter {
	return idFilterWriter{f.FilterPolicy.NewWriter(typ)}
}

type idFilterWriter struct{ pebble.FilterWriter }

// AddKey implements pebble.FilterWriter.
func (w idFilterWriter) AddKey(key []byte) {
	if filtered(key) {
		w.FilterWriter.AddKey(key)
	}
}

func filtered(key []byte) bool {
	return len(key) > 0 && (key[0] == rowID || key[0] == rowUnique || key[0] == rowRecord)
}

// pebbleLog passes on what an operator should know; Pebble's running commentary is left out.
type pebbleLog struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex // guards what follows; never under it: I/O
	last   time.Time
	silent int // faults since last
}

// faultsEvery is the least distance of two faults in the log: on a full disk Pebble tries again thousands of times in a
// second, and the log would fill what is left.
const faultsEvery = time.Second

// Infof implements pebble.Logger.
func (*pebbleLog) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (l *pebbleLog) Errorf(format string, args ...any) {
	l.mu.Lock()
	now, silent := l.now(), l.silent
	if !l.last.IsZero() && now.Sub(l.last) < faultsEvery {
		l.silent++
		l.mu.Unlock()
		return
	}
	l.last, l.silent = now, 0
	l.mu.Unlock()
	l.log.Error("pebble reports a fault", "message", fmt.Sprintf(format, args...), "unlogged", silent)
}

// Fatalf implements pebble.Logger. Pebble calls it when the write-ahead log cannot be written: nothing that comes later
// could be trusted, so the process ends and the next start recovers what was acknowledged.
func (l *pebbleLog) Fatalf(format string, args ...any) {
	panic("pebble: " + fmt.Sprintf(format, args...))
}

// deleteLogs deletes obsolete files at once. Pebble would keep four write-ahead logs for reuse, 50 MB that buy no
// measurable speed here, unless its cleaner wants their contents, which archiving does: the marker says so.
type deleteLogs struct {
	pebble.DeleteCleaner
	marker
}

type marker struct{ pebble.ArchiveCleaner }
