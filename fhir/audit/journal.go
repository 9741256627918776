package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/lienthong/lienthong/fhir"
)

// Options are what a Journal is made of; Signer is required.
type Options struct {
	// Signer signs checkpoints; its name is the journal's origin. See NewKey.
	Signer note.Signer
	// SegmentBytes is how long a file of lines grows before the next one is begun. 0 = 64 MiB.
	SegmentBytes int64
	Log          *slog.Logger // nil = slog.Default()

	open func(path string, flag int) (file, error) // nil = openFile; tests give disks that can be full
}

// Journal is an append-only list of entries in files of one folder. It is safe for concurrent use; one process may have
// a folder open at a time.
//
//	00000000000000000000.jsonl   lines from the number in the name on; zeros after the last line while it is written
//	checkpoints.jsonl            signed checkpoints with what a restart needs
type Journal struct {
	dir    string
	o      Options
	signal chan struct{} // the writer has work; closed by Close
	ended  chan struct{} // the writer is done

	mu      sync.Mutex
	group   *group // what the next write takes
	closed  bool
	broken  error // no more can be kept: why
	full    error // the last write had no room
	written state // what is on disk
	writes  Writes

	checkpointing sync.Mutex
	signed        uint64 // lines under the last checkpoint
	indexing      sync.Mutex
	indexes       map[uint64]*segmentIndex // by the first line of the segment
}

// state is where a journal ends.
type state struct {
	tree    tree
	segment uint64 // first line of the file that is written
	size    int64  // bytes of its lines that are on disk
	t       fhir.T // newest commit whose entry was taken over
}

// group is what is written and synced at once.
type group struct {
	lines  []byte
	leaves []leafHash
	t      fhir.T
	conns  []*heldConn // keep answers until it is on disk
	done   chan struct{}
	err    error
}

// Open opens the journal in dir, which is made if it is not there. What was being written when the last process died and
// was not told to anybody is cut off. A journal that is shorter than its own checkpoint, or has a line that is none, is
// refused: somebody was at it.
func Open(dir string, o Options) (*Journal, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.open == nil {
		o.open = openFile
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("audit journal: %w", err)
	}
	j := &Journal{dir: dir, o: o, signal: make(chan struct{}, 1), ended: make(chan struct{}), indexes: map[uint64]*segmentIndex{}}
	var err error
	if j.written, j.signed, err = recoverState(dir); err != nil {
		return nil, err
	}
	j.group = newGroup(nil)
	f, err := j.openSegment(j.written)
	if err != nil {
		return nil, err
	}
	go j.write(f)
	return j, nil
}

// newGroup makes a group in the memory of one that was written, nil for none.
func newGroup(written *group) *group {
	g := &group{done: make(chan struct{})}
	if written != nil && cap(written.lines) <= 1<<20 {
		g.lines, g.leaves = written.lines[:0], written.leaves[:0]
	}
	return g
}

func (j *Journal) segmentPath(first uint64) string { return segmentPath(j.dir, first) }

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d.jsonl", first))
}

// Append returns when the entry is on disk. If it cannot be kept the error is Unavailable "audit-unavailable": what it
// tells of must then not happen. The end of ctx ends the wait, not the entry.
func (j *Journal) Append(ctx context.Context, e *Entry) error {
	return j.appendAll(ctx, []*Entry{e})
}

// appendAll appends entries in their order.
func (j *Journal) appendAll(ctx context.Context, entries []*Entry) error {
	l := takeLines()
	defer linesPool.Put(l)
	if err := l.encode(entries); err != nil {
		return unavailable(err)
	}
	return j.appendLines(ctx, l)
}

// appendHeld returns at once; what c writes from then on leaves when the entry is on disk. If the entry cannot be kept, c ends.
// While the disk is full it waits as Append does, so that the answer can say so.
func (j *Journal) appendHeld(c *heldConn, e *Entry) error {
	l := takeLines()
	defer linesPool.Put(l)
	if err := l.encode([]*Entry{e}); err != nil {
		return unavailable(err)
	}
	g, held, err := j.join(l, c)
	if err != nil || held {
		return err
	}
	<-g.done
	return g.err
}

