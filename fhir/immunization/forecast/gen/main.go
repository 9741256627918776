// Command gen makes the committed table of evaluation reasons from the facts of the field: the same JSON, checked and
// without blanks.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	in := flag.String("in", "", "table of reasons")
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
	var check map[string][2]string
	if err := json.Unmarshal(raw, &check); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	b.WriteByte('\n')
	return os.WriteFile(out, b.Bytes(), 0o644)
}
