package bhxhmock

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gofrs/flock"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Row is one line of the ledger: one episode of one request that was received. It names no person.
type Row struct {
	N          uint64        `json:"n"`       // from 1
	Request    uint64        `json:"request"` // N of the request's first row: rows of one request share it
	Time       string        `json:"time"`    // RFC 3339, UTC
	Call       string        `json:"call"`    // CallClaim or CallCheckIn
	Account    string        `json:"account"`
	Address    string        `json:"address"`
	Facility   string        `json:"facility"`
	MaLK       string        `json:"MA_LK"`
	Version    uint64        `json:"version"`          // PB; 0 for check-ins and what could not be read
	Reason     string        `json:"reason,omitempty"` // LD
	SHA256     string        `json:"sha256"`           // wire.FileHash
	Decision   Decision      `json:"decision"`
	Code       wire.MaKetQua `json:"code,omitempty"`
	Text       string        `json:"text,omitempty"`
	MaGiaoDich string        `json:"maGiaoDich,omitempty"`
	Effect     bool          `json:"effect"`
	Reply      Reply         `json:"reply"`
	Fault      string        `json:"fault,omitempty"` // fault that was switched on for it

	Period string     `json:"period,omitempty"` // NAM_QT and THANG_QT, yyyyMM
	Lines  []Line     `json:"lines,omitempty"`  // what is claimed, for the assessment
	Errors []wire.Loi `json:"errors,omitempty"` // format errors, told by the state query
}

// Line is what a cost line asks of the fund.
type Line struct {
	Table string      `json:"table"`
	STT   int         `json:"stt"`
	BHTT  wire.Amount `json:"bhtt"` // T_BHTT
}

// Decision is what the mock made of a request.
type Decision string

// Decisions of a request.
const (
	DecisionAccepted Decision = "accepted"
	DecisionRefused  Decision = "refused"
	DecisionNone     Decision = "none" // a fault came first; nothing was looked at
)

// Reply says what the caller gets to see.
type Reply string

// Replies to a request.
const (
	ReplySent     Reply = "sent"
	ReplyDropped  Reply = "dropped"  // the connection is cut
	ReplyReplaced Reply = "replaced" // something else is answered: a status, HTML, nothing, a wrong reply
)

// ledger is an append-only file of rows with its copy in memory.
// mu guards all fields. It is held while a row is written and synced, as the order in the file is the order of decisions.
type ledger struct {
	mu    sync.Mutex
	file  *os.File
	lock  *flock.Flock
	size  int64 // of the rows that are on disk
	rows  []Row
	index map[string][]int // facility|MA_LK -> rows with effect
	bad   error            // after a failed write nothing is written any more
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
	path := filepath.Join(dir, "ledger.ndjson")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	l = &ledger{file: file, lock: lock, index: make(map[string][]int)}
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
	in := bufio.NewReader(l.file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			torn = len(line)
			break
		}
		if err != nil {
			return 0, err
		}
		var r Row
		if err := json.Unmarshal(line, &r); err != nil || r.N != uint64(len(l.rows))+1 {
			return 0, fmt.Errorf("ledger: row %d cannot be read", len(l.rows)+1)
		}
		l.keep(r)
		l.size += int64(len(line))
	}
	if torn > 0 {
		if err := l.file.Truncate(l.size); err != nil {
			return 0, err
		}
		if err := l.file.Sync(); err != nil {
			return 0, err
		}
	}
	_, err = l.file.Seek(l.size, io.SeekStart)
	return torn, err
}

func (l *ledger) keep(r Row) {
	if r.Effect {
		k := episode(r.Facility, r.MaLK)
		l.index[k] = append(l.index[k], len(l.rows))
	}
	l.rows = append(l.rows, r)
}

func episode(facility, maLK string) string { return facility + "|" + maLK }

// append numbers the rows of one request, writes and syncs them. decide, called under the lock, may look at earlier
// rows with effect of the same episode and change the rows: acceptance and its row cannot come apart.
func (l *ledger) append(rows []Row, decide func(earlier func(Row) []Row, rows []Row)) ([]Row, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return nil, l.bad
	}
	first := uint64(len(l.rows)) + 1
	for i := range rows {
		rows[i].N, rows[i].Request = first+uint64(i), first
	}
	if decide != nil {
		decide(func(r Row) []Row { return l.of(r.Facility, r.MaLK) }, rows)
	}
	var b bytes.Buffer
	for _, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		b.Write(append(line, '\n'))
	}
	if _, err := l.file.Write(b.Bytes()); err != nil {
		l.bad = err
		return nil, err
	}
	if err := l.file.Sync(); err != nil {
		l.bad = err
		return nil, err
	}
	l.size += int64(b.Len())
	for _, r := range rows {
		l.keep(r)
	}
	return rows, nil
}

// of gives the rows with effect of an episode; mu must be held.
func (l *ledger) of(facility, maLK string) []Row {
	var out []Row
	for _, i := range l.index[episode(facility, maLK)] {
		out = append(out, l.rows[i])
	}
	return out
}

// accepted gives the rows with effect of an episode, oldest first.
func (l *ledger) accepted(facility, maLK string) []Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(facility, maLK)
}

func (l *ledger) all() []Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rows)
}

// export copies what is on disk to w.
func (l *ledger) export(w io.Writer) error {
	l.mu.Lock()
	part := io.NewSectionReader(l.file, 0, l.size)
	l.mu.Unlock()
	_, err := io.Copy(w, part)
	return err
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
