package config

import (
	"fmt"
	"path/filepath"
)

// KeyApart refuses a key file in the folder of the store: each copy of the folder would carry the key along.
func KeyApart(keyFile, data string) error {
	if keyFile == "" || data == "" {
		return nil
	}
	if in, err := filepath.Rel(data, keyFile); err == nil && filepath.IsLocal(in) {
		return fmt.Errorf("--encryption-key %s lies in the folder of the store: keep it elsewhere, or each copy of the folder has the key with it", keyFile)
	}
	return nil
}
