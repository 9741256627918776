package sealed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keys are those of a key file: a keyset of tink as JSON, in clear or under the key of a management service (kms.go), whose primary key seals new files and whose older keys
// open what they sealed. A file that changes is read again when the next file is created, so that a rotation needs no
// restart; one that cannot be read then leaves the keys as they were, with a warning.
type Keys struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex // guards what follows; reads of the key file are made under it
	stamp  stamp
	loaded *keysOnce
}

// stamp tells one writing of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

// keysOnce are the keys as read at one time.
type keysOnce struct {
	aead    tink.AEAD
	primary uint32
	ids     map[uint32]bool
}

// UnknownKey says that the key file has not the key that sealed a file.
type UnknownKey uint32

// Error implements error.
func (k UnknownKey) Error() string { return fmt.Sprintf("the key file has no key %d", uint32(k)) }

// OpenKeys reads a key file. log = nil is slog.Default.
func OpenKeys(path string, log *slog.Logger) (*Keys, error) {
	if log == nil {
		log = slog.Default()
	}
	k := &Keys{path: path, log: log}
	s, err := stampOf(path)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	if k.loaded, err = load(path); err != nil {
		return nil, err
	}
	k.stamp = s
	return k, nil
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

func load(path string) (*keysOnce, error) {
	h, _, err := readKeyset(path)
	if err != nil {
		return nil, err
	}
	o := &keysOnce{primary: h.KeysetInfo().PrimaryKeyId, ids: map[uint32]bool{}}
	for _, key := range h.KeysetInfo().KeyInfo {
		if key.OutputPrefixType.String() != "TINK" {
			return nil, fmt.Errorf("encryption key: %s has a key without tink's prefix: make one with 'lienthong encryption-key new'", path)
		}
		o.ids[key.KeyId] = true
	}
	if o.aead, err = aead.New(h); err != nil {
		return nil, fmt.Errorf("encryption key: the keys in %s are not for authenticated encryption: %w", path, err)
	}
	return o, nil
}

// readKeyset says nothing of what stands in a file that is no keyset: it might be a key all the same.
func readKeyset(path string) (h *keyset.Handle, uri string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("encryption key: %w", err)
	}
	if h, uri, ok, err := readManaged(raw); ok {
		return h, uri, err
	}
	h, err = insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, "", fmt.Errorf("encryption key: %s is no key file: make one with 'lienthong encryption-key new'", path)
	}
	return h, "", nil
}

// NewKeyFile makes a key file with one key, for its owner's eyes only; with the URI of a key of a management service the keys
// in it lie under that one. It overwrites nothing. It gives the key's id.
func NewKeyFile(path, uri string) (uint32, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s: %w", path, errors.Join(err, fs.ErrExist))
	}
	return h.KeysetInfo().PrimaryKeyId, writeKeyset(path, h, uri, os.Link)
}

// RotateKeyFile adds a key to a key file and makes it the primary one. It gives the new key's id.
func RotateKeyFile(path string) (uint32, error) {
	if _, err := load(path); err != nil {
		return 0, err
	}
	h, uri, err := readKeyset(path)
	if err != nil {
		return 0, err
	}
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, err
	}
	if err := m.SetPrimary(id); err != nil {
		return 0, err
	}
	if h, err = m.Handle(); err != nil {
		return 0, err
	}
	return id, writeKeyset(path, h, uri, os.Rename)
}

// writeKeyset writes a key file whole, durably, and puts it in place by name: nobody reads half of one, and a power cut
// leaves the old one or the new.
func writeKeyset(path string, h *keyset.Handle, uri string, name func(from, to string) error) (err error) {
	raw, err := encoded(h, uri)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // renamed, it is not there any more
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := name(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Primary gives the id of the key that seals new files.
func (k *Keys) Primary() uint32 { return k.current().primary }

// Has says whether there is a key of that id.
func (k *Keys) Has(id uint32) bool { return k.current().ids[id] }

// current gives the keys as they stand in the file now.
func (k *Keys) current() *keysOnce {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := stampOf(k.path)
	if err == nil && s == k.stamp {
		return k.loaded
	}
	if err == nil {
		k.stamp = s // a file that cannot be used is warned of once
		var loaded *keysOnce
		if loaded, err = load(k.path); err == nil {
			k.loaded = loaded
		}
	} else if k.stamp == (stamp{}) {
		return k.loaded
	} else {
		k.stamp = stamp{}
	}
	if err != nil {
		k.log.Warn("the encryption key cannot be read anew; the keys stay as they were", "file", k.path, "error", err)
	}
	return k.loaded
}

func (k *Keys) seal(key, with []byte) ([]byte, error) {
	return k.current().aead.Encrypt(key, with)
}

// sealedLen is how long a sealed data key is: tink's prefix, the nonce, the key, the tag.
func (k *Keys) sealedLen(n int) (int, error) {
	probe, err := k.current().aead.Encrypt(make([]byte, n), nil)
	if err == nil && len(probe) > headerLen-fixedLen {
		err = fmt.Errorf("encryption key: the primary key of %s needs %d bytes for a data key, there is room for %d", k.path, len(probe), headerLen-fixedLen)
	}
	return len(probe), err
}

// open gives the data key that was sealed. Errors: UnknownKey; errHeader.
func (k *Keys) open(wrapped, with []byte) ([]byte, error) {
	id, ok := keyIDOf(wrapped)
	if !ok {
		return nil, errHeader
	}
	k.mu.Lock()
	loaded := k.loaded
	k.mu.Unlock()
	if !loaded.ids[id] {
		if loaded = k.current(); !loaded.ids[id] {
			return nil, UnknownKey(id)
		}
	}
	key, err := loaded.aead.Decrypt(wrapped, with)
	if err != nil {
		return nil, errHeader
	}
	return key, nil
}

// keyIDOf reads tink's prefix: 1, then the key's id.
func keyIDOf(wrapped []byte) (uint32, bool) {
	if len(wrapped) < 5 || wrapped[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(wrapped[1:]), true
}
