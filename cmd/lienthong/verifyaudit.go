package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/sealed"
)

type verifyAuditCmd struct {
	Data       string   `type:"path" env:"LIENTHONG_DATA" placeholder:"DIR" help:"Folder of a store that is not being served: its journal is held against the checkpoints in its log as well."`
	Journal    string   `type:"path" placeholder:"DIR" help:"Folder of a journal alone, such as a copy. Default: 'audit' in the folder of the store."`
	Key        []string `type:"path" placeholder:"FILE" help:"Public key of those who may have signed (audit.key.pub). May be repeated. Default: the one in the folder of the store."`
	Checkpoint []string `type:"path" placeholder:"FILE" help:"A checkpoint that was kept elsewhere, to be held against as well. May be repeated."`

	EncryptionKey string `name:"encryption-key" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"With --data: key file of an encrypted store."`
}

// Run proves offline that no line of the audit journal was changed, moved or taken away: exit code 0, or 1 with what is wrong.
func (c *verifyAuditCmd) Run(ctx context.Context, s streams) error {
	if c.Data == "" && c.Journal == "" {
		return &exitError{exitUsage, errors.New("--data or --journal is needed")}
	}
	if c.Journal == "" {
		c.Journal = filepath.Join(c.Data, auditFolder)
	}
	if len(c.Key) == 0 {
		if c.Data == "" {
			return &exitError{exitUsage, errors.New("--key is needed: without a key that was kept apart, whoever changed the journal could have signed it")}
		}
		c.Key = []string{filepath.Join(c.Data, auditKey+".pub")}
	}
	var keys []string
	for _, path := range c.Key {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		keys = append(keys, strings.TrimSpace(string(raw)))
	}
	var elsewhere [][]byte
	for _, path := range c.Checkpoint {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		elsewhere = append(elsewhere, raw)
	}
	if _, err := os.Stat(c.Journal); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no audit journal in %s", c.Journal)
	}
	logged, err := c.logged(ctx)
	if err != nil {
		return err
	}
	v, err := audit.Verify(c.Journal, keys, logged, elsewhere...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "journal %s: %d lines, %d of them signed, %d checkpoints (%d from the log), %d entries of commits\n",
		v.Origin, v.Lines, v.Signed, v.Checkpoints, logged.Checkpoints(), v.Commits)
	for _, f := range v.Faults {
		fmt.Fprintln(s.out, "FAULT", f)
	}
	if !v.OK() {
		return errors.New("the audit journal does not hold")
	}
	fmt.Fprintln(s.out, "nothing was changed, moved or taken away")
	return nil
}

// logged reads what the commit log holds of the trail; nothing without a store.
func (c *verifyAuditCmd) logged(ctx context.Context) (*audit.Logged, error) {
	if c.Data == "" {
		return nil, nil
	}
	disk, err := sealed.Disk(c.EncryptionKey, nil)
	if err != nil {
		return nil, err
	}
	if err := sealed.Check(disk, c.Data); err != nil {
		return nil, err
	}
	log, err := embedded.OpenFolder(disk, c.Data)
	if err != nil {
		return nil, fmt.Errorf("is it being served? %w", err)
	}
	defer log.Close()
	l := &audit.Logged{}
	for commit, err := range log.Read(ctx, 0) {
		if err != nil {
			return nil, err
		}
		for _, r := range commit.Records {
			l.Add(commit.T, store.Record{Space: store.Space(r.Space), Key: r.Key, Value: r.Value})
		}
	}
	return l, nil
}
