package metrics

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/store"
)

// Sources are what a server's rooms tell of themselves.
type Sources struct {
	Stats   func(context.Context) (store.Stats, error)
	Journal func() (lines, signed uint64) // of the audit journal
	Writes  func() audit.Writes           // of the audit journal
	Claims  func(context.Context) (delivery.Summary, error)
	Overdue func(context.Context) (map[delivery.Clock]int, error)
	Mirror  func(context.Context) (behind uint64, err error)
	LogCopy func(context.Context) (behind uint64, err error)
	// Ready gives what /readyz says: why the server cannot answer or keep all that comes, as errors of the catalogue.
	Ready func(context.Context) error
}

// readyWithin bounds how long a scrape waits for Ready: a log that is away must not have the scrape fail, which would look as if the
// server were away. The question goes on for readyAtMost, and a later scrape tells what came of it.
const (
	readyWithin = 2 * time.Second
	readyAtMost = time.Minute
)

// obstacles are the codes that lienthong_not_ready tells apart.
var obstacles = []string{
	"store-full", "store-halted", "store-damaged", "store-diverged", "audit-unavailable", "audit-halted",
	"log-unreachable", "log-leaderless", "log-denied", "log-full", "log-refused", "log-behind", "log-other-history", other,
}

// other is any code that is not among the obstacles, and no answer in time.
const other = "other"

// claimsEvery is how old the numbers of claims may be: they are counted, not kept.
const claimsEvery = time.Minute

var (
	commits   = describe("lienthong_commits", "Commits in the log: the newest one's number.")
	versions  = describe("lienthong_versions", "Versions of resources ever written, deletes included.")
	resources = describe("lienthong_resources", "Current resources by type.", "type")
	diskBytes = describe("lienthong_disk_bytes", "Bytes of the store's folder.")
	journal   = describe("lienthong_audit_lines", "Lines of the audit journal.")
	signed    = describe("lienthong_audit_signed_lines", "Lines of the audit journal that are under its newest signed checkpoint.")
	groups    = describe("lienthong_audit_writes_total", "Groups of lines that the audit journal has brought to disk, each by one sync.")
	writing   = describe("lienthong_audit_write_seconds_total", "Time that the audit journal took for that. Answers wait for it; lienthong_request_duration_seconds does not count it for reads.")
	claims    = describe("lienthong_claims", "Versions of claims in the outbox by state; at most a minute old.", "state")
	overdue   = describe("lienthong_claims_overdue", "Versions of claims whose deadline ran out, by its clock.", "clock")
	behind    = describe("lienthong_mirror_behind_commits", "Commits that the copy for analysts has not yet.")
	uncopied  = describe("lienthong_log_copy_behind_commits", "Commits that the copy of the log (--log-copy) has not yet, or that were not compared yet.")
	notReady  = describe("lienthong_not_ready", "1 if /readyz gives this reason, else 0: it is red, or lets stale reads be served. The codes are explained in docs/operator.md.", "code")
	sourceUp  = describe("lienthong_source_up", "1 if this part of the server could tell its numbers, else 0.", "source")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// rooms asks the sources at each scrape (prometheus.Collector).
type rooms struct {
	sources Sources

	mu      sync.Mutex // guards what follows; claims are counted under it
	counted time.Time
	claims  delivery.Summary
	err     error

	asked  sync.Mutex // guards what follows; held while a scrape waits for an answer
	asking *question  // nil if none is under way
	found  []string   // by the last one that was answered
}

// Describe implements prometheus.Collector.
func (c *rooms) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{commits, versions, resources, diskBytes, journal, signed, groups, writing, claims, overdue, behind, uncopied, notReady, sourceUp} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *rooms) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(store.Ourselves(context.Background()), 10*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	up := func(source string, err error) bool {
		v := 1.0
		if err != nil {
			v = 0
		}
		gauge(sourceUp, v, source)
		return err == nil
	}
	var away error // the log is out of reach: who would ask it is not asked
	if c.sources.Ready != nil {
		found := c.inTheWay()
		for _, code := range obstacles {
			v := 0.0
			if slices.Contains(found, code) {
				v = 1
			}
			gauge(notReady, v, code)
		}
		if slices.ContainsFunc(found, func(code string) bool { return code == other || strings.HasPrefix(code, "log-") }) {
			away = errAway
		}
	}
	if c.sources.Stats != nil {
		if s, err := c.sources.Stats(ctx); up("store", err) {
			gauge(commits, float64(s.Head))
			gauge(versions, float64(s.Versions))
			gauge(diskBytes, float64(s.DiskBytes))
			for typ, n := range s.Resources {
				gauge(resources, float64(n), string(typ))
			}
		}
	}
	if c.sources.Journal != nil {
		lines, under := c.sources.Journal()
		gauge(journal, float64(lines))
		gauge(signed, float64(under))
	}
	if c.sources.Writes != nil {
		w := c.sources.Writes()
		counter(groups, float64(w.Groups))
		counter(writing, w.Time.Seconds())
	}
	if c.sources.Mirror != nil {
		if n, err := unless(ctx, away, c.sources.Mirror); up("mirror", err) {
			gauge(behind, float64(n))
		}
	}
	if c.sources.LogCopy != nil {
		if n, err := unless(ctx, away, c.sources.LogCopy); up("log-copy", err) {
			gauge(uncopied, float64(n))
		}
	}
	if c.sources.Overdue != nil {
		if counts, err := unless(ctx, away, c.sources.Overdue); up("overdue", err) {
			for _, clock := range delivery.Clocks {
				gauge(overdue, float64(counts[clock]), string(clock))
			}
		}
	}
	if c.sources.Claims != nil {
		if counts, err := unless(ctx, away, c.countClaims); up("claims", err) {
			for _, s := range delivery.States {
				gauge(claims, float64(counts[s]), string(s))
			}
		}
	}
}

var errAway = errors.New("the log is out of reach")

// unless asks a source that reads the store, but not while the log is away.
func unless[T any](ctx context.Context, away error, ask func(context.Context) (T, error)) (T, error) {
	if away != nil {
		var none T
		return none, away
	}
	return ask(ctx)
}

// question is one that Ready is asked.
type question struct {
	done  chan struct{}
	codes []string // after done: of what is in the way
}

// inTheWay gives the codes of what /readyz is red for; what was found last, if that takes longer than a scrape can wait.
func (c *rooms) inTheWay() []string {
	c.asked.Lock()
	defer c.asked.Unlock()
	if c.asking == nil {
		q := &question{done: make(chan struct{})}
		c.asking = q
		go func() { // at most one, and not for longer than readyAtMost
			defer close(q.done)
			q.codes = c.askReady()
		}()
	}
	select {
	case <-c.asking.done:
		c.found, c.asking = c.asking.codes, nil
	case <-time.After(readyWithin):
		if len(c.found) == 0 {
			return []string{other}
		}
	}
	return c.found
}

func (c *rooms) askReady() (codes []string) {
	ctx, cancel := context.WithTimeout(store.Ourselves(context.Background()), readyAtMost)
	defer cancel()
	err := c.sources.Ready(ctx)
	if err == nil {
		return nil
	}
	for _, e := range fhir.Errors(err) {
		if slices.Contains(obstacles, e.Code) {
			codes = append(codes, e.Code)
		}
	}
	if len(codes) == 0 {
		codes = append(codes, other)
	}
	return codes
}

func (c *rooms) countClaims(ctx context.Context) (delivery.Summary, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.counted) >= claimsEvery {
		c.claims, c.err = c.sources.Claims(ctx)
		c.counted = time.Now()
	}
	return c.claims, c.err
}
