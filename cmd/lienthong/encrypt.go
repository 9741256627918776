package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

type encryptCmd struct {
	From          string `required:"" type:"existingdir" placeholder:"DIR" help:"Folder of a store in clear that is not being served. It stays as it is."`
	To            string `required:"" type:"path" placeholder:"DIR" help:"Folder of the copy. It must not be there."`
	EncryptionKey string `name:"encryption-key" required:"" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file."`
}

// Run copies a store, its own files encrypted, and what lies beside them (journal, keys) as it is. The copy has its name
// when it is whole.
func (c *encryptCmd) Run(ctx context.Context, s streams) error {
	if err := config.KeyApart(c.EncryptionKey, c.To); err != nil {
		return err
	}
	disk, err := sealed.Disk("", nil)
	if err != nil {
		return err
	}
	keys, err := sealed.OpenKeys(c.EncryptionKey, nil)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.To); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: the copy is only made in a new folder", c.To)
	}
	part := c.To + ".partial"
	if err := os.Mkdir(part, 0o700); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is what a copy that was broken off has left: remove it first", part)
	} else if err != nil {
		return err
	}
	n, err := sealed.Encrypt(ctx, disk, c.From, keys, part)
	if err == nil {
		err = copyBeside(c.From, part)
	}
	if err == nil {
		err = os.Rename(part, c.To)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := syncDir(filepath.Dir(c.To)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is the store in %s with its %d files encrypted. When it serves, destroy the old folder and its copies: they are still in clear.\n", c.To, c.From, n)
	return err
}

// copyBeside copies what lies in the folder of a store without being the store's own, with its rights.
func copyBeside(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || name == "." || name == "LOCK" || sealed.OfStore(name) {
			return err
		}
		info, err := os.Stat(path) // of what a link leads to: a copy must not hang on the old place
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if d.IsDir() {
			return os.Mkdir(target, info.Mode().Perm())
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no file", path)
		}
		return errors.Join(copyPlain(path, target, info.Mode().Perm()), syncDir(filepath.Dir(target)))
	})
}

func copyPlain(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
