package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/search"
)

type policyCmd struct {
	Show  policyShowCmd  `cmd:"" help:"Print the built-in policy: who may see and change what. A file of one's own starts as a copy of it."`
	Check policyCheckCmd `cmd:"" help:"Say whether a policy file can be used, and if not, where it is wrong."`
}

type policyShowCmd struct{}

// Run prints the built-in policy as it stands in the program.
func (policyShowCmd) Run(s streams) error {
	_, err := s.out.Write(access.BuiltIn)
	return err
}

type policyCheckCmd struct {
	File string `arg:"" type:"existingfile" help:"The policy file."`
}

// Run reads the file as the server would, and says which roles have rules.
func (c policyCheckCmd) Run(s streams) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	p, err := access.ReadPolicy(text, search.Options{})
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	roles := p.Roles()
	if len(roles) == 0 {
		_, err = fmt.Fprintf(s.out, "%s can be used (version %s). It has no roles: everything is denied.\n", c.File, p.Version)
		return err
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	_, err = fmt.Fprintf(s.out, "%s can be used (version %s). Roles: %s. All others are denied everything.\n", c.File, p.Version, strings.Join(names, ", "))
	return err
}
