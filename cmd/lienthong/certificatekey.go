package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lienthong/lienthong/fhir/certificate"
)

type certificateKeyCmd struct {
	New newKeyCmd `cmd:"" help:"Add a new signing key to a key file, which is made if it is not there."`
}

type newKeyCmd struct {
	File string        `arg:"" type:"path" help:"Key file (JWKS) of --certificate-keys."`
	In   time.Duration `placeholder:"DURATION" help:"When the key begins to sign, such as 48h: it is published at once, so that those who keep copies of the public keys have it by then. Default: now."`
}

// Run adds the key. The keys before it stay: what they signed can be verified.
func (c *newKeyCmd) Run(s streams) error {
	if c.In < 0 {
		return &exitError{exitUsage, errors.New("--in cannot be negative")}
	}
	id, err := addKey(c.File, time.Now().Add(c.In))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Key %s added to %s. Restart the server to use it; keep the file secret and backed up.\n", id, c.File)
	return err
}

// addKey writes a key file anew with one more key, so that at any moment the old file or the new one is whole.
func addKey(path string, from time.Time) (id string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	out, id, err := certificate.AddKey(raw, from)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".certificate-keys-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(out)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	return id, os.Rename(tmp.Name(), path)
}
