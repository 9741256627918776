package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is one figure with its limit and what it was compared with.
type Row struct {
	Workload string  `json:"workload"`
	Figure   string  `json:"figure"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Limit    float64 `json:"limit,omitempty"`   // 0 = none
	AtMost   bool    `json:"at_most,omitempty"` // the limit is an upper bound
	Note     string  `json:"note,omitempty"`
}

// Met says whether the figure keeps its limit; true where there is none.
func (r Row) Met() bool {
	return r.Limit == 0 || (r.AtMost && r.Value <= r.Limit) || (!r.AtMost && r.Value >= r.Limit)
}

// Report gathers the rows of a run.
type Report struct {
	Began   time.Time `json:"began"`
	Machine string    `json:"machine"`
	Rows    []Row     `json:"rows"`
	out     io.Writer
}

func newReport(out io.Writer) *Report {
	return &Report{
		Began:   time.Now(),
		Machine: fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		out:     out,
	}
}

// add keeps a row and shows it at once, so that a long run can be followed.
func (r *Report) add(row Row) {
	r.Rows = append(r.Rows, row)
	fmt.Fprintf(r.out, "  %-52s %12s %-12s %s\n", row.Figure, number(row.Value), row.Unit, verdict(row))
}

// load adds the usual rows of one load: rate, latencies, errors.
func (r *Report) load(workload, what string, res Result, limit float64) {
	r.add(Row{Workload: workload, Figure: what, Value: res.PerSecond(), Unit: "requests/s", Limit: limit,
		Note: fmt.Sprintf("p50 %.2f p95 %.2f p99 %.2f p99.9 %.2f ms; errors: %s",
			res.Quantile(50), res.Quantile(95), res.Quantile(99), res.Quantile(99.9), res.ErrorText())})
}

func (r *Report) print() {
	fmt.Fprintf(r.out, "\n%s\n", r.Machine)
	w := tabwriter.NewWriter(r.out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "workload\tfigure\tvalue\tunit\tlimit\tnote")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", row.Workload, row.Figure, number(row.Value), row.Unit, limitText(row), row.Note)
	}
	_ = w.Flush()
}

// write saves the rows as JSON.
func (r *Report) write(file string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644)
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

func limitText(r Row) string {
	if r.Limit == 0 {
		return "–"
	}
	sign, met := "≥", "met"
	if r.AtMost {
		sign = "≤"
	}
	if !r.Met() {
		met = "SHORT"
	}
	return fmt.Sprintf("%s %s %s", sign, number(r.Limit), met)
}

func verdict(r Row) string {
	var parts []string
	if r.Limit != 0 {
		parts = append(parts, "limit "+limitText(r))
	}
	if r.Note != "" {
		parts = append(parts, r.Note)
	}
	return strings.Join(parts, "; ")
}
