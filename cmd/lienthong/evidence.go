package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/evidence"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/rest"
)

// evidenceOf is the operation that gives out a claim as a file of evidence:
//
//	GET Claim/{id}/$evidence?lang=vi      a ZIP, see package evidence
func evidenceOf(n *node, s *cases.Service, base string) rest.Operation {
	e := &evidence.Exporter{Cases: s, Outbox: n.outbox, Store: n.store, Journal: n.trail.journal, Follow: n.trail.follow, Mask: n.trail.mask}
	return rest.Operation{
		Name: "evidence", Type: "Claim", Instance: true, Reads: true, Link: called("File of evidence", "Tệp bằng chứng"), Definition: base + "/fhir/OperationDefinition/Claim-evidence",
		Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			q, _, err := question(a)
			if err != nil {
				return rest.Content{}, err
			}
			lang := outcome.Vietnamese
			switch q.Get("lang") {
			case "", "vi":
			case "en":
				lang = outcome.English
			default:
				return rest.Content{}, fhir.Errorf(fhir.Invalid, "case-parameter", "http.lang", "lang")
			}
			q.Del("lang")
			if err := nothingElse(q); err != nil {
				return rest.Content{}, err
			}
			file, err := e.Export(ctx, a.Key.ID, lang)
			return rest.Content{Type: "application/zip", Name: "evidence-" + string(a.Key.ID) + ".zip", Body: file}, err
		},
	}
}

type verifyEvidenceCmd struct {
	File   string   `arg:"" type:"path" help:"File of evidence (ZIP), as $evidence or 'lienthong claims export' gave it."`
	Key    []string `type:"path" required:"" placeholder:"FILE" help:"Public key of the server that gave it out (audit.key.pub in the folder of its store). May be repeated."`
	AsJSON bool     `name:"json" help:"Answer as JSON."`
}

// maxEvidence bounds a file that is verified.
const maxEvidence = 1 << 30

// Run proves offline that a file of evidence is what the server gave out: exit code 0, or 1 with what is wrong.
func (c *verifyEvidenceCmd) Run(_ context.Context, s streams) error {
	var keys []string
	for _, path := range c.Key {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		keys = append(keys, strings.TrimSpace(string(raw)))
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxEvidence+1))
	if err == nil && len(raw) > maxEvidence {
		err = fmt.Errorf("%s is larger than %d bytes", c.File, maxEvidence)
	}
	if err != nil {
		return err
	}
	v, err := evidence.Verify(raw, keys)
	if err != nil {
		return err
	}
	if c.AsJSON {
		out, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s\n", out)
	} else {
		m := v.Manifest
		fmt.Fprintf(s.out, "%s, MA_LK %s of %s, given out %s to %s %s\n", m.Claim, m.MaLK, m.MaCSKCB, m.Exported.Format("2006-01-02T15:04:05Z07:00"), m.For.Role, m.For.Who)
		fmt.Fprintf(s.out, "%d versions, %d of them in the journal of %s (%d lines under the checkpoint, %d withheld); %d bodies of attempts; this file is line %d\n",
			v.Versions, v.Traced, v.Origin, v.Lines, v.Withheld, v.Bodies, v.Given)
		for _, fault := range v.Faults {
			fmt.Fprintln(s.out, "FAULT", fault)
		}
	}
	if !v.OK() {
		return errors.New("the file of evidence does not hold")
	}
	if !c.AsJSON {
		fmt.Fprintln(s.out, "nothing was changed, added or taken away")
	}
	return nil
}
