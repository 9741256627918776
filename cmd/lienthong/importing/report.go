package importing

import (
	"cmp"
	"fmt"
	"io"
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
	places []string // the first few
}

// shownPlaces is how many places are kept of one reason; the rest is counted.
const shownPlaces = 5

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
	r.Failed += n
	key := withoutDigits(reason)
	f := r.failures[key]
	if f == nil {
		f = &failure{reason: reason}
		r.failures[key] = f
	}
	f.count += n
	if len(f.places) < shownPlaces {
		f.places = append(f.places, place)
	}
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
		fmt.Fprintf(&b, "Already there: %d files, %d entries of others.\n", r.Untouched, r.Earlier)
	}
	if r.Doubtful > 0 {
		fmt.Fprintf(&b, "Warning: an earlier run was cut off while %d entries were under way. They were sent again and may now be there twice,\nsince they have no identifier by which the server could be asked.\n", r.Doubtful)
	}
	if r.Failed > 0 {
		fmt.Fprintf(&b, "Failed: %d, for these reasons:\n", r.Failed)
		all := make([]*failure, 0, len(r.failures))
		for _, f := range r.failures {
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b *failure) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.reason, b.reason)) })
		for _, f := range all {
			fmt.Fprintf(&b, "  %d × %s\n", f.count, f.reason)
			for _, p := range f.places {
				fmt.Fprintf(&b, "      %s\n", p)
			}
			if f.count > len(f.places) && len(f.places) == shownPlaces {
				b.WriteString("      …\n")
			}
		}
		b.WriteString("What failed is tried again by the next run of the same command.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