// appendLines appends lines, which it does not keep.
func (j *Journal) appendLines(ctx context.Context, l *lines) error {
	if len(l.leaves) == 0 {
		return nil
	}
	g, _, err := j.join(l, nil)
	if err != nil {
		return err
	}
	if ctx.Done() == nil {
		<-g.done
		return g.err
	}
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join puts lines into the group that is written next. c, if there is one, holds back what it writes until then, but not while the
// disk is full.
func (j *Journal) join(l *lines, c *heldConn) (g *group, held bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.broken; err != nil || j.closed {
		return nil, false, refusal(err)
	}
	g = j.group
	g.lines, g.leaves, g.t = append(g.lines, l.text...), append(g.leaves, l.leaves...), max(g.t, l.t)
	if held = c != nil && j.full == nil; held {
		c.hold(g)
		g.conns = append(g.conns, c)
	}
	j.wake()
	return g, held, nil
}

// lines are entries as they are written.
type lines struct {
	text   []byte
	leaves []leafHash
	t      fhir.T
	one    []byte // a line after a byte for its hash
}

// linesPool holds lines while they are made. Those of entries that tell very much are left to the collector.
var linesPool = sync.Pool{New: func() any { return new(lines) }}

// takeLines takes lines from the pool. They are none yet.
func takeLines() *lines {
	l := linesPool.Get().(*lines)
	l.reset()
	return l
}

func (l *lines) reset() {
	l.text, l.leaves, l.t = l.text[:0], l.leaves[:0], 0
	if cap(l.text) > 64<<10 {
		l.text, l.one = nil, nil
	}
}

func (l *lines) encode(entries []*Entry) (err error) {
	for _, e := range entries {
		if l.one, err = e.appendLine(append(l.one[:0], 0)); err != nil {
			return err
		}
		l.add(e.T)
	}
	return nil
}

// add adds the line that stands in l.one, of commit t; 0 = of none.
func (l *lines) add(t fhir.T) {
	l.leaves = append(l.leaves, hashLeaf(l.one))
	l.text = append(append(l.text, l.one[1:]...), '\n')
	l.t = max(l.t, t)
}

func unavailable(err error) error {
	if err == nil {
		return fhir.Errorf(fhir.Unavailable, "audit-unavailable", "")
	}
	return fhir.Wrap(fhir.Unavailable, "audit-unavailable", err)
}

// refusal says why an entry is not kept: err ended the journal, or only the room is missing, or it is closed (nil).
func refusal(err error) error {
	if err == nil || errors.Is(err, errFull) {
		return unavailable(err)
	}
	return fhir.Wrap(fhir.Unavailable, "audit-halted", err)
}

// Ready gives why entries cannot be kept, nil if they can. A disk that was full is tried, so that it shows by itself when there is room.
func (j *Journal) Ready() error {
	j.mu.Lock()
	broken, full := j.broken, j.full
	j.mu.Unlock()
	switch {
	case broken != nil:
		return refusal(broken)
	case full != nil && j.probe() != nil:
		return refusal(full)
	}
	return nil
}

// probe writes a little and takes it away.
func (j *Journal) probe() error {
	path := filepath.Join(j.dir, "room.probe")
	f, err := j.o.open(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = f.Write(zeros[:])
	return errors.Join(err, f.Close(), os.Remove(path))
}

// wake tells the writer that there is work. j.mu is held.
func (j *Journal) wake() {
	select {
	case j.signal <- struct{}{}:
	default:
	}
}

// write is the goroutine that owns the file: it takes what waits, writes and syncs it, and lets go of those who wait.
func (j *Journal) write(f *segmentFile) {
	defer close(j.ended)
	defer func() {
		if err := f.close(); err != nil {
			j.o.Log.Warn("audit journal: a file could not be closed", "err", err)
		}
	}()
	var before *group // whose memory the next one takes
	for range j.signal {
		j.gather()
		j.mu.Lock()
		g, s, broken := j.group, j.written, j.broken
		j.group = newGroup(before)
		j.mu.Unlock()
		before = g
		if len(g.leaves) == 0 {
			continue
		}
		began := time.Now()
		if broken == nil {
			f, s, broken = j.put(f, s, g)
		}
		if broken != nil {
			g.err = refusal(broken)
		}
		j.mu.Lock()
		j.writes.Groups++
		j.writes.Time += time.Since(began)
		was := j.full
		if j.full = nil; errors.Is(broken, errFull) {
			j.full, broken = broken, nil
		}
		if j.broken = broken; broken == nil {
			j.written = s
		}
		is := j.full
		j.mu.Unlock()
		j.tellRoom(was, is)
		close(g.done)
		if len(g.conns) > 0 {
			go g.release() // beside the next sync; none of it waits for anybody
		}
	}
}

// release lets the answers leave that waited for the group.
func (g *group) release() {
	for _, c := range g.conns {
		c.release(g)
	}
}

// gather lets those who can run go first, as long as they bring entries: one sync then does for more of them, and each sync
// costs processor time of its own. Nobody waits by the clock, and where nothing else can run it is over at once. What a
// round brings is bounded by the connections that ask, since the answer of each waits for its entry; who asks before it has its answers
// could go on, so the rounds are bounded too.
func (j *Journal) gather() {
	for before, round := -1, 0; round < 16; round++ {
		j.mu.Lock()
		waiting := len(j.group.leaves)
		j.mu.Unlock()
		if waiting == before {
			return
		}
		before = waiting
		runtime.Gosched()
	}
}

// tellRoom tells the operator when the room begins and ends to be missing.
func (j *Journal) tellRoom(was, is error) {
	switch {
	case was == nil && is != nil:
		j.o.Log.Error("audit journal: the disk is full; no request is answered until there is room", "err", is)
	case was != nil && is == nil:
		j.o.Log.Info("audit journal: there is room again")
	}
}

// put writes a group to f, or to the next file when f is full, and gives where the journal ends then. After an error
// nobody knows what is on disk, so nothing more is taken until the folder was opened anew; but for errFull, which leaves all as it was.
func (j *Journal) put(f *segmentFile, s state, g *group) (*segmentFile, state, error) {
	if s.size >= j.o.SegmentBytes {
		next, err := j.openSegment(state{segment: s.tree.size()})
		if err != nil {
			return f, s, noRoom(err)
		}
		if err := f.close(); err != nil {
			return next, s, err
		}
		f, s.segment, s.size = next, s.tree.size(), 0
	}
	if err := f.append(g.lines); errors.Is(err, errFull) {
		return f, s, err
	} else if err != nil {
		j.o.Log.Error("audit journal cannot be written: no request is answered until the server was started anew", "err", err)
		return f, s, err
	}
	grown, err := treeOf(s.tree.size(), append([][]byte(nil), s.tree.edge.Hashes()...))
	if err != nil {
		return f, s, err
	}
	for some := range slices.Chunk(g.leaves, 64) {
		own := slices.Clone(some) // the tree keeps some of them, and the group is used again
		for i := range own {
			if err := grown.edge.Append(own[i][:], nil); err != nil {
				return f, s, err
			}
		}
	}
	s.tree, s.size, s.t = grown, s.size+int64(len(g.lines)), max(s.t, g.t)
	return f, s, nil
}

// Followed is the newest commit whose entry was taken over.
func (j *Journal) Followed() fhir.T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written.t
}

// Origin is the name of the journal.
func (j *Journal) Origin() string { return j.o.Signer.Name() }

// Size is how many lines are on disk.
func (j *Journal) Size() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written.tree.size()
}

// Writes are what a journal has brought to disk since it was opened.
type Writes struct {
	Groups uint64        // of lines, each by one sync
	Time   time.Duration // for all of them: an answer waits for about one and a half
}

// Writes tells how many groups of lines were written, and how long that took.
func (j *Journal) Writes() Writes {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.writes
}

// Lengths tells how many lines are on disk, and how many of them are under a signed checkpoint.
func (j *Journal) Lengths() (lines, signed uint64) { return j.Size(), j.signedSize() }

func (j *Journal) signedSize() uint64 {
	j.checkpointing.Lock()
	defer j.checkpointing.Unlock()
	return j.signed
}

// Close writes what waits and a last checkpoint.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.wake()
	close(j.signal)
	j.mu.Unlock()
	<-j.ended
	_, err := j.Checkpoint(time.Now())
	if errors.Is(err, errFull) {
		j.o.Log.Warn("audit journal: the disk is full; the last lines are kept and not signed", "err", err)
		return nil
	}
	return err
}
