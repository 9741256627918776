package engine

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir"
)

// Room watches how much room the disk of a store has.
//
//	free >= keep          commits are taken
//	free <  keep          commits are refused (store-full) and reads are answered: what is left is for what is under way, for
//	                      merging sorted files, and for the trail of reads
//	a write meets ENOSPC  it waits until there is room, and with it all that would write: Pebble cannot go on after a write
//	(or EDQUOT, quota.go) that failed, so it does not hear of it
//
// All of it goes on by itself when there is room again. A nil Room watches nothing.
type Room struct {
	disk vfs.FS
	dir  string
	keep uint64
	log  *slog.Logger

	every, patience time.Duration // roomEvery and roomPatience when it was made

	serving atomic.Bool // the store is open: before that, a full disk is an error of Open

	mu    sync.Mutex // guards what follows; never under it: I/O
	asked time.Time
	short bool          // free < keep, as of asked
	waits chan struct{} // closed while a write waits
	long  chan struct{} // closed while a write has waited for longer than patience
}

const (
	// roomAsked is how long the answer of the disk is believed.
	roomAsked = 100 * time.Millisecond
	// roomProbe is what is written to see whether there is room: free bytes alone do not tell of quotas and inodes.
	roomProbe = 64 << 10
)

var (
	// roomEvery is how often a full disk is looked at again. Tests shorten it.
	roomEvery = 250 * time.Millisecond
	// roomPatience is how long a commit waits for a full disk until its caller is told that the outcome is not known. Tests
	// shorten it.
	roomPatience = 10 * time.Second
)

// NewRoom watches the disk that has the folder dir; nil = the machine's. keep is how many bytes stay free.
func NewRoom(disk vfs.FS, dir string, keep int64, log *slog.Logger) *Room {
	if disk == nil {
		disk = vfs.Default
	}
	return &Room{disk: disk, dir: dir, keep: uint64(max(keep, 0)), log: log, every: roomEvery, patience: roomPatience, waits: make(chan struct{}), long: make(chan struct{})}
}

// FS is the disk, whose writers wait while it is full. That of a store must be built on it.
func (r *Room) FS() vfs.FS { return vfs.OnDiskFull(quota{r.disk}, r.wait) }

// Full gives Unavailable store-full while commits are refused.
func (r *Room) Full() error {
	if r == nil {
		return nil
	}
	if isClosed(r.waiting()) {
		return errFull(nil)
	}
	r.mu.Lock()
	short, fresh := r.short, time.Since(r.asked) < roomAsked
	r.mu.Unlock()
	if !fresh {
		short = r.isShort()
		r.mu.Lock()
		said := r.short != short
		r.short, r.asked = short, time.Now()
		r.mu.Unlock()
		if said {
			r.tell(short)
		}
	}
	if short {
		return errFull(nil)
	}
	return nil
}

func (r *Room) tell(short bool) {
	if short {
		r.log.Error("the disk of the store has too little room: commits are refused until there is more", "folder", r.dir, "keep-bytes", r.keep)
	} else {
		r.log.Info("the disk of the store has room again: commits are taken", "folder", r.dir)
	}
}

// isShort says whether less is free than is to be kept. A disk that cannot say how much is free is not short of it.
func (r *Room) isShort() bool {
	if r.keep == 0 {
		return false
	}
	usage, err := r.disk.GetDiskUsage(r.dir)
	return err == nil && usage.AvailBytes < r.keep
}

// waiting is closed while a write waits for room.
func (r *Room) waiting() <-chan struct{} {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits
}

// tooLong is closed while a write has waited longer than a caller should.
func (r *Room) tooLong() <-chan struct{} {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.long
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// serve says that the store is open.
func (r *Room) serve() {
	if r != nil {
		r.serving.Store(true)
	}
}

// wait returns when there is room. It is called by the first write that meets a full disk; the others wait for it.
func (r *Room) wait() {
	if !r.serving.Load() {
		return
	}
	r.log.Error("the disk of the store is full: what is being written waits until there is room, and commits are refused", "folder", r.dir)
	r.mu.Lock()
	waits, long := r.waits, r.long
	close(waits)
	r.mu.Unlock()
	impatient := time.AfterFunc(r.patience, func() { close(long) })
	for r.isShort() || r.probe() != nil {
		time.Sleep(r.every)
	}
	r.mu.Lock()
	r.waits, r.asked = make(chan struct{}), time.Time{}
	if !impatient.Stop() {
		r.long = make(chan struct{})
	}
	r.mu.Unlock()
	r.log.Info("the disk of the store has room again", "folder", r.dir)
}

// probe writes a little and takes it away.
func (r *Room) probe() error {
	path := r.disk.PathJoin(r.dir, "room.probe")
	f, err := r.disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, roomProbe))
	return errors.Join(err, f.Sync(), f.Close(), r.disk.Remove(path))
}

// errFull says that a commit did not happen, for want of room.
func errFull(err error) error {
	if err == nil {
		return fhir.Errorf(fhir.Unavailable, "store-full", "")
	}
	return fhir.Wrap(fhir.Unavailable, "store-full", err)
}
