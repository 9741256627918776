package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lienthong/lienthong/fhir/store/sealed"
)

type encryptionKeyCmd struct {
	New     newEncryptionKeyCmd    `cmd:"" help:"Make a key file. Without it an encrypted store cannot be read by anybody: keep a copy in a safe place."`
	Rotate  rotateEncryptionKeyCmd `cmd:"" help:"Add a key to a key file, for all files that are written from now on. A server that uses it need not be restarted. Keep a copy again."`
	Rewrite rewriteCmd             `cmd:"" help:"Encrypt all files of a store with the primary key. A server does the same for nearly all of them while it runs; this is for one that does not."`
	Status  encryptionStatusCmd    `cmd:"" help:"Say which key encrypts which files of a store, also while it is served."`
}

type newEncryptionKeyCmd struct {
	File string `arg:"" type:"path" help:"Where to write it. It must not be there."`
	KMS  string `name:"kms" placeholder:"URI" help:"Key of a management service (HashiCorp Vault or OpenBao, transit engine) under which the keys lie in the file, such as hcvault://vault.example:8200/transit/keys/lienthong. It is asked with VAULT_TOKEN, here and whenever the file is read. Default: the file holds the keys in clear."`
}

// Run makes a key file.
func (c *newEncryptionKeyCmd) Run(s streams) error {
	id, err := sealed.NewKeyFile(c.File, c.KMS)
	if err != nil {
		return err
	}
	if c.KMS != "" {
		_, err = fmt.Fprintf(s.out, "%s has key %d, under %s. Whoever has this file and may use that key can read the store; without either nobody can. Keep a copy of both elsewhere.\n", c.File, id, c.KMS)
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s has key %d. Whoever has this file can read the store; without it nobody can. Keep a copy elsewhere.\n", c.File, id)
	return err
}

type rotateEncryptionKeyCmd struct {
	File string `arg:"" type:"existingfile" help:"The key file."`
}

// Run adds a key to a key file.
func (c *rotateEncryptionKeyCmd) Run(s streams) error {
	id, err := sealed.RotateKeyFile(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s has a new primary key %d. Files that are written from now on use it; the older keys open what they encrypted.\n", c.File, id)
	return err
}

type rewriteCmd struct {
	Data          string `required:"" type:"existingdir" env:"LIENTHONG_DATA" placeholder:"DIR" help:"Folder of the store. No server may have it open."`
	EncryptionKey string `name:"encryption-key" required:"" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file."`
}

// Run rewrites the files that an older key encrypted.
func (c *rewriteCmd) Run(ctx context.Context, s streams) error {
	disk, err := sealed.Disk(c.EncryptionKey, nil)
	if err != nil {
		return err
	}
	n, err := sealed.RewriteAll(ctx, disk, c.Data)
	if err != nil {
		return fmt.Errorf("%w (%d files are rewritten; the same command continues)", err, n)
	}
	_, err = fmt.Fprintf(s.out, "%d files rewritten; all use the primary key\n", n)
	return err
}

type encryptionStatusCmd struct {
	Data          string `required:"" type:"existingdir" env:"LIENTHONG_DATA" placeholder:"DIR" help:"Folder of the store."`
	EncryptionKey string `name:"encryption-key" required:"" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file."`
	Files         bool   `help:"Name the files that do not use the primary key."`
}

// Run counts the store's files by the key that they use.
func (c *encryptionStatusCmd) Run(s streams) error {
	keys, err := sealed.OpenKeys(c.EncryptionKey, nil)
	if err != nil {
		return err
	}
	disk, err := sealed.Disk("", nil)
	if err != nil {
		return err
	}
	files, err := sealed.Files(disk, c.Data)
	if err != nil {
		return err
	}
	type sum struct {
		files int
		bytes int64
	}
	sums := map[uint32]sum{}
	for _, f := range files {
		sums[f.Key] = sum{sums[f.Key].files + 1, sums[f.Key].bytes + f.Size}
	}
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		what := "older, in the key file"
		switch {
		case id == 0:
			what = "no key"
		case id == keys.Primary():
			what = "primary"
		case !keys.Has(id):
			what = "NOT in the key file"
		}
		fmt.Fprintf(s.out, "key %d (%s): %d files, %d bytes\n", id, what, sums[id].files, sums[id].bytes)
	}
	if !c.Files {
		return nil
	}
	slices.SortFunc(files, func(a, b sealed.File) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range files {
		if f.Key != keys.Primary() {
			fmt.Fprintf(s.out, "%s\tkey %d\t%d bytes\n", f.Name, f.Key, f.Size)
		}
	}
	return nil
}
