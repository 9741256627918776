package engine

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// FolderLog is the log in a folder that nobody serves: to be copied, not to be appended to.
type FolderLog struct {
	*embedded.Log
	db   *pebble.DB
	lock *pebble.Lock
}

// ErrNoStore says that a folder holds no store.
var ErrNoStore = errors.New("there is no store there")

// OpenLog opens the log in a folder, whatever index its state has. Errors are those of Open, and ErrNoStore.
func OpenLog(dir string, o Options) (*FolderLog, error) {
	o.setDefaults()
	if err := sealed.Check(o.FS, dir); err != nil {
		return nil, err
	}
	switch at, err := pebble.Peek(dir, o.FS); {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !at.Exists:
		return nil, fmt.Errorf("%s: %w", dir, ErrNoStore)
	case err != nil:
		return nil, errDisk(fmt.Errorf("open %s: %w", dir, err))
	}
	lock, err := lockFolder(o.FS, dir, o.Now())
	if err != nil {
		return nil, err
	}
	l := &FolderLog{lock: lock}
	po := pebbleOptions(&o)
	po.Lock, po.ErrorIfNotExists = lock, true
	if l.db, err = pebble.Open(dir, po); err != nil {
		return nil, errors.Join(errDisk(fmt.Errorf("open %s: %w", dir, err)), lock.Close())
	}
	if l.Log, err = embedded.On(l.db); err != nil {
		return nil, errors.Join(errDisk(err), l.Close())
	}
	return l, nil
}

// Shared says whether the log of this folder is a copy of one that is elsewhere.
func (l *FolderLog) Shared() (bool, error) {
	return get(l.db, metaShared, func([]byte) error { return nil })
}

// SetShared says that from now on the log of this folder is elsewhere, or that it is here.
func (l *FolderLog) SetShared(shared bool) error {
	err := l.db.Delete(metaShared, pebble.Sync)
	if shared {
		err = l.db.Set(metaShared, []byte{1}, pebble.Sync)
	}
	if err != nil {
		return fhir.Wrap(fhir.Unavailable, "store-disk", err)
	}
	return nil
}

// Close frees the folder.
func (l *FolderLog) Close() error { return errors.Join(l.db.Close(), l.lock.Close()) }
