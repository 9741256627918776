package signature

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// Folder has the keys of facilities, each in a file {MA_CSKCB}.pem with certificate and private key, and with default.pem
// one for all others.
type Folder struct{ keys map[string]*Key }

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 1 << 20

// Open reads a folder. Every *.pem in it must be a key that can be used.
func Open(dir string) (*Folder, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return nil, err
	}
	f := &Folder{keys: map[string]*Key{}}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxKeyFile {
			return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", filepath.Base(name))
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		key, err := Load(raw, raw)
		if err != nil {
			return nil, &fhir.Error{Kind: fhir.Invalid, Code: "bhxh-signing-key", Path: filepath.Base(name), Err: err}
		}
		f.keys[strings.TrimSuffix(filepath.Base(name), ".pem")] = key
	}
	if len(f.keys) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", "*.pem")
	}
	return f, nil
}

// Sign signs a file for a facility. It is a bhxh.Signer.
func (f *Folder) Sign(_ context.Context, maCSKCB string, file []byte) ([]byte, error) {
	key := f.keys[maCSKCB]
	if key == nil {
		key = f.keys["default"]
	}
	if key == nil {
		return nil, fhir.Errorf(fhir.Unavailable, "bhxh-signing-key-missing", "", maCSKCB)
	}
	return key.Sign(file)
}
