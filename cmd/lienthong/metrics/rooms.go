package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lienthong/lienthong/adapters/delivery"
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
}

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
	sourceUp  = describe("lienthong_source_up", "1 if this part of the server could tell its numbers, else 0.", "source")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// rooms asks the sources at each scrape (prometheus.Collector).
type rooms struct {
	sources Sources

	mu      sync.Mutex
	counted time.Time
	claims  delivery.Summary
	err     error
}

// Describe implements prometheus.Collector.
func (c *rooms) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{commits, versions, resources, diskBytes, journal, signed, groups, writing, claims, overdue, behind, uncopied, sourceUp} {
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
		if n, err := c.sources.Mirror(ctx); up("mirror", err) {
			gauge(behind, float64(n))
		}
	}
	if c.sources.LogCopy != nil {
		if n, err := c.sources.LogCopy(ctx); up("log-copy", err) {
			gauge(uncopied, float64(n))
		}
	}
	if c.sources.Overdue != nil {
		if counts, err := c.sources.Overdue(ctx); up("overdue", err) {
			for _, clock := range delivery.Clocks {
				gauge(overdue, float64(counts[clock]), string(clock))
			}
		}
	}
	if c.sources.Claims != nil {
		if counts, err := c.countClaims(ctx); up("claims", err) {
			for _, s := range delivery.States {
				gauge(claims, float64(counts[s]), string(s))
			}
		}
	}
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
