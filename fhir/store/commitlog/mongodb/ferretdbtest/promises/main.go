// Command promises reads the output of go test -json and prints a table: which promise of the store is proven, skipped or
// failing over which log. Tests say it by their names: TestX/LOG/PROMISE/what, TestX/PROMISE/LOG, or, without a LOG, that of
// the -log flag. It ends with 1 if anything failed.
//
//	go test -json . | go run -mod=mod ./promises
//	{ (cd ../../../../.. && go test -json ./fhir/store/engine -run 'TestStore$'); go test -json .; } | go run -mod=mod ./promises -log embedded
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

var (
	promises = []string{"ATOMIC", "DURABLE", "LOSSLESS", "EXACT", "FRESH", "AS-OF", "COMPLETE", "FENCED", "FEED", "ONCE", "LIVE"}
	logs     = []string{"ferretdb", "replica-set"}
)

// cell counts the tests of a promise over a log.
type cell struct{ passed, failed, skipped int }

func (c cell) String() string {
	switch {
	case c.failed > 0:
		return fmt.Sprintf("FAILING (%d of %d)", c.failed, c.failed+c.passed)
	case c.passed > 0 && c.skipped > 0:
		return fmt.Sprintf("proven by %d, %d skipped", c.passed, c.skipped)
	case c.passed > 0:
		return fmt.Sprintf("proven by %d", c.passed)
	case c.skipped > 0:
		return "skipped"
	}
	return "not run"
}

func main() {
	unnamed := flag.String("log", "", "log of tests that name none")
	flag.Parse()
	columns := logs
	if *unnamed != "" {
		columns = append([]string{*unnamed}, logs...)
	}
	table := map[string]*cell{}
	tests, failed, skipped := 0, 0, 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Package, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // of the build
			continue
		}
		if e.Action == "output" && (strings.Contains(e.Output, "SEED") || strings.Contains(e.Output, ".go:") || strings.HasPrefix(e.Output, "panic")) {
			fmt.Print(e.Output) // what repeats a run, and what went wrong
		}
		if e.Action == "fail" && e.Test == "" {
			failed++
		}
		if e.Test == "" || e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
			continue
		}
		switch e.Action {
		case "pass":
			tests++
		case "fail":
			failed++
		case "skip":
			skipped++
		}
		parts := strings.Split(e.Test, "/")
		p := slices.IndexFunc(parts, func(s string) bool { return slices.Contains(promises, s) })
		l := slices.IndexFunc(parts, func(s string) bool { return slices.Contains(logs, s) })
		if p < 0 || p == len(parts)-1 || len(parts) > max(p, l)+2 { // a test above, or one below
			continue
		}
		log := *unnamed
		if l >= 0 {
			log = parts[l]
		} else if strings.HasSuffix(e.Package, "/ferretdbtest") {
			continue // of no log, or of several
		}
		key := parts[p] + " " + log
		if table[key] == nil {
			table[key] = &cell{}
		}
		c := table[key]
		switch e.Action {
		case "pass":
			c.passed++
		case "fail":
			c.failed++
		case "skip":
			c.skipped++
		}
	}
	fmt.Printf("\n%-10s", "promise")
	for _, l := range columns {
		fmt.Printf("  %-24s", l)
	}
	fmt.Println()
	for _, p := range promises {
		fmt.Printf("%-10s", p)
		for _, l := range columns {
			c := table[p+" "+l]
			if c == nil {
				c = &cell{}
			}
			fmt.Printf("  %-24s", c)
		}
		fmt.Println()
	}
	if os.Getenv("LIENTHONG_MONGODB_URI") == "" && os.Getenv("LIENTHONG_MONGOD") == "" {
		fmt.Println("\nNeither LIENTHONG_MONGOD nor LIENTHONG_MONGODB_URI is set: nothing was proven over a replica set.")
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", tests, failed, skipped)
	if failed > 0 {
		os.Exit(1)
	}
}
