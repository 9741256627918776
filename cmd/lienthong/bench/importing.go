package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"time"
)

// load sends the Synthea bundles to the server under test.
func (s *session) load() error {
	patients, took, err := s.send(s.base)
	if err != nil {
		return err
	}
	s.loaded = patients
	s.importRow("import", fmt.Sprintf("resources/s over HTTP, %d senders", s.Senders), patients, took, 8000)
	if s.server != nil {
		_, peak, _ := s.server.usage()
		s.report.add(Row{Workload: "import", Figure: "memory at its peak while loading", Value: float64(peak) / 1e6, Unit: "MB", Limit: 400, AtMost: true})
	}
	return nil
}

// send sends the Synthea bundles to a server, the batches first, and gives the transactions that followed by several senders and how
// long those took.
func (s *session) send(base string) (patients []bundle, took time.Duration, err error) {
	first, patients, err := loadSynthea(s.Synthea)
	if err != nil {
		return nil, 0, err
	}
	for _, b := range first {
		if res := post(s.ctx, base, 1, []bundle{b}); len(res.Errors) > 0 {
			return nil, 0, fmt.Errorf("%s: %s", b.name, res.ErrorText())
		}
	}
	res := post(s.ctx, base, s.Senders, patients)
	if len(res.Errors) > 0 {
		return nil, 0, fmt.Errorf("the patient bundles: %s", res.ErrorText())
	}
	return patients, res.Elapsed, nil
}

// importRow adds the rate of an import.
func (s *session) importRow(workload, figure string, bundles []bundle, took time.Duration, limit float64) float64 {
	n, bytes := 0, 0
	for _, b := range bundles {
		n += b.entries
		bytes += len(b.raw)
	}
	rate := float64(n) / took.Seconds()
	s.report.add(Row{Workload: workload, Figure: figure, Value: rate, Unit: "resources/s", Limit: limit,
		Note: fmt.Sprintf("%d resources, %.0f MB in %.2f s", n, float64(bytes)/1e6, took.Seconds())})
	return rate
}

// post sends each bundle once.
func post(ctx context.Context, base string, senders int, bundles []bundle) Result {
	return postAs(ctx, base, nil, senders, bundles)
}

// postAs is post with the header of whoever sends.
func postAs(ctx context.Context, base string, header map[string]string, senders int, bundles []bundle) Result {
	h := map[string]string{"Prefer": "return=minimal"}
	maps.Copy(h, header)
	var next atomic.Int64
	return Load{Clients: senders, Next: func(_, _ int) *Request {
		i := int(next.Add(1)) - 1
		if i >= len(bundles) {
			return nil
		}
		return &Request{Method: http.MethodPost, Body: bundles[i].raw, Header: h}
	}}.Run(ctx, base)
}

// importBundles measures the import over HTTP and, in the same run, the raw engine writing the same documents and index.
func (s *session) importBundles() error {
	raw, err := rawEngine(s.ctx, s.dir, s.Synthea)
	if err != nil {
		return err
	}
	s.report.add(Row{Workload: "import", Figure: "raw engine, the same bundles", Value: raw.bundled, Unit: "resources/s"})
	if err := s.serve(); err != nil {
		return err
	}
	var over float64
	for _, row := range s.report.Rows {
		if row.Workload == "import" && row.Limit == 8000 {
			over = row.Value
		}
	}
	s.report.add(Row{Workload: "import", Figure: "share of the raw engine", Value: over / raw.bundled, Unit: "ratio", Limit: 0.5})
	return s.footprint()
}

// footprint measures disk and memory with all of it loaded, after a clean stop and start.
func (s *session) footprint() error {
	if s.server == nil {
		return nil
	}
	total, err := countAll(s.ctx, s.base)
	if err != nil {
		return err
	}
	if err := s.restart(); err != nil {
		return err
	}
	disk := diskBytes(s.dir + "/store")
	s.report.add(Row{Workload: "import", Figure: "disk, history and index included", Value: float64(disk) / float64(total) / 1000, Unit: "kB/resource",
		Limit: 1.5, AtMost: true, Note: fmt.Sprintf("%d resources, %.1f MB", total, float64(disk)/1e6)})
	resident, _, _ := s.server.usage()
	s.report.add(Row{Workload: "import", Figure: "memory after a restart with all of it", Value: float64(resident) / 1e6, Unit: "MB", Limit: 400, AtMost: true})
	s.report.add(Row{Workload: "startup", Figure: "start with all of it", Value: s.server.ready.Seconds(), Unit: "s", Limit: 1, AtMost: true})
	return nil
}

// restart stops the shared server cleanly and starts it again on the same folder.
func (s *session) restart() error {
	if err := s.server.stop(); err != nil {
		return err
	}
	p, err := startServer(s.ctx, s.dir)
	if err != nil {
		return err
	}
	s.server, s.base = p, p.base
	return nil
}
