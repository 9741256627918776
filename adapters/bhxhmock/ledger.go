package bhxhmock

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
)

// LedgerFile is the name of the ledger in the mock's folder.
const LedgerFile = "ledger.ndjson"

// ledger is an append-only file of rows, each chained to the one before by its hash, with an index in memory.
//
// mu guards all fields but synced. It is held while rows are decided on and written, as the order in the file is the order
// of decisions; never while the file is synced, so that one sync does for all who wait. syncing is held for that.
// Whoever reads sees only what is on disk.
type ledger struct {
	mu    sync.Mutex
	file  *os.File
	lock  *flock.Flock
	size  int64 // of the rows that are written
	head  Head  // of those
	index index
	bad   error // after a failed write nothing is written any more

	syncing sync.Mutex
	synced  atomic.Int64 // bytes that are on disk
}

var errLedgerBusy = errors.New("another mock is using this ledger")

// openLedger reads the ledger of a folder. torn is the length of an unfinished last row, which is cut off.
func openLedger(dir string) (l *ledger, torn int, err error) {
	if dir == "" {
		return nil, 0, errors.New("the mock needs a folder for its ledger")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if ok, err := lock.TryLock(); err != nil {
		return nil, 0, err
	} else if !ok {
		return nil, 0, errLedgerBusy
	}
	defer func() {
		if err != nil {
			_ = lock.Unlock()
		}
	}()
	file, err := os.OpenFile(filepath.Join(dir, LedgerFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	l = &ledger{file: file, lock: lock, index: newIndex()}
	torn, err = l.load()
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	return l, torn, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads the rows. The last line may be torn by a crash: it was never acknowledged. Any other damage is an error.
func (l *ledger) load() (torn int, err error) {
	l.head, l.size, torn, err = scan(l.file, func(r Row, at int64, length int) { l.index.add(&r, at, length) })
	if err != nil {
		return 0, err
	}
	if torn > 0 {
		if err := l.file.Truncate(l.size); err != nil {
			return 0, err
		}
		if err := l.file.Sync(); err != nil {
			return 0, err
		}
	}
	l.synced.Store(l.size)
	_, err = l.file.Seek(l.size, io.SeekStart)
	return torn, err
}

// Head is the end of a ledger. Whoever wrote it down can see later that nothing before it was changed or taken out.
type Head struct {
	N      uint64 `json:"n"`      // rows
	SHA256 string `json:"sha256"` // of the last line without its line end; of nothing, for a ledger without rows
}

func noRows() Head { return Head{SHA256: digest(nil)} }

func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// scan reads the rows of a ledger and checks their chain. torn is the length of an unfinished last line.
func scan(from io.Reader, each func(r Row, at int64, length int)) (head Head, size int64, torn int, err error) {
	in := bufio.NewReader(from)
	head = noRows()
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return head, size, len(line), nil
		}
		if err != nil {
			return head, size, 0, err
		}
		var r Row
		if err := r.read(line); err != nil || r.N != head.N+1 {
			return head, size, 0, fmt.Errorf("ledger: row %d cannot be read", head.N+1)
		}
		if r.Prev != head.SHA256 {
			return head, size, 0, fmt.Errorf("ledger: row %d does not follow on the row before it: something was changed, taken out, or written by another version", r.N)
		}
		each(r, size, len(line))
		head = Head{r.N, digest(line[:len(line)-1])}
		size += int64(len(line))
	}
}

// append numbers the rows of one request, writes and syncs them. decide, called under the lock, may look at what is there
// and change the rows: acceptance and its row cannot come apart.
func (l *ledger) append(rows []Row, decide func(at *index, rows []Row)) ([]Row, error) {
	end, err := l.write(rows, decide)
	if err != nil {
		return nil, err
	}
	return rows, l.sync(end)
}

func (l *ledger) write(rows []Row, decide func(at *index, rows []Row)) (end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return 0, l.bad
	}
	first := l.head.N + 1
	for i := range rows {
		rows[i].N, rows[i].Request = first+uint64(i), first
	}
	if decide != nil {
		decide(&l.index, rows)
	}
	var b bytes.Buffer
	head, ends := l.head, make([]int, len(rows))
	for i := range rows {
		rows[i].Prev = head.SHA256
		line, err := json.Marshal(rows[i])
		if err != nil {
			return 0, err
		}
		head = Head{rows[i].N, digest(line)}
		b.Write(append(line, '\n'))
		ends[i] = b.Len()
	}
	if _, err := l.file.Write(b.Bytes()); err != nil {
		l.bad = err
		return 0, err
	}
	l.head = head
	begins := 0
	for i, end := range ends {
		l.index.add(&rows[i], l.size+int64(begins), end-begins)
		begins = end
	}
	l.size += int64(b.Len())
	return l.size, nil
}

// sync returns when the file is on disk up to end. Whoever comes first does it for all that have written by then.
func (l *ledger) sync(end int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced.Load() >= end {
		return nil
	}
	l.mu.Lock()
	size, err := l.size, l.bad
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		l.mu.Lock()
		l.bad = err
		l.mu.Unlock()
		return err
	}
	l.synced.Store(size)
	return nil
}

// find gives what the index has and is on disk, by a look at it under the lock.
func (l *ledger) find(look func(*index) []entry) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	disk := l.synced.Load()
	all := look(&l.index)
	for i, e := range all {
		if e.at+int64(e.length) > disk { // they are in the order of the file
			return all[:i]
		}
	}
	return all
}

// overlaps asks the index whether a stay overlaps another one, by what is written until now.
func (l *ledger) overlaps(r *Row) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.overlaps(r)
}

// row reads a row from the file.
func (l *ledger) row(e entry) (r Row, err error) {
	line := make([]byte, e.length)
	if _, err := l.file.ReadAt(line, e.at); err != nil {
		return r, err
	}
	return r, r.read(line)
}

// end gives the end of what is on disk, and its size.
func (l *ledger) end() (Head, int64, error) {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()
	if err := l.sync(size); err != nil {
		return Head{}, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size == size {
		return l.head, size, nil
	}
	if size == 0 {
		return noRows(), 0, nil
	}
	last := l.index.endingAt(size)
	line := make([]byte, last.length-1)
	if _, err := l.file.ReadAt(line, last.at); err != nil {
		return Head{}, 0, err
	}
	return Head{last.n, digest(line)}, size, nil
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.bad, os.ErrClosed) {
		return nil
	}
	l.bad = os.ErrClosed
	return errors.Join(l.file.Close(), l.lock.Unlock())
}
