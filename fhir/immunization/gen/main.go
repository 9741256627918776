// Command gen makes the committed schedule from the facts of the field: the same JSON, checked and without blanks.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/lienthong/lienthong/fhir/immunization"
)

func main() {
	in := flag.String("in", "", "schedule file")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := generate(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(in, out string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	if _, err := immunization.Parse(raw); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	b.WriteByte('\n')
	return os.WriteFile(out, b.Bytes(), 0o644)
}
