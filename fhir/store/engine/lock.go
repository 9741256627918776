package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
)

// ownerFile lies in the folder and says which process has it, for the message of the next one that wants it.
// It proves nothing (a killed process leaves it behind); the lock beside it, which the system lets go of, does.
const ownerFile = "OWNER"

type owner struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Host    string    `json:"host"`
}

// lockFolder makes the folder this process's own. Errors: Unavailable "store-locked" with the folder, the process and
// the time it opened the folder; Unavailable "store-disk".
func lockFolder(fs vfs.FS, dir string, now time.Time) (*pebble.Lock, error) {
	if err := makeFolder(fs, dir); err != nil {
		return nil, errDisk(fmt.Errorf("make %s: %w", dir, err))
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		held, known := readOwner(fs, dir)
		if !known {
			return nil, fhir.Wrap(fhir.Unavailable, "store-locked", err, dir, "?", "?")
		}
		return nil, fhir.Wrap(fhir.Unavailable, "store-locked", err, dir, held.PID, held.Started.Format(time.RFC3339))
	}
	if err := writeOwner(fs, dir, now); err != nil {
		_ = lock.Close() // the first error says more
		return nil, errDisk(err)
	}
	return lock, nil
}

// makeFolder makes dir and what is missing above it, durably: a folder whose name is not on disk would take everything
// in it along when the power fails.
func makeFolder(fs vfs.FS, dir string) error {
	var above []string // of each folder to be made, the one that holds its name
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := fs.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		above = append(above, filepath.Dir(d))
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range above {
		f, err := fs.OpenDir(d)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func readOwner(fs vfs.FS, dir string) (owner, bool) {
	var o owner
	f, err := fs.Open(filepath.Join(dir, ownerFile))
	if err != nil {
		return o, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	return o, err == nil && json.Unmarshal(b, &o) == nil
}

func writeOwner(fs vfs.FS, dir string, now time.Time) error {
	host, _ := os.Hostname() // only for people; "" will do
	b, err := json.Marshal(owner{PID: os.Getpid(), Started: now, Host: host})
	if err != nil {
		return err
	}
	f, err := fs.Create(filepath.Join(dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", ownerFile, err)
	}
	return f.Close()
}
