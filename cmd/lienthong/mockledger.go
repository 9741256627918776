package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

type mockLedgerCmd struct {
	Data   string `type:"path" placeholder:"DIR" xor:"from" required:"" help:"The mock's folder; it may be running."`
	File   string `type:"path" placeholder:"FILE" xor:"from" required:"" help:"An exported ledger instead."`
	Head   string `placeholder:"SHA256" help:"The end of the ledger as it was written down earlier: nothing before it may have changed."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"Write the rows to this file, an object a line; - is the screen."`
	Format string `enum:"text,json" default:"text" help:"The summary as text or json."`
}

// Run fails if the chain is broken, if the head is not there, or if a version had an effect more than once.
func (c *mockLedgerCmd) Run(s streams) (err error) {
	name := c.File
	in, err := os.Open(c.File)
	if c.Data != "" {
		name = c.Data
		in, err = bhxhmock.OpenLedger(c.Data)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	size := info.Size() // a mock that runs goes on writing
	sum, err := bhxhmock.Verify(io.NewSectionReader(in, 0, size), c.Head)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if c.Output != "" {
		if err := exportLedger(c.Output, s.out, io.NewSectionReader(in, 0, size-int64(sum.Torn))); err != nil {
			return err
		}
	}
	to := s.out
	if c.Output == "-" {
		to = s.err
	}
	if c.Format == "json" {
		if err := json.NewEncoder(to).Encode(sum); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(to, "%d rows of %d requests: %d with effect, %d refused. The chain holds.\nHead: %s\n", sum.Head.N, sum.Requests, sum.Effects, sum.Refused, sum.Head.SHA256)
		if sum.Torn > 0 {
			fmt.Fprintf(to, "The last row is torn (%d bytes); it was never acknowledged.\n", sum.Torn)
		}
	}
	switch {
	case !sum.Found:
		return errors.New("the head is not in this ledger: rows before it were changed or taken out")
	case len(sum.Twice) > 0:
		return fmt.Errorf("more than one effect (ONCE): %s", strings.Join(sum.Twice, "; "))
	}
	return nil
}

// exportLedger copies rows to a file, or to out if it is called -.
func exportLedger(name string, out io.Writer, rows io.Reader) error {
	if name == "-" {
		_, err := io.Copy(out, rows)
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, rows)
	return errors.Join(err, f.Close())
}
