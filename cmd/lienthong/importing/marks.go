package importing

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// mark is one line of the state file. Hash is the SHA-256 of what was sent, so a parcel is known again wherever it lies.
//
//	{"mark":"sent","hash":"…"}                          about to be posted; without a later line its fate is in doubt
//	{"mark":"done","hash":"…","witness":"Patient/p1"}   acknowledged; witness is a resource that it made, the last one
//	{"mark":"part","hash":"…","entries":[3,17]}         a batch was acknowledged, but for these entries
//	{"mark":"gone","hash":"…"}                          refused as a whole: nothing of it landed
//	{"mark":"file","hash":"file:…"}                     all parcels of the file with these bytes are done
type mark struct {
	Mark    string `json:"mark"`
	Hash    string `json:"hash"`
	File    string `json:"file,omitempty"`
	Entries []int  `json:"entries,omitempty"`
	Witness string `json:"witness,omitempty"`
}

// marks is the state file: lines appended and synced one by one, so that a crash loses at most the last.
// mu guards file and last; a sync is done under it, since senders that wait for it have nothing else to do.
type marks struct {
	mu      sync.Mutex
	path    string
	file    *os.File
	lock    *flock.Flock
	last    map[string]mark // by hash
	witness string          // a resource that an earlier run made; "" if none
}

// openMarks reads the state file and takes it for this process. Lines that are cut short by a crash are dropped.
func openMarks(path string, fresh bool) (*marks, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	m := &marks{path: path, last: map[string]mark{}, lock: flock.New(path + ".lock")}
	switch ok, err := m.lock.TryLock(); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("another import is using the state file %s; wait for it, or give this one its own with --state", path)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errors.Join(err, m.lock.Unlock())
	}
	m.file = file
	if fresh {
		err = m.clear()
	} else {
		err = m.read()
	}
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *marks) read() error {
	r := bufio.NewReader(m.file)
	var whole int64
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return err
			}
			break
		}
		whole += int64(len(line))
		var k mark
		if json.Unmarshal(line, &k) == nil && k.Hash != "" {
			m.last[k.Hash] = k
			if k.Witness != "" {
				m.witness = k.Witness
			}
		}
	}
	if err := m.file.Truncate(whole); err != nil {
		return err
	}
	_, err := m.file.Seek(whole, io.SeekStart)
	return err
}

// clear forgets everything: the state speaks of another store, or the caller asked for it.
func (m *marks) clear() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.witness = map[string]mark{}, ""
	if err := m.file.Truncate(0); err != nil {
		return err
	}
	_, err := m.file.Seek(0, io.SeekStart)
	return err
}

// fileHash keeps the hash of a file apart from that of a parcel: a plain file with one bundle has the same bytes.
func fileHash(hash string) string { return "file:" + hash }

// none says whether there are no marks at all.
func (m *marks) none() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.last) == 0
}

// get gives the last mark of a hash; its Mark is "" if there is none.
func (m *marks) get(hash string) mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[hash]
}

// set writes a mark and returns when it is on disk.
func (m *marks) set(k mark) error {
	line, err := json.Marshal(k)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last[k.Hash] = k
	if _, err := m.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return m.file.Sync()
}

func (m *marks) close() error { return errors.Join(m.file.Close(), m.lock.Unlock()) }
