package main

import (
	"log/slog"
	"os"
)

// private makes the folder of a store if it is not there, and lets nobody but its owner in: it holds health records.
// Whose folder it is not (a mounted volume) can only be told.
func private(dir string, log *slog.Logger) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		log.Warn("others may read the folder of the store, and this user may not change that", "folder", dir, "mode", info.Mode().Perm().String(), "error", err)
	}
	return nil
}
