// Command gen writes the table of states into a page, between its two marks.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/lienthong/lienthong/adapters/delivery"
)

func main() {
	page := flag.String("page", "", "Markdown file that has the marks")
	flag.Parse()
	if err := run(*page); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(page string) error {
	raw, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(raw, []byte(delivery.DiagramBegin))
	_, after, closed := bytes.Cut(rest, []byte(delivery.DiagramEnd))
	if !ok || !closed {
		return fmt.Errorf("%s lacks the marks %q and %q", page, delivery.DiagramBegin, delivery.DiagramEnd)
	}
	out := fmt.Appendf(bytes.Clone(before), "%s\n%s%s", delivery.DiagramBegin, delivery.Diagram(), delivery.DiagramEnd)
	return os.WriteFile(page, append(out, after...), 0o644)
}
