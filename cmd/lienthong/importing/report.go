package importing

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Report says what an import did.
type Report struct {
	Files     int               // files that were looked at
	Untouched int               // of those: done in an earlier run, or without anything in them
	Resources map[fhir.Type]int // entries that the server took in this run
	Earlier   int               // entries that an earlier run, or the same content in another file, had brought already
	Doubtful  int               // entries that a repeat after a crash may have doubled
	Failed    int               // entries that the server refused, and files that could not be read
	Elapsed   time.Duration
	Restarted bool // the state file spoke of another store and was put aside

	mu       sync.Mutex // guards all of Report while senders work
	failures map[string]*failure
}

// failure is one reason with the places where it struck.
type failure struct {
	reason string
	count  int
	places []string         // the first few
	lines  map[string][]int // lines of NDJSON files, all of them up to maxLines
}

// shownPlaces is how many places are kept of one reason, maxLines how many line numbers; the rest is counted.
const (
	shownPlaces = 20
	maxLines    = 10_000
)

// Total is the number of resources that the server took in this run.
func (r *Report) Total() int {
	n := 0
	for _, c := range r.Resources {
		n += c
	}
	return n
}

func (r *Report) took(items []item, entries []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, it := range items {
		if entries == nil || entries[i] == "" {
			r.Resources[it.typ]++
		}
	}
}

// fail counts n failed entries at a place. Indices in paths are taken out of the reason's key, so that the same fault in
// many entries is one line.
func (r *Report) fail(reason, place string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.failure(reason, n)
	if len(f.places) < shownPlaces {
		f.places = append(f.places, place)
	}
}

// failLine counts a line of an NDJSON file that cannot be taken. Each of them is named.
func (r *Report) failLine(reason, path string, line int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.failure(reason, 1)
	if f.lines == nil {
		f.lines = map[string][]int{}
	}
	if len(f.lines[path]) < maxLines {
		f.lines[path] = append(f.lines[path], line)
	}
}

// failure counts n under a reason; mu is held.
func (r *Report) failure(reason string, n int) *failure {
	r.Failed += n
	key := withoutDigits(reason)
	f := r.failures[key]
	if f == nil {
		f = &failure{reason: reason}
		r.failures[key] = f
	}
	f.count += n
	return f
}

func withoutDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, s)
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	if r.Restarted {
		b.WriteString("The state file spoke of another store, so everything was sent again.\n")
	}
	rate := float64(r.Total()) / max(r.Elapsed.Seconds(), 1e-3)
	fmt.Fprintf(&b, "%d resources from %d files in %s (%.0f resources/s)\n", r.Total(), r.Files-r.Untouched, r.Elapsed.Round(10*time.Millisecond), rate)
	types := make([]fhir.Type, 0, len(r.Resources))
	for t := range r.Resources {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b fhir.Type) int {
		return cmp.Or(cmp.Compare(r.Resources[b], r.Resources[a]), cmp.Compare(a, b))
	})
	for _, t := range types {
		fmt.Fprintf(&b, "  %-28s %8d\n", t, r.Resources[t])
	}
	if r.Untouched > 0 || r.Earlier > 0 {
		fmt.Fprintf(&b, "Brought by an earlier run, or found again: %d files as a whole, %d entries of others.\n", r.Untouched, r.Earlier)
	}
	if r.Doubtful > 0 {
		fmt.Fprintf(&b, "Warning: an earlier run was cut off while %d entries were under way. They were sent again and may now be there twice,\nsince they have no identifier by which the server could be asked.\n", r.Doubtful)
	}
	if r.Failed > 0 {
		fmt.Fprintf(&b, "Refused or not readable: %d, for these reasons:\n", r.Failed)
		all := make([]*failure, 0, len(r.failures))
		for _, f := range r.failures {
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b *failure) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.reason, b.reason)) })
		for _, f := range all {
			fmt.Fprintf(&b, "  %d × %s\n", f.count, f.reason)
			named := 0
			for _, p := range slices.Sorted(maps.Keys(f.lines)) {
				fmt.Fprintf(&b, "      %s, %s: not read, the other lines were\n", p, ranges(f.lines[p]))
				named += len(f.lines[p])
			}
			for _, p := range f.places {
				fmt.Fprintf(&b, "      %s\n", p)
			}
			if more := f.count - named - len(f.places); more > 0 && (len(f.places) == shownPlaces || named >= maxLines) {
				fmt.Fprintf(&b, "      … and %d more\n", more)
			}
		}
		b.WriteString("What was refused is tried again by the next run of the same command; what was taken is not sent again.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ranges writes line numbers: "line 3", "lines 3, 7-9".
func ranges(lines []int) string {
	var b strings.Builder
	b.WriteString("line")
	if len(lines) > 1 {
		b.WriteByte('s')
	}
	for i := 0; i < len(lines); {
		j := i
		for j+1 < len(lines) && lines[j+1] == lines[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d", lines[i])
		if j > i {
			fmt.Fprintf(&b, "-%d", lines[j])
		}
		i = j + 1
	}
	return b.String()
}
