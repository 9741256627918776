package sealed

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir"
)

// ofStore are the names of a store's own files, Pebble's and the engine's. What else lies in the folder is not encrypted:
// the audit journal, which knows persons by keyed hashes alone, keys, and what an import remembers.
var ofStore = regexp.MustCompile(`^(CURRENT|OWNER|(MANIFEST|OPTIONS)-\d+|marker\..*|temporary\..*|REMOTE-OBJ-CATALOG-.*|\d+(-\d+)?\.(sst|log|blob|dbtmp))$`)

// OfStore says whether a file of that name in the folder of a store is the store's own.
func OfStore(name string) bool { return ofStore.MatchString(name) }

// File is one of a store's own files.
type File struct {
	Name string
	Size int64  // on disk
	Key  uint32 // id of the key that sealed its data key; 0 if it has no header
	is   state
	err  error // of the header
	head []byte
}

// Files lists a store's own files with what their headers say; a folder that is not there has none.
func Files(fsys vfs.FS, dir string) ([]File, error) {
	below, _ := parts(fsys)
	names, err := below.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []File
	for _, name := range names {
		if !OfStore(name) {
			continue
		}
		f, err := look(below, dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // somebody else has the folder, and has just deleted it
		case err != nil:
			return nil, err
		default:
			all = append(all, f)
		}
	}
	return all, nil
}

func look(below vfs.FS, dir, name string) (File, error) {
	f, err := below.Open(below.PathJoin(dir, name))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	l := File{Name: name, Size: info.Size()}
	if l.head, err = readHeader(f); err != nil {
		return File{}, err
	}
	l.is, l.Key, l.err = classify(l.head)
	return l, nil
}

// parts takes a file system apart: the one below, and the keys, nil without encryption.
func parts(fsys vfs.FS) (below vfs.FS, keys *Keys) {
	for f := fsys; f != nil; f = f.Unwrap() {
		if s, ok := f.(*FS); ok {
			return s.FS, s.keys
		}
	}
	return fsys, nil
}

// Check refuses a folder that the file system is not made for, before anything is written to it. Errors are Unavailable:
// store-encrypted (there is no key), store-not-encrypted (there is one, and files without), store-key-unknown (Args:
// folder, file, key), store-disk; Internal store-damaged for a header.
func Check(fsys vfs.FS, dir string) error {
	files, err := Files(fsys, dir)
	if err != nil {
		return fhir.Wrap(fhir.Unavailable, "store-disk", err)
	}
	_, keys := parts(fsys)
	for _, f := range files {
		if err := f.check(dir, keys); err != nil {
			return err
		}
	}
	return nil
}

func (f File) check(dir string, keys *Keys) error {
	switch {
	case f.is == encrypted && keys == nil:
		return fhir.Errorf(fhir.Unavailable, "store-encrypted", "", dir)
	case keys == nil || f.is == unwritten:
		return nil
	case f.err != nil:
		return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("%s: %w", f.Name, f.err))
	case f.is == clear:
		return fhir.Errorf(fhir.Unavailable, "store-not-encrypted", "", dir, f.Name)
	}
	_, err := openHeader(keys, f.head)
	if unknown, ok := errors.AsType[UnknownKey](err); ok {
		return fhir.Wrap(fhir.Unavailable, "store-key-unknown", err, dir, f.Name, uint32(unknown))
	}
	if err != nil {
		return fhir.Wrap(fhir.Internal, "store-damaged", fmt.Errorf("%s: %w", f.Name, err))
	}
	return nil
}
