// Package metrics shows an operator what a server does, for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// Nothing in it is about a person: its labels are interactions, resource types, states and status codes, each from a
// closed list. It has a listener of its own, so that who may look at it is decided by the network. It may import all rooms
// below cmd; start reading at New.
package metrics

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/r4"
)

// Metrics counts the requests of one server, and asks its rooms how they are when somebody looks.
type Metrics struct {
	base     string
	registry *prometheus.Registry
	seconds  *prometheus.HistogramVec
	byType   *prometheus.CounterVec
	running  prometheus.Gauge
}

// New makes the metrics of a server whose FHIR base has this path. sources may have fields that are nil.
func New(basePath, version string, sources Sources) *Metrics {
	m := &Metrics{
		base:     strings.TrimSuffix(basePath, "/"),
		registry: prometheus.NewRegistry(),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "lienthong_request_duration_seconds",
			Help:    "Time from the headers of a request to the end of its answer, by FHIR interaction and HTTP status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"interaction", "code"}),
		byType: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lienthong_requests_total",
			Help: "Requests by FHIR interaction and resource type; type is empty where a request names none.",
		}, []string{"interaction", "type"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lienthong_requests_running", Help: "Requests that are being answered.",
		}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lienthong_build_info", Help: "1; the label is the version that runs.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m.seconds, m.byType, m.running, build, &rooms{sources: sources},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, Timeout: 10 * time.Second})
}

type interactionKey struct{}

// Watch counts what next answers.
func (m *Metrics) Watch(next http.Handler) http.Handler {
	timed := promhttp.InstrumentHandlerInFlight(m.running, promhttp.InstrumentHandlerDuration(m.seconds, next,
		promhttp.WithLabelFromCtx("interaction", func(ctx context.Context) string {
			name, _ := ctx.Value(interactionKey{}).(string)
			return name
		})))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interaction, typ := m.classify(r)
		m.byType.WithLabelValues(interaction, typ).Inc()
		timed.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), interactionKey{}, interaction)))
	})
}

// classify gives the labels of a request. What a caller invents is in none of them.
func (m *Metrics) classify(r *http.Request) (interaction, typ string) {
	rest, ours := strings.CutPrefix(r.URL.Path, m.base)
	if !ours || rest != "" && rest[0] != '/' {
		return "other", ""
	}
	parts := strings.FieldsFunc(rest, func(c rune) bool { return c == '/' })
	if len(parts) > 0 && r4.IsResource(fhir.Type(parts[0])) {
		typ = parts[0]
	}
	if len(parts) == 1 && parts[0] == "metadata" {
		return "capabilities", ""
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return audit.InteractionOf(r.Method, parts), typ
	}
	return "other", typ
}
