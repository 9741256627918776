package engine

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleOptions tunes Pebble for this engine's rows. What was measured stands beside each choice.
func pebbleOptions(o *Options) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		CacheSize:                   o.CacheBytes,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       40,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                500,
		BytesPerSync:                1 << 20,
		Logger:                      pebbleLog{o.Logger},
	}
	p.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	for i := range p.Levels {
		p.Levels[i].BlockSize = 16 << 10
		p.Levels[i].IndexBlockSize = 64 << 10
		p.Levels[i].FilterPolicy = idFilter{bloom.FilterPolicy(10)}
	}
	return p
}

// idFilter is a Bloom filter over the rows i and u only, those that are asked for without being there: each create asks
// whether its id and its unique keys are taken. All other rows, thirty to one, would only make the filter larger.
type idFilter struct{ bloom.FilterPolicy }

// Name implements pebble.FilterPolicy.
func (idFilter) Name() string { return "lienthong.idFilter" }

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
	return len(key) > 0 && (key[0] == rowID || key[0] == rowUnique)
}

// pebbleLog passes on what an operator should know; Pebble's running commentary is left out.
type pebbleLog struct{ log *slog.Logger }

// Infof implements pebble.Logger.
func (pebbleLog) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("pebble reports a fault", "message", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Pebble calls it when the write-ahead log cannot be written: nothing that comes later
// could be trusted, so the process ends and the next start recovers what was acknowledged.
func (l pebbleLog) Fatalf(format string, args ...any) {
	panic("pebble: " + fmt.Sprintf(format, args...))
}
