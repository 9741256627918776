package bench

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// registry measures what a vaccination registry is asked: coverage from counters, a lot that is recalled, a list of who is
// due. It says besides how long the counters took to follow the import.
func (s *session) registry() error {
	return s.fresh("registry", func(s *session) error {
		began := time.Now()
		count, doses, err := s.children("registry")
		if err != nil {
			return err
		}
		loaded := time.Since(began)
		if err := s.counted(count); err != nil {
			return err
		}
		s.report.add(Row{Workload: "registry", Figure: fmt.Sprintf("%d children with %d doses counted after the import of %.0f s", count, doses, loaded.Seconds()),
			Value: time.Since(began).Seconds() - loaded.Seconds(), Unit: "s"})
		for _, q := range []struct {
			figure, path string
			limit        float64
		}{
			{"coverage by cohort", "$immunization-coverage?cohort=2023&by=cohort", 1000},
			{"coverage as a page", "$immunization-coverage?cohort=2023&by=commune,cohort&format=html", 1000},
			{"recall of a lot that every child had, a page of 100", "$immunization-recall?lot=GD-108", 100},
			{"recall of a lot, a page of 1,000 as CSV", "$immunization-recall?lot=GD-1198&_count=1000&format=csv", 0},
			{"due list of a commune, a page of 100", "$immunization-due?commune=Bench&_count=100", 0},
		} {
			res := Load{Clients: 1, Duration: s.Duration, Next: func(int, int) *Request {
				return &Request{Method: http.MethodGet, Path: q.path}
			}}.Run(s.ctx, s.base)
			s.report.add(Row{Workload: "registry", Figure: fmt.Sprintf("%s, %d doses loaded, p99", q.figure, doses), Value: res.Quantile(99), Unit: "ms", Limit: q.limit, AtMost: true,
				Note: fmt.Sprintf("p50 %.2f ms, %.0f requests/s; errors: %s", res.Quantile(50), res.PerSecond(), res.ErrorText())})
		}
		return nil
	})
}

// countPatience is how long the counters may take to follow an import.
const countPatience = time.Hour

// counted waits until so many children are counted.
func (s *session) counted(count int) error {
	want := fmt.Sprintf(`,"count":%d}`, count)
	for until := time.Now().Add(countPatience); time.Now().Before(until); time.Sleep(time.Second) {
		req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.base+"/$immunization-coverage?cohort=2023&series=BCG", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return err
		}
		if strings.Contains(string(raw), want) {
			return nil
		}
	}
	return fmt.Errorf("the counters did not follow within %s", countPatience)
}
