package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Prefixes of the log's rows; the engine uses none of them for itself.
const (
	HeaderPrefix   = 'l'
	DocumentPrefix = 'd'
)

// Log is a commitlog.Log on a Pebble database.
type Log struct {
	db    *pebble.DB
	owned bool // Close closes db
	head  atomic.Uint64

	// mu makes Append one at a time. The database's own commit is called under it; nothing else.
	mu sync.Mutex
}

var _ commitlog.Log = (*Log)(nil)

// Open opens a log with a database of its own in dir.
func Open(dir string, o *pebble.Options) (*Log, error) {
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open the log in %s: %w", dir, err)
	}
	l, err := On(db)
	if err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	l.owned = true
	return l, nil
}

// OpenFolder opens a log with a database of its own in a folder of a file system, such as that of sealed; nil = the machine's.
func OpenFolder(fs vfs.FS, dir string) (*Log, error) {
	return Open(dir, &pebble.Options{FS: fs, Logger: faultsOnly{pebble.DefaultLogger}})
}

// faultsOnly leaves out Pebble's running commentary.
type faultsOnly struct{ pebble.Logger }

// Infof implements pebble.Logger.
func (faultsOnly) Infof(string, ...any) {}

// On gives the log within db, which stays its caller's to close.
func On(db *pebble.DB) (*Log, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{HeaderPrefix}, UpperBound: []byte{HeaderPrefix + 1}})
	if err != nil {
		return nil, err
	}
	l := &Log{db: db}
	if it.Last() {
		l.head.Store(uint64(HeaderT(it.Key())))
	}
	return l, it.Close()
}

// Stage puts the rows of c, which has its number, into a batch. The log's head moves with Durable, once the batch is.
func (l *Log) Stage(b *pebble.Batch, c *commitlog.Commit) error {
	for i := range c.Writes {
		doc := c.Writes[i].Document
		if len(doc) == 0 {
			continue
		}
		op := b.SetDeferred(documentKeyLen, len(doc))
		AppendDocumentKey(op.Key[:0], c.T, uint32(i))
		copy(op.Value, doc)
		if err := op.Finish(); err != nil {
			return err
		}
	}
	size := 64 + 64*len(c.Writes)
	for i := range c.Records {
		size += 32 + len(c.Records[i].Key) + len(c.Records[i].Value)
	}
	head := commitlog.AppendHeader(make([]byte, 0, size), c)
	return b.Set(AppendHeaderKey(nil, c.T), head, nil)
}

// Durable says that the commits up to t are on disk.
func (l *Log) Durable(t fhir.T) { l.head.Store(uint64(t)) }

// Append implements commitlog.Log for a log that stands alone.
func (l *Log) Append(ctx context.Context, after fhir.T, commits []commitlog.Commit) (fhir.T, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := fhir.T(l.head.Load())
	if t != after {
		return t, commitlog.ErrMoved
	}
	b := l.db.NewBatch()
	defer b.Close()
	for i := range commits {
		t++
		c := commits[i]
		c.T = t
		if err := l.Stage(b, &c); err != nil {
			return 0, err
		}
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return 0, err
	}
	l.Durable(t)
	return t, nil
}

// Head implements commitlog.Log.
func (l *Log) Head(context.Context) (fhir.T, error) { return fhir.T(l.head.Load()), nil }

// Read implements commitlog.Log.
func (l *Log) Read(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return l.read(ctx, after, true)
}

// Headers is Read without the documents, which are not looked at.
func (l *Log) Headers(ctx context.Context, after fhir.T) iter.Seq2[commitlog.Commit, error] {
	return l.read(ctx, after, false)
}

func (l *Log) read(ctx context.Context, after fhir.T, documents bool) iter.Seq2[commitlog.Commit, error] {
	return func(yield func(commitlog.Commit, error) bool) {
		head := fhir.T(l.head.Load())
		if after >= head {
			return
		}
		heads, err := l.db.NewIter(&pebble.IterOptions{LowerBound: AppendHeaderKey(nil, after+1), UpperBound: AppendHeaderKey(nil, head+1)})
		if err != nil {
			yield(commitlog.Commit{}, err)
			return
		}
		defer heads.Close()
		var docs *pebble.Iterator
		if documents {
			docs, err = l.db.NewIter(&pebble.IterOptions{LowerBound: AppendDocumentKey(nil, after+1, 0), UpperBound: AppendDocumentKey(nil, head+1, 0)})
			if err != nil {
				yield(commitlog.Commit{}, err)
				return
			}
			defer docs.Close()
			docs.First()
		}
		want := after
		for heads.First(); heads.Valid(); heads.Next() {
			want++
			c, err := read(ctx, heads, docs)
			if err == nil && c.T != want {
				err = fmt.Errorf("embedded log: commit %d is missing", want)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
		if err := heads.Error(); err != nil {
			yield(commitlog.Commit{}, err)
		}
	}
}

// read takes the commit at heads; docs stands at its first document and is moved behind its last. nil = without documents.
func read(ctx context.Context, heads, docs *pebble.Iterator) (commitlog.Commit, error) {
	if err := ctx.Err(); err != nil {
		return commitlog.Commit{}, err
	}
	t := HeaderT(heads.Key())
	v, err := heads.ValueAndErr()
	if err != nil {
		return commitlog.Commit{}, err
	}
	c, err := commitlog.DecodeHeader(v)
	if err != nil {
		return c, fmt.Errorf("commit %d: %w", t, err)
	}
	c.T = t
	if docs == nil {
		return c, nil
	}
	for ; docs.Valid(); docs.Next() {
		dt, i := documentKey(docs.Key())
		if dt != t {
			break
		}
		if int(i) >= len(c.Writes) {
			return c, fmt.Errorf("embedded log: document %d of commit %d belongs to no write", i, t)
		}
		doc, err := docs.ValueAndErr()
		if err != nil {
			return c, err
		}
		c.Writes[i].Document = append([]byte(nil), doc...)
	}
	return c, docs.Error()
}

// Close implements commitlog.Log; a database that was handed in stays open.
func (l *Log) Close() error {
	if !l.owned {
		return nil
	}
	return l.db.Close()
}

const documentKeyLen = 13

// AppendHeaderKey appends the key of commit t's header.
func AppendHeaderKey(b []byte, t fhir.T) []byte {
	return binary.BigEndian.AppendUint64(append(b, HeaderPrefix), uint64(t))
}

// AppendDocumentKey appends the key of the document of write i of commit t.
func AppendDocumentKey(b []byte, t fhir.T, i uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(append(b, DocumentPrefix), uint64(t)), i)
}

// HeaderT reads the commit number from a key of AppendHeaderKey.
func HeaderT(key []byte) fhir.T { return fhir.T(binary.BigEndian.Uint64(key[1:])) }

func documentKey(key []byte) (fhir.T, uint32) {
	return fhir.T(binary.BigEndian.Uint64(key[1:])), binary.BigEndian.Uint32(key[9:])
}
